/** A burst may be this many seconds' worth of a rate. */
const BURST_SECONDS = 10;

/** A token bucket: `ratePerSecond` on average, ten times as much at once. Time is the caller's, in milliseconds. */
export class RateLimit {
  readonly #ratePerMs: number;
  readonly #capacity: number;
  #tokens: number;
  #updatedAt: number;

  constructor(ratePerSecond: number, nowMs: number) {
    this.#ratePerMs = ratePerSecond / 1_000;
    this.#capacity = ratePerSecond * BURST_SECONDS;
    this.#tokens = this.#capacity;
    this.#updatedAt = nowMs;
  }

  /** Takes `count` tokens, also when there are fewer; returns how many milliseconds it takes until none is owed. */
  take(count: number, nowMs: number): number {
    this.#refill(nowMs);
    this.#tokens -= count;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#ratePerMs;
  }

  /** Whether there are as many tokens as at first. */
  isAsNew(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens === this.#capacity;
  }

  /** Whether there is no token. */
  isEmpty(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens < 1;
  }

  /** Takes a token if there is one. */
  tryTake(nowMs: number): boolean {
    if (this.isEmpty(nowMs)) return false;
    this.#tokens -= 1;
    return true;
  }

  #refill(nowMs: number): void {
    // Of a rate without bound no number would be left: infinitely many tokens in no time.
    if (nowMs <= this.#updatedAt) return;
    this.#tokens = Math.min(this.#capacity, this.#tokens + (nowMs - this.#updatedAt) * this.#ratePerMs);
    this.#updatedAt = nowMs;
  }
}
