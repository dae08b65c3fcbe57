// When an upstream is told that the farm has become larger or smaller [sv2 5.3.7].

/** A smaller change is noise. */
const CHANGE = 1.25;
/** Between two words on it. */
const PAUSE_MS = 5_000;

/** For one channel; hashes a second. Times are milliseconds of a monotonic clock. */
export class NominalHashrate {
  #told: number;
  #toldMs: number;

  /** @param told on opening. */
  constructor(told: number, nowMs: number) {
    this.#told = told;
    this.#toldMs = nowMs;
  }

  /** Whether this hashrate is to be told now; it counts as told then. */
  isNews(hashrate: number, nowMs: number): boolean {
    const within = hashrate < this.#told * CHANGE && hashrate > this.#told / CHANGE;
    if (within || nowMs - this.#toldMs < PAUSE_MS) return false;
    this.#told = hashrate;
    this.#toldMs = nowMs;
    return true;
  }
}
