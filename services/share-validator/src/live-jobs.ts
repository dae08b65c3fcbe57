// Which jobs of one incarnation a share may still be for, and which shares each has had. A gateway stops accepting a job ten minutes
// after the next one, so a job whose successor was worked on for longer than that is closed for good: its filter goes, and
// the floor below which nothing is taken rises. The floor and where to read again from are written with every credit.

import { DuplicateFilter, FilterAnswer } from '@sluice/mining/duplicate-filter';
import { JOB_LIFETIME_MS } from '@sluice/mining/given-jobs';
import { baseJobId } from '@sluice/mining/job-id';
import type { KnownJob } from './job-history.ts';

/** Beyond the gateway's own ten minutes: how long a fan-out to all its channels may take, with ample room. */
const CLOSING_GRACE_MS = 60_000;
/** Shares of one job of one incarnation; more are not credited. The filter then has 128 MiB. */
export const SHARES_PER_JOB_BOUND = 8_388_608;

/** What may be said of a share's hash. */
export const Novelty = { fresh: 0, repeated: 1, full: 2, closed: 3 } as const;
export type Novelty = (typeof Novelty)[keyof typeof Novelty];

interface LiveJob {
  readonly order: number;
  readonly filter: DuplicateFilter;
  /** Of the first share: its receipt, in Unix milliseconds, and its record's sequence. */
  readonly firstAtMs: number;
  readonly firstSequence: number;
}

export class LiveJobs {
  readonly #bound: number;
  /** By base job id. */
  readonly #jobs = new Map<number, LiveJob>();
  #floor: number;

  constructor(floor: number, bound: number = SHARES_PER_JOB_BOUND) {
    this.#floor = floor;
    this.#bound = bound;
  }

  /** Jobs that became work before this feed number are closed. */
  get floor(): number {
    return this.#floor;
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** Sequence of the first record that has to be read again to know every share of the jobs that are open. */
  replayFrom(otherwise: number): number {
    let first = otherwise;
    for (const { firstSequence } of this.#jobs.values()) if (firstSequence < first) first = firstSequence;
    return first;
  }

  /** Looks the hash of a good share up and notes it. */
  note(known: KnownJob, hash: Uint8Array, receivedAtMs: number, sequence: number): Novelty {
    if (known.order < this.#floor) return Novelty.closed;
    const id = baseJobId(known.job.jobId);
    let live = this.#jobs.get(id);
    if (live === undefined) {
      live = {
        order: known.order,
        filter: new DuplicateFilter(this.#bound),
        firstAtMs: receivedAtMs,
        firstSequence: sequence,
      };
      this.#jobs.set(id, live);
    }
    switch (live.filter.add(hash)) {
      case FilterAnswer.added:
        return Novelty.fresh;
      case FilterAnswer.duplicate:
        return Novelty.repeated;
      case FilterAnswer.full:
        return Novelty.full;
    }
  }

  /** Closes what no honest share can be for any more. `nowMs`: the latest receipt. True: the floor has risen. */
  close(nowMs: number): boolean {
    let floor = this.#floor;
    for (const { order, firstAtMs } of this.#jobs.values()) {
      if (firstAtMs + JOB_LIFETIME_MS + CLOSING_GRACE_MS < nowMs && order > floor) floor = order;
    }
    if (floor === this.#floor) return false;
    this.#floor = floor;
    for (const [id, { order }] of this.#jobs) if (order < floor) this.#jobs.delete(id);
    return true;
  }
}
