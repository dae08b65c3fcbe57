// What a group of miners takes its work from: one upstream channel at a time, that of a whole upstream or that of a single miner.
import { equalBytes } from '@sluice/bitcoin/serialize';
import type { Clock } from '@sluice/runtime/clock';
import type { ProxyCounters } from '../counters.ts';
import type { UpstreamWork } from '../upstream/upstream-work.ts';
import type { FarmMiner } from './farm-miner.ts';
import { FarmWork } from './farm-work.ts';
import type { JobNumbers } from './job-numbers.ts';
import type { TipTimes } from './tip-times.ts';

/** What all feeds of a farm share. */
export interface FeedModules {
  readonly clock: Clock;
  readonly counters: ProxyCounters;
  readonly numbers: JobNumbers;
  readonly times: TipTimes;
  /** Bytes that each miner rolls. */
  readonly extranonce2Size: number;
}

export class Feed {
  /** Of the upstream in the list, from 0. */
  readonly place: number;
  readonly #modules: FeedModules;
  readonly #miners = new Set<FarmMiner>();
  /** Miners that are to be given a job: their target changes with it, or they are new here. */
  readonly #due = new Set<FarmMiner>();
  #work: FarmWork | undefined;

  constructor(place: number, modules: FeedModules) {
    this.place = place;
    this.#modules = modules;
  }

  /** What its miners work on; `undefined` before its upstream has had any. */
  get work(): FarmWork | undefined {
    return this.#work;
  }

  /** Its miners, those that have a channel of their own meanwhile among them. */
  get size(): number {
    return this.#miners.size;
  }

  /** Estimated hashes a second of its miners; 0 without one at work. */
  get hashrate(): number {
    let sum = 0;
    for (const miner of this.#miners) sum += miner.hashrate;
    return sum;
  }

  /** The miner is given a job by the next `giveDue`, if it has none of here. */
  join(miner: FarmMiner): void {
    this.#miners.add(miner);
    this.#due.add(miner);
  }

  leave(miner: FarmMiner): void {
    this.#miners.delete(miner);
    this.#due.delete(miner);
  }

  /** The miner is given a job by the next `giveDue`, if its target changes with it. */
  expect(miner: FarmMiner): void {
    this.#due.add(miner);
  }

  /** Gives all its miners this work. Earlier jobs of a miner are void when it is on another tip, or when nobody takes their shares any more. */
  setWork(upstream: UpstreamWork): void {
    const { clock, counters, numbers, times, extranonce2Size } = this.#modules;
    const before = this.#work;
    const isClean = voids(upstream.prevHash, before);
    // The same bytes again: what miners found before must be known as such.
    const known = !isClean && before?.isOf(upstream) === true ? before : undefined;
    const minNtime = times.latest(upstream.prevHash, upstream.minNtime);
    const tip = isClean ? numbers.tip() : numbers.lastTip;
    const work = known ?? new FarmWork(upstream, numbers.job(), tip, extranonce2Size, minNtime);
    const job = known?.again(numbers.job(), upstream, minNtime) ?? work.newest;
    if (known === undefined) before?.retire();
    this.#work = work;
    this.#due.clear();
    counters.jobs += 1;
    if (isClean) counters.tips += 1;
    const nowMs = clock.now();
    const monotonicMs = clock.monotonic();
    for (const miner of this.#miners) {
      // Giving it may have ended the upstream's connection, and so brought other work.
      if (this.#work !== work) return;
      // It has a channel of its own.
      if (miner.feed !== this) continue;
      const clean = miner.work === before ? isClean : voids(upstream.prevHash, miner.work);
      miner.take(work, job, clean, nowMs, monotonicMs);
    }
  }

  /** Gives a job, the same for all, to the miners that are to have one. */
  giveDue(): void {
    if (this.#due.size === 0) return;
    const work = this.#work;
    const miners = [...this.#due].filter((miner) => miner.feed === this && miner.isDue);
    this.#due.clear();
    if (work === undefined || miners.length === 0) return;
    const { clock, numbers, times } = this.#modules;
    const { prevHash, minNtime } = work.upstream;
    const job = work.again(numbers.job(), work.upstream, times.latest(prevHash, minNtime));
    const nowMs = clock.now();
    const monotonicMs = clock.monotonic();
    for (const miner of miners) {
      if (this.#work !== work || miner.feed !== this) continue;
      const clean = miner.work !== work && voids(work.tip.prevHash, miner.work);
      miner.take(work, job, clean, nowMs, monotonicMs);
    }
  }
}

/** Whether jobs of some work are void on another one's tip: it is not theirs, or nobody takes their shares any more. */
function voids(prevHash: Uint8Array, before: FarmWork | undefined): boolean {
  return before === undefined || !before.upstream.link.isOpen || !equalBytes(before.tip.prevHash, prevHash);
}
