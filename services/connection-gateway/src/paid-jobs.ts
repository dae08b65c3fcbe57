// Jobs for channels whose blocks pay their miner: the pool's job with other outputs, made once for all channels of a payout. They live
// as long as the pool's job and as the payout has a channel, so what bounds them is the number of payouts.
import type { ExtendedJob } from '@sluice/mining/job';
import { jobPaying, type MinerPayout } from '@sluice/mining/miner-payout';

export interface PaidJobsCounters {
  paidJobs: number;
}

/** The jobs of one payout, shared by its channels on all connections. */
export class PaidJobs {
  readonly payout: MinerPayout;
  /** Open channels. */
  channels = 0;
  readonly #counters: PaidJobsCounters;
  readonly #jobs = new WeakMap<ExtendedJob, ExtendedJob>();
  #broken = false;

  constructor(payout: MinerPayout, counters: PaidJobsCounters) {
    this.payout = payout;
    this.#counters = counters;
  }

  /**
   * The pool's job as it is here: the same object for the same job. `undefined`: it, or one before it, had no coinbase that could be paid
   * out, which no distributor of ours writes. Who missed one job may have missed a tip, and is given nothing any more.
   */
  of(job: ExtendedJob): ExtendedJob | undefined {
    const known = this.#jobs.get(job);
    if (known !== undefined || this.#broken) return known;
    const made = jobPaying(job, this.payout);
    if (made === undefined) {
      this.#broken = true;
      return undefined;
    }
    this.#counters.paidJobs += 1;
    this.#jobs.set(job, made);
    return made;
  }
}

/** The payouts of the channels that are open here. */
export class Payouts {
  readonly #bound: number;
  readonly #counters: PaidJobsCounters;
  /** By percentage and script. */
  readonly #open = new Map<string, PaidJobs>();

  constructor(bound: number, counters: PaidJobsCounters) {
    this.#bound = bound;
    this.#counters = counters;
  }

  get size(): number {
    return this.#open.size;
  }

  /** For one more channel; `undefined`: there are as many payouts as there may be. */
  take(payout: MinerPayout): PaidJobs | undefined {
    const key = keyOf(payout);
    let paid = this.#open.get(key);
    if (paid === undefined) {
      if (this.#open.size >= this.#bound) return undefined;
      paid = new PaidJobs(payout, this.#counters);
      this.#open.set(key, paid);
    }
    paid.channels += 1;
    return paid;
  }

  /** A channel is gone; with the last one its payout is. */
  release(paid: PaidJobs): void {
    paid.channels -= 1;
    if (paid.channels === 0) this.#open.delete(keyOf(paid.payout));
  }
}

function keyOf({ poolPercent, script }: MinerPayout): string {
  return `${poolPercent} ${Buffer.from(script).toString('hex')}`;
}
