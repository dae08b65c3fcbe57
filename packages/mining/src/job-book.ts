// The pool's work as a gateway knows it from the feed: the tip, the job that is active on it, and the future job for the next
// height that every device is given ahead of time. A channel that opens is brought to this state.
import type { ExtendedJob, Tip } from './job.ts';

/** Future jobs that wait for an activation; the oldest goes first. There is one for the next height, rarely two. */
export const FUTURE_JOBS_BOUND = 8;

/** For one gateway; fed in the order of the feed. */
export class JobBook {
  #tip: Tip | undefined;
  #active: ExtendedJob | undefined;
  /** By id, in order of arrival. */
  readonly #future = new Map<number, ExtendedJob>();

  get tip(): Tip | undefined {
    return this.#tip;
  }

  /** The newest job on the tip. */
  get active(): ExtendedJob | undefined {
    return this.#active;
  }

  /** The newest future job. */
  get next(): ExtendedJob | undefined {
    return [...this.#future.values()].at(-1);
  }

  /** A job for the next height, to be activated by a tip. */
  addFuture(job: ExtendedJob): void {
    this.#future.set(job.jobId, job);
    if (this.#future.size > FUTURE_JOBS_BOUND) {
      const [oldest] = this.#future.keys();
      if (oldest !== undefined) this.#future.delete(oldest);
    }
  }

  /** A job on the current tip, in the place of the one before. */
  setActive(job: ExtendedJob): void {
    this.#active = job;
  }

  /** A new tip voids every job but the future one that it names [sv2 5.3.17]; `undefined`: that job is not known here, nothing changes. */
  activate(jobId: number, tip: Tip): ExtendedJob | undefined {
    const job = this.#future.get(jobId);
    if (job === undefined) return undefined;
    this.#future.clear();
    this.#tip = tip;
    this.#active = job;
    return job;
  }
}
