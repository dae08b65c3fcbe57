// Whether a pool of Stratum V1 that says nothing is still there. There is no question that all of them answer, but each answers shares at once
// and tells a job about once a minute.

/** From a share to the first line after it. */
export const SV1_ANSWER_MS = 8_000;
/** Without a line at all; clients of SV1 leave a pool after two or three minutes. */
export const SV1_SILENCE_MS = 180_000;

/** Times are milliseconds of a monotonic clock. */
export class Sv1Silence {
  #receivedMs: number;
  /** When the first share was sent since then. */
  #sentMs: number | undefined;

  constructor(nowMs: number) {
    this.#receivedMs = nowMs;
  }

  /** Anything came. */
  received(nowMs: number): void {
    this.#receivedMs = nowMs;
    this.#sentMs = undefined;
  }

  shareSent(nowMs: number): void {
    this.#sentMs ??= nowMs;
  }

  /** Whether the pool is to be given up. */
  isOver(nowMs: number): boolean {
    if (this.#sentMs !== undefined && nowMs - this.#sentMs >= SV1_ANSWER_MS) return true;
    return nowMs - this.#receivedMs >= SV1_SILENCE_MS;
  }
}
