// What the miner has done so far, and at which rate.

export interface Statistics {
  readonly hashes: number;
  readonly submitted: number;
  readonly accepted: number;
  readonly rejected: number;
  /** By the pool's error code. */
  readonly rejections: ReadonlyMap<string, number>;
  /** Shares that are blocks. */
  readonly blocks: number;
  readonly connections: number;
}

/** Error codes of the pool that are counted apart; the rest is one number. */
const MAX_CODES = 32;
const OTHER_CODES = 'other';

export class MinerStatistics implements Statistics {
  hashes = 0;
  submitted = 0;
  accepted = 0;
  blocks = 0;
  connections = 0;
  readonly rejections = new Map<string, number>();
  #lastHashes = 0;
  #lastTime: number;

  /** @param now milliseconds of a clock that never goes back. */
  constructor(now: number) {
    this.#lastTime = now;
  }

  get rejected(): number {
    let total = 0;
    for (const count of this.rejections.values()) total += count;
    return total;
  }

  reject(code: string): void {
    const key = this.rejections.has(code) || this.rejections.size < MAX_CODES ? code : OTHER_CODES;
    this.rejections.set(key, (this.rejections.get(key) ?? 0) + 1);
  }

  /** Hashes per second since the last call. */
  rate(now: number): number {
    const seconds = (now - this.#lastTime) / 1000;
    const hashes = this.hashes - this.#lastHashes;
    this.#lastTime = now;
    this.#lastHashes = this.hashes;
    return seconds > 0 ? hashes / seconds : 0;
  }
}
