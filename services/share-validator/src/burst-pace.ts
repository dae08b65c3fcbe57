// How soon a record is judged. With few shares in each record it is the waking up that costs, and everything that has left the processor's
// caches meanwhile: records that come one after the other wait for each other and are judged in one go. Nobody waits for a credit.

/** Records within this of each other were waiting already. */
const WAITING_MS = 2;
/** A record after a longer silence is judged at once. */
const SILENCE_MS = 1_000;
/** As long as records wait for others. */
export const REST_MS = 200;

export class BurstPace {
  readonly #ahead: number;
  /** Records judged since the last one that had to be waited for. */
  #burst = 0;

  /** @param ahead records that wait in this process at most. */
  constructor(ahead: number) {
    this.#ahead = ahead;
  }

  /**
   * Milliseconds to rest before a record is judged, for which this process has waited so long. Who had as many as can wait here
   * may have fallen behind, and does not rest.
   */
  restBefore(waitedMs: number): number {
    if (waitedMs <= WAITING_MS) {
      this.#burst += 1;
      return 0;
    }
    const keepsUp = this.#burst < this.#ahead;
    this.#burst = 1;
    return keepsUp && waitedMs < SILENCE_MS ? REST_MS : 0;
  }
}
