// The jobs that a channel was given on one tip, oldest first. A new tip goes through tens of thousands of channels at once, so the
// objects of the tip before the last are used again and nothing is allocated.
import type { DuplicateFilter } from './duplicate-filter.ts';
import type { ExtendedJob, Tip } from './job.ts';
import type { ShareTarget } from './share-target.ts';

/** Jobs of a tip that a channel may still submit to; the oldest goes first. */
export const ACCEPTED_JOBS_BOUND = 16;
/** How long a job is accepted after the next one took its place. */
export const JOB_LIFETIME_MS = 600_000;
/** Objects that wait for the next tip; a tip with more jobs makes new ones. */
const KEPT = 3;

/** One job as the miner was given it. Good until the channel is sent its next job or tip. */
export class GivenJob {
  /** On the wire: the base of the job, or a reissue of it. */
  id: number;
  job: ExtendedJob;
  sentAtMs: number;
  target: ShareTarget;
  /** Merkle root of a standard channel, made when first needed. */
  root: Uint8Array | undefined;
  /** What such a root is kept in, job after job. */
  rootBytes: Uint8Array | undefined;
  /** Made with the first accepted share; one for all reissues of a job. */
  filter: DuplicateFilter | undefined;

  constructor(id: number, job: ExtendedJob, sentAtMs: number, target: ShareTarget) {
    this.id = id;
    this.job = job;
    this.sentAtMs = sentAtMs;
    this.target = target;
    this.root = undefined;
    this.rootBytes = undefined;
    this.filter = undefined;
  }
}

/** At most `ACCEPTED_JOBS_BOUND` jobs; the oldest goes for a newer one. */
export class GivenJobs {
  tip: Tip | undefined = undefined;
  /** The first `#count` are given, the others wait to be used again. */
  readonly #jobs: GivenJob[] = [];
  #count = 0;

  /** The job that was given last. */
  get newest(): GivenJob | undefined {
    return this.#count === 0 ? undefined : this.#jobs[this.#count - 1];
  }

  add(id: number, job: ExtendedJob, sentAtMs: number, target: ShareTarget): GivenJob {
    if (this.#count === ACCEPTED_JOBS_BOUND) {
      this.#jobs.shift();
      this.#count -= 1;
    }
    let given = this.#jobs[this.#count];
    if (given === undefined) {
      given = new GivenJob(id, job, sentAtMs, target);
      this.#jobs.push(given);
    } else {
      given.id = id;
      given.job = job;
      given.sentAtMs = sentAtMs;
      given.target = target;
    }
    this.#count += 1;
    return given;
  }

  /** By the id on the wire, the newest first; an id is given once for each tip unless the pool's sequence starts again. */
  find(id: number): GivenJob | undefined {
    for (let index = this.#count - 1; index >= 0; index -= 1) {
      const given = this.#jobs[index]!;
      if (given.id === id) return given;
    }
    return undefined;
  }

  /** Whether another job took the place of a given one more than `JOB_LIFETIME_MS` ago. */
  isExpired(given: GivenJob, nowMs: number): boolean {
    const next = this.#jobs.indexOf(given) + 1;
    return next < this.#count && nowMs - this.#jobs[next]!.sentAtMs > JOB_LIFETIME_MS;
  }

  /** The newest of the job and its reissues. */
  findJob(job: ExtendedJob): GivenJob | undefined {
    for (let index = this.#count - 1; index >= 0; index -= 1) {
      const given = this.#jobs[index]!;
      if (given.job === job) return given;
    }
    return undefined;
  }

  /** Gives the job and all its reissues one filter. */
  share(job: ExtendedJob, filter: DuplicateFilter): void {
    for (let index = 0; index < this.#count; index += 1) {
      const given = this.#jobs[index]!;
      if (given.job.jobId === job.jobId) given.filter = filter;
    }
  }

  forgetFilters(): void {
    for (let index = 0; index < this.#count; index += 1) this.#jobs[index]!.filter = undefined;
  }

  /** Nothing is given any more. */
  clear(): void {
    for (let index = 0; index < this.#count; index += 1) {
      const given = this.#jobs[index]!;
      given.root = undefined;
      given.filter = undefined;
    }
    this.#count = 0;
    if (this.#jobs.length > KEPT) this.#jobs.length = KEPT;
  }
}
