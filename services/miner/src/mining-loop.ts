// One hashing loop: takes a range of somebody's turn, has it searched, hands on what was found, and rests as long as the
// limits of the miner ask for.
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_TARGET, targetFromBytes } from '@sluice/bitcoin/target';
import type { HashEngine } from './hashing/hash-engine.ts';
import type { HeaderRange, SearchSpace } from './search-space.ts';
import type { WorkSource } from './work-source.ts';

export interface MiningLoopOptions {
  /** Hashes per second at most; default: no limit. */
  readonly hashrate?: number;
  /** Share of the time to hash in, above 0 to 1; default 1. */
  readonly duty?: number;
}

export interface MiningLoopModules {
  readonly engine: HashEngine;
  readonly source: WorkSource;
  /** Unix milliseconds. */
  readonly now: () => number;
  onHashes(count: number): void;
  onShare(space: SearchSpace, range: HeaderRange, nonce: number): void;
  onError(error: unknown): void;
}

/** One search gives no more shares than this on average, however easy the target. */
const MAX_SHARES_A_SEARCH = 16;
/** And the loop rests so long for each. */
const REST_A_SHARE_MS = 1;
const FIRST_HASHES_A_MS = 1_000;
const LANES = 4;
/** How long a loop without work waits before it looks again. */
const IDLE_MS = 200;

export class MiningLoop {
  readonly #options: MiningLoopOptions;
  readonly #modules: MiningLoopModules;
  /** Of the last searches. */
  #hashesPerMs = FIRST_HASHES_A_MS;
  #stopping = false;
  #running: Promise<void> | undefined;

  constructor(options: MiningLoopOptions, modules: MiningLoopModules) {
    this.#options = options;
    this.#modules = modules;
  }

  start(): void {
    this.#running ??= this.#run().catch((error: unknown) => this.#modules.onError(error));
  }

  /** Resolves when the last search has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { engine, source, now, onHashes, onShare } = this.#modules;
    while (!this.#stopping) {
      const space = source.next();
      const range = space?.take(this.#count(space), now());
      if (space === undefined || range === undefined) {
        await source.changed(IDLE_MS);
        continue;
      }
      const { header, first, count } = range;
      const { nonces, milliseconds } = await engine.search({ header, target: space.work.target, first, count });
      this.#hashesPerMs += (count / Math.max(milliseconds, 0.01) - this.#hashesPerMs) / 4;
      onHashes(count);
      // A new tip in between has made them stale.
      if (source.holds(space)) for (const nonce of nonces) onShare(space, range, nonce);
      await this.#rest(count, milliseconds, nonces.length);
    }
  }

  /** How many hashes the next search has: short enough in time, in shares, and for the limit. */
  #count(space: SearchSpace): number {
    const { hashrate = Number.POSITIVE_INFINITY } = this.#options;
    const { sliceMs } = this.#modules.engine;
    const hashesPerShare = Number(MAX_TARGET / (targetFromBytes(space.work.target) + 1n)) + 1;
    const count = Math.min(this.#hashesPerMs * sliceMs, hashesPerShare * MAX_SHARES_A_SEARCH, hashrate / 4);
    return Math.max(LANES, Math.floor(count / LANES) * LANES);
  }

  async #rest(count: number, milliseconds: number, shares: number): Promise<void> {
    const { hashrate, duty = 1 } = this.#options;
    const rest = Math.max(
      hashrate === undefined ? 0 : (count / hashrate) * 1000 - milliseconds,
      milliseconds / duty - milliseconds,
      shares * REST_A_SHARE_MS,
    );
    if (rest >= 1 && !this.#stopping) await sleep(rest);
  }
}
