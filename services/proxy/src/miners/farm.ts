// The miners of a farm: places, which feed each takes its work from, and a look at each miner's difficulty about once a second.
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import { ShareChecker } from '@sluice/mining/share-check';
import type { Clock } from '@sluice/runtime/clock';
import type { ProxyCounters } from '../counters.ts';
import type { Workers } from '../statistics/workers.ts';
import type { UpstreamWork } from '../upstream/upstream-work.ts';
import { FarmMiner, type FarmMinerModules, type FarmPolicy } from './farm-miner.ts';
import { Feed } from './feed.ts';
import { JobNumbers } from './job-numbers.ts';
import type { Miner, MinerListener, MinerPlaces } from './miner.ts';
import { MinerTargets } from './miner-target.ts';
import { PLACE_SIZE, Places } from './places.ts';

/** How often `tick` is to be called. */
export const FARM_TICK_MS = 100;
/** Parts in which miners are looked at: ten thousand at once would be felt. */
const SLOTS = 10;

export interface FarmModules {
  readonly clock: Clock;
  readonly sha256d: Sha256dBackend;
  readonly counters: ProxyCounters;
  readonly workers: Workers;
}

export class Farm implements MinerPlaces {
  readonly #modules: FarmModules;
  readonly #policy: FarmPolicy;
  readonly #minerModules: FarmMinerModules;
  readonly #places = new Places();
  /** By place, in the order of their ids. */
  readonly #miners = new Map<number, FarmMiner>();
  /** By the place of their upstream in the list. */
  readonly #feeds: readonly Feed[];
  /** The feed of the upstream in use; the last one when there is none. */
  #used: Feed;
  #lastMinerId = 0;
  #slot = 0;

  /** @param upstreams how many there are in the list; at least one. */
  constructor(policy: FarmPolicy, upstreams: number, modules: FarmModules) {
    this.#modules = modules;
    this.#policy = policy;
    this.#minerModules = {
      ...modules,
      policy,
      checker: new ShareChecker(modules.sha256d),
      targets: new MinerTargets(),
      onClosed: (miner) => this.#onClosed(miner),
    };
    const { extranonce2Size } = policy;
    const feedModules = { ...modules, extranonce2Size, numbers: new JobNumbers() };
    this.#feeds = Array.from({ length: upstreams }, (_, place) => new Feed(place, feedModules));
    this.#used = this.#feedOf(0);
  }

  /** Bytes that an upstream's channel must leave to the farm. */
  get extranonceSize(): number {
    return PLACE_SIZE + this.#policy.extranonce2Size;
  }

  /** Miners with a place. */
  get miners(): number {
    return this.#miners.size;
  }

  /** Miners with a place, in the order of their ids. */
  all(): Iterable<FarmMiner> {
    return this.#miners.values();
  }

  /** Estimated hashes a second of all miners; before there is one, of a single one as it is expected. */
  get hashrate(): number {
    let sum = 0;
    for (const miner of this.#miners.values()) sum += miner.hashrate;
    return sum > 0 ? sum : (this.#policy.firstHashes * this.#policy.sharesPerMinute) / 60;
  }

  open(listener: MinerListener): Miner | undefined {
    const place = this.#places.take();
    if (place === undefined) return undefined;
    this.#lastMinerId += 1;
    const miner = new FarmMiner(this.#lastMinerId, place, this.#used, listener, this.#minerModules);
    this.#miners.set(place, miner);
    return miner;
  }

  /** An upstream in use has this work. @param place of it in the list, from 0. */
  setWork(place: number, work: UpstreamWork): void {
    this.#feedOf(place).setWork(work);
  }

  /** Has all miners work for this upstream. @param place of it in the list, from 0. */
  use(place: number, work: UpstreamWork): void {
    const feed = this.#feedOf(place);
    this.#used = feed;
    for (const miner of this.#miners.values()) miner.moveTo(feed);
    feed.setWork(work);
  }

  /** Looks at a tenth of the miners, and once a second gives a job to those whose target has changed. */
  tick(): void {
    const monotonicMs = this.#modules.clock.monotonic();
    this.#slot = (this.#slot + 1) % SLOTS;
    for (const miner of this.#miners.values()) if (miner.place % SLOTS === this.#slot) miner.evaluate(monotonicMs);
    if (this.#slot === 0) for (const feed of this.#feeds) feed.giveDue();
  }

  #onClosed(miner: FarmMiner): void {
    this.#miners.delete(miner.place);
    this.#places.release(miner.place);
  }

  #feedOf(place: number): Feed {
    const feed = this.#feeds[place];
    if (feed === undefined) throw new RangeError(`there is no upstream ${place}`);
    return feed;
  }
}
