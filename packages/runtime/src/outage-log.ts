// A trouble that every attempt meets again is told once, and while it lasts at longer and longer intervals.

const FIRST_INTERVAL_MS = 60_000;
const LONGEST_INTERVAL_MS = 3_600_000;

export class OutageLog {
  readonly #monotonic: () => number;
  #nextAt = Number.NEGATIVE_INFINITY;
  #intervalMs = FIRST_INTERVAL_MS;

  /** @param monotonic milliseconds of a clock that never goes back. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** The level at which the trouble is told now: `warn`, or `debug` when it was told not long ago. */
  level(): 'warn' | 'debug' {
    const now = this.#monotonic();
    if (now < this.#nextAt) return 'debug';
    this.#nextAt = now + this.#intervalMs;
    this.#intervalMs = Math.min(LONGEST_INTERVAL_MS, 2 * this.#intervalMs);
    return 'warn';
  }

  /** All is well again: the next trouble is another one. */
  over(): void {
    this.#nextAt = Number.NEGATIVE_INFINITY;
    this.#intervalMs = FIRST_INTERVAL_MS;
  }
}
