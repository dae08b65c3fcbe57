// All miners on one upstream channel: places, the work that all are given, and a look at each miner's difficulty about once a second.
import { equalBytes } from '@sluice/bitcoin/serialize';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import { ShareChecker } from '@sluice/mining/share-check';
import type { Clock } from '@sluice/runtime/clock';
import type { ProxyCounters } from '../counters.ts';
import type { Workers } from '../statistics/workers.ts';
import type { UpstreamWork } from '../upstream/upstream-work.ts';
import { FarmMiner, type FarmMinerModules, type FarmPolicy } from './farm-miner.ts';
import { FarmWork } from './farm-work.ts';
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
  /** Miners whose target changes with the next job. */
  readonly #retargeted = new Set<FarmMiner>();
  /** What was made of the work that upstreams have. */
  readonly #known = new WeakMap<UpstreamWork, FarmWork>();
  #work: FarmWork | undefined;
  #lastMinerId = 0;
  #lastJobId = 0;
  #lastFeed = 0;
  #slot = 0;

  constructor(policy: FarmPolicy, modules: FarmModules) {
    this.#modules = modules;
    this.#policy = policy;
    this.#minerModules = {
      ...modules,
      policy,
      checker: new ShareChecker(modules.sha256d),
      targets: new MinerTargets(),
      work: () => this.#work,
      onRetarget: (miner) => this.#retargeted.add(miner),
      onClosed: (miner) => this.#onClosed(miner),
    };
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
    const miner = new FarmMiner(this.#lastMinerId, place, listener, this.#minerModules);
    this.#miners.set(place, miner);
    return miner;
  }

  /** Gives all miners this work. Earlier jobs are void when it is on another tip, or when nobody takes their shares any more. */
  setWork(upstream: UpstreamWork): void {
    const { clock, counters } = this.#modules;
    const before = this.#work;
    const clean =
      before === undefined || !before.upstream.link.isOpen || !equalBytes(before.tip.prevHash, upstream.prevHash);
    // Back on bytes that miners have had: what they found before must be known as such.
    const known = clean ? undefined : (this.#known.get(upstream) ?? (before.isOf(upstream) ? before : undefined));
    if (clean) this.#lastFeed += 1;
    const work = known ?? new FarmWork(upstream, this.#nextJobId(), this.#lastFeed, this.#policy.extranonce2Size);
    const job = known?.again(this.#nextJobId(), upstream) ?? work.newest;
    this.#known.set(upstream, work);
    this.#work = work;
    counters.jobs += 1;
    if (clean) counters.tips += 1;
    const nowMs = clock.now();
    const monotonicMs = clock.monotonic();
    for (const miner of this.#miners.values()) {
      // Giving it may have ended the upstream's connection, and so brought other work.
      if (this.#work !== work) return;
      miner.take(work, job, clean, nowMs, monotonicMs);
    }
  }

  /** Looks at a tenth of the miners, and once a second gives a job to those whose target has changed. */
  tick(): void {
    const monotonicMs = this.#modules.clock.monotonic();
    this.#slot = (this.#slot + 1) % SLOTS;
    for (const miner of this.#miners.values()) if (miner.place % SLOTS === this.#slot) miner.evaluate(monotonicMs);
    if (this.#slot === 0) this.#retarget(monotonicMs);
  }

  #retarget(monotonicMs: number): void {
    const work = this.#work;
    const miners = [...this.#retargeted].filter(({ isRetargeted }) => isRetargeted);
    this.#retargeted.clear();
    if (work === undefined || miners.length === 0) return;
    const job = work.again(this.#nextJobId(), work.upstream);
    const nowMs = this.#modules.clock.now();
    for (const miner of miners) if (this.#work === work) miner.take(work, job, false, nowMs, monotonicMs);
  }

  #onClosed(miner: FarmMiner): void {
    this.#miners.delete(miner.place);
    this.#retargeted.delete(miner);
    this.#places.release(miner.place);
  }

  #nextJobId(): number {
    this.#lastJobId = (this.#lastJobId + 1) >>> 0 || 1;
    return this.#lastJobId;
  }
}
