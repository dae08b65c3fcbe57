// Jobs as lines of mining.notify, one for all miners that get the same bytes, and the ids of jobs as they stand in them: the farm's number
// from a start on that is another for each process, such as `8a41f`; `8a41f-2` is the same job told for the third time. So no text stands for
// two jobs, and a share of a job from before a restart is known for one: cgminer hands such in for two minutes.
import { NotifyTemplate } from '@sluice/sv1/notify-template';
import type { FarmJob } from '../miners/miner.ts';
import type { Sv1Counters } from './counters.ts';

/** No job of the farm. */
const NO_JOB = 0;
/** Lines kept of one job; the oldest goes. Miners are told at the same time, so that few are in use. */
const MAX_LINES = 4;
/** Ids begin below it, so that they have six or seven digits for years. */
export const FIRST_ID_BOUND = 2 ** 24;

const DASH = 0x2d;
const MAX_ID_DIGITS = 9;
const MAX_REPEAT_DIGITS = 8;

interface LinesOfJob {
  readonly template: NotifyTemplate;
  /** By how often the job was told before, and whether it is clean. */
  readonly lines: Map<string, Buffer>;
}

/** For all sessions of a process. */
export class JobLines {
  readonly #counters: Sv1Counters;
  readonly #firstId: number;
  readonly #repeatSeconds: number;
  readonly #jobs = new WeakMap<FarmJob, LinesOfJob>();
  #newest: FarmJob | undefined;
  /** The line that was wanted last: thousands of miners are told it one after the other. */
  #last: { readonly job: FarmJob; readonly repeat: number; readonly clean: boolean; readonly line: Buffer } | undefined;

  /**
   * @param firstId where ids begin, from 0 to below FIRST_ID_BOUND.
   * @param repeatSeconds by which ntime is later each time that a job is told again; at least 1.
   */
  constructor(firstId: number, repeatSeconds: number, counters: Sv1Counters) {
    this.#firstId = firstId;
    this.#repeatSeconds = repeatSeconds;
    this.#counters = counters;
  }

  /** Bits of the version that the newest job lets be rolled, u32; all before there is one. */
  get versionMask(): number {
    return this.#newest?.versionMask ?? 0xffff_ffff;
  }

  /** The bytes of the line, to be written as they are. @param repeat how often the job was told before. */
  line(job: FarmJob, repeat: number, clean: boolean): Buffer {
    const last = this.#last;
    if (last?.job === job && last.repeat === repeat && last.clean === clean) return last.line;
    const line = this.#lineOf(job, repeat, clean);
    this.#last = { job, repeat, clean, line };
    return line;
  }

  #lineOf(job: FarmJob, repeat: number, clean: boolean): Buffer {
    const { template, lines } = this.#linesOf(job);
    const key = `${repeat}${clean}`;
    let line = lines.get(key);
    if (line === undefined) {
      const ntime = job.ntime + repeat * this.#repeatSeconds;
      line = Buffer.from(template.line(this.#wireId(job.id, repeat), ntime, clean).buffer);
      const [oldest] = lines.keys();
      if (oldest !== undefined && lines.size >= MAX_LINES) lines.delete(oldest);
      lines.set(key, line);
    }
    return line;
  }

  /** The farm's number of a job by its id, which stands in `bytes` from `from` to before `to`; 0 when it is none. */
  jobIdIn(bytes: Uint8Array, from: number, to: number): number {
    let id = 0;
    let at = from;
    for (; at < to && bytes[at] !== DASH; at++) {
      const digit = hexDigit(bytes[at]!);
      if (digit < 0) return NO_JOB;
      id = id * 16 + digit;
    }
    if (at === from || at - from > MAX_ID_DIGITS || !isRepeat(bytes, at, to)) return NO_JOB;
    return Math.max(NO_JOB, id - this.#firstId);
  }

  #wireId(jobId: number, repeat: number): string {
    const id = (this.#firstId + jobId).toString(16);
    return repeat === 0 ? id : `${id}-${repeat.toString(16)}`;
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

/** Nothing, or how often the job was told before. */
function isRepeat(bytes: Uint8Array, from: number, to: number): boolean {
  if (from === to) return true;
  for (let at = from + 1; at < to; at++) if (hexDigit(bytes[at]!) < 0) return false;
  return to > from + 1 && to - from - 1 <= MAX_REPEAT_DIGITS;
}

/** As they are written here: without capitals. -1: it is none. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1;
}
