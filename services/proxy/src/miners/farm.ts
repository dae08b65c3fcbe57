// The miners of a farm: places, which feed each takes its work from, and a look at each miner's difficulty about once a second.
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import { ShareChecker } from '@sluice/mining/share-check';
import { ShareLanes } from '@sluice/mining/share-lanes';
import type { Clock } from '@sluice/runtime/clock';
import type { ProxyCounters } from '../counters.ts';
import type { Workers } from '../statistics/workers.ts';
import type { UpstreamWork } from '../upstream/upstream-work.ts';
import type { UpstreamInUse } from '../upstream/upstreams.ts';
import { FarmMiner, type FarmMinerModules, type FarmPolicy } from './farm-miner.ts';
import { Feed } from './feed.ts';
import { JobNumbers } from './job-numbers.ts';
import type { Miner, MinerListener, MinerPlaces } from './miner.ts';
import { MinerTargets } from './miner-target.ts';
import type { OwnChannelModules } from './own-channel.ts';
import { PLACE_SIZE, Places } from './places.ts';
import type { ReadRests } from './read-rests.ts';
import { Split } from './split.ts';
import { TipTimes } from './tip-times.ts';
import { WaitingMinerShare } from './waiting-share.ts';

/** How often `tick` is to be called. */
export const FARM_TICK_MS = 100;
/** Parts in which miners are looked at: ten thousand at once would be felt. */
const SLOTS = 10;
/** How often it is looked whether each upstream has its part of the hashrate. */
export const BALANCE_MS = 5_000;

export interface FarmModules {
  readonly clock: Clock;
  readonly sha256d: Sha256dBackend;
  readonly counters: ProxyCounters;
  readonly workers: Workers;
  /** Opens channels for single miners; `undefined`: all share one of each upstream. */
  readonly openChannel: OwnChannelModules['openChannel'] | undefined;
  /** Runs a task when all sockets that have something were read. */
  later(task: () => void): void;
  readonly rests: Pick<ReadRests, 'onShare'>;
}

export class Farm implements MinerPlaces {
  readonly #modules: FarmModules;
  readonly #policy: FarmPolicy;
  readonly #minerModules: FarmMinerModules;
  readonly #places = new Places();
  /** By place, in the order of their ids. */
  readonly #miners = new Map<number, FarmMiner>();
  /** The same, by when they are looked at. */
  readonly #slots: readonly Set<FarmMiner>[] = Array.from({ length: SLOTS }, () => new Set());
  /** By the place of their upstream in the list. */
  readonly #feeds: readonly Feed[];
  /** Of those in use; of the last ones while there is none. */
  readonly #split: Split;
  #balancedMs: number;
  #lastMinerId = 0;
  #slot = 0;

  /** @param upstreams how many there are in the list; at least one. */
  constructor(policy: FarmPolicy, upstreams: number, modules: FarmModules) {
    this.#modules = modules;
    this.#policy = policy;
    const { extranonce2Size } = policy;
    const feedModules = { ...modules, extranonce2Size, numbers: new JobNumbers(), times: new TipTimes() };
    const { openChannel } = modules;
    this.#minerModules = {
      ...modules,
      policy,
      checker: new ShareChecker(modules.sha256d),
      lanes: new ShareLanes(() => new WaitingMinerShare(), modules.later),
      targets: new MinerTargets(),
      expectedHashrate: this.#expectedHashrate,
      ownChannels: openChannel && { ...feedModules, openChannel },
      onClosed: (miner) => this.#onClosed(miner),
    };
    this.#feeds = Array.from({ length: upstreams }, (_, place) => new Feed(place, feedModules));
    this.#split = new Split(this.#feedOf(0), this.#expectedHashrate);
    this.#balancedMs = modules.clock.monotonic();
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
    return sum > 0 ? sum : this.#expectedHashrate;
  }

  /** Miners that take their work from this upstream. @param place of it in the list, from 0. */
  minersOf(place: number): number {
    return this.#feedOf(place).size;
  }

  /** Estimated hashes a second of these; 0 without one at work. */
  hashrateOf(place: number): number {
    return this.#feedOf(place).hashrate;
  }

  /** What this upstream is told of: the hashrate of its miners, and while it is not in use that of all, positive. */
  nominalHashrateOf(place: number): number {
    const feed = this.#feedOf(place);
    return this.#split.has(feed) ? feed.hashrate || this.#expectedHashrate : this.hashrate;
  }

  open(listener: MinerListener): Miner | undefined {
    const place = this.#places.take();
    if (place === undefined) return undefined;
    this.#lastMinerId += 1;
    const miner = new FarmMiner(this.#lastMinerId, place, this.#split.next(), listener, this.#minerModules);
    this.#miners.set(place, miner);
    this.#slotOf(miner).add(miner);
    return miner;
  }

  /** An upstream in use has this work. @param place of it in the list, from 0. */
  setWork(place: number, work: UpstreamWork): void {
    this.#feedOf(place).setWork(work);
  }

  /** Has the miners work for these upstreams and no others, each for its part of the hashrate. */
  use(inUse: readonly UpstreamInUse[]): void {
    const parts = inUse.map(({ place, weight }) => ({ feed: this.#feedOf(place), weight }));
    this.#split.use(parts);
    this.#balance();
    for (const { place, work } of inUse) {
      // Giving work may have ended an upstream's connection, so that others are in use by now.
      if (this.#split.parts !== parts) return;
      const feed = this.#feedOf(place);
      if (feed.work?.upstream === work) feed.giveDue();
      else feed.setWork(work);
    }
  }

  /** Looks at a tenth of the miners; once a second gives a job to those whose target has changed, and now and then moves some to another upstream. */
  tick(): void {
    const monotonicMs = this.#modules.clock.monotonic();
    this.#slot = (this.#slot + 1) % SLOTS;
    for (const miner of this.#slots[this.#slot] ?? []) miner.evaluate(monotonicMs);
    if (this.#slot !== 0) return;
    if (monotonicMs - this.#balancedMs >= BALANCE_MS && this.#split.parts.length > 1) this.#balance();
    for (const feed of this.#feeds) feed.giveDue();
  }

  #balance(): void {
    this.#balancedMs = this.#modules.clock.monotonic();
    this.#modules.counters.minersMoved += this.#split.settle(this.#miners.values());
  }

  /** Of a miner that nothing is known of, hashes a second. */
  get #expectedHashrate(): number {
    return (this.#policy.firstHashes * this.#policy.sharesPerMinute) / 60;
  }

  #onClosed(miner: FarmMiner): void {
    this.#miners.delete(miner.place);
    this.#slotOf(miner).delete(miner);
    this.#places.release(miner.place);
  }

  #slotOf({ place }: FarmMiner): Set<FarmMiner> {
    return this.#slots[place % SLOTS]!;
  }

  #feedOf(place: number): Feed {
    const feed = this.#feeds[place];
    if (feed === undefined) throw new RangeError(`there is no upstream ${place}`);
    return feed;
  }
}
