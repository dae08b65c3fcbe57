// Jobs as lines of mining.notify, one for all miners that get the same bytes, and the ids of jobs as they stand in them: `1f` is the farm's
// job 31, `1f-2` the same job told for the third time. No text is ever used for another job, because the farm's numbers are not.
import { NotifyTemplate } from '@sluice/sv1/notify-template';
import type { FarmJob } from '../farm/miner.ts';
import type { Sv1Counters } from './counters.ts';

/** No job of the farm. */
const NO_JOB = 0;
/** Lines kept of one job; the oldest goes. Miners are told at the same time, so that few are in use. */
const MAX_LINES = 4;

interface LinesOfJob {
  readonly template: NotifyTemplate;
  /** By how often the job was told before, and whether it is clean. */
  readonly lines: Map<string, Buffer>;
}

/** For all sessions of a process. */
export class JobLines {
  readonly #counters: Sv1Counters;
  readonly #repeatSeconds: number;
  readonly #jobs = new WeakMap<FarmJob, LinesOfJob>();
  #newest: FarmJob | undefined;

  /** @param repeatSeconds by which ntime is later each time that a job is told again; at least 1. */
  constructor(repeatSeconds: number, counters: Sv1Counters) {
    this.#repeatSeconds = repeatSeconds;
    this.#counters = counters;
  }

  /** Bits of the version that the newest job lets be rolled, u32; all before there is one. */
  get versionMask(): number {
    return this.#newest?.versionMask ?? 0xffff_ffff;
  }

  /** The bytes of the line, to be written as they are. @param repeat how often the job was told before. */
  line(job: FarmJob, repeat: number, clean: boolean): Buffer {
    const { template, lines } = this.#linesOf(job);
    const key = `${repeat}${clean}`;
    let line = lines.get(key);
    if (line === undefined) {
      const ntime = job.ntime + repeat * this.#repeatSeconds;
      line = Buffer.from(template.line(wireJobId(job.id, repeat), ntime, clean).buffer);
      for (const oldest of lines.size < MAX_LINES ? [] : [...lines.keys()].slice(0, 1)) lines.delete(oldest);
      lines.set(key, line);
    }
    return line;
  }

  #linesOf(job: FarmJob): LinesOfJob {
    let made = this.#jobs.get(job);
    if (made === undefined) {
      made = { template: new NotifyTemplate(job), lines: new Map() };
      if (!made.template.fitsDevices) this.#counters.oversizedJobs += 1;
      if (this.#newest === undefined || job.id > this.#newest.id) this.#newest = job;
      this.#jobs.set(job, made);
    }
    return made;
  }
}

function wireJobId(jobId: number, repeat: number): string {
  const id = jobId.toString(16);
  return repeat === 0 ? id : `${id}-${repeat.toString(16)}`;
}

/** The farm's number of a job; 0 for a text that is none. */
export function farmJobId(text: string): number {
  const [, digits] = /^([\da-f]{1,8})(?:-[\da-f]{1,8})?$/.exec(text) ?? [];
  return digits === undefined ? NO_JOB : Number.parseInt(digits, 16);
}
