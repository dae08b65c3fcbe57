// When a consumer that gathers goes on: records come in pieces that are worth the waking up, spread over the time for which it gathers. Judged all
// in one go they would take half a processor from whoever appends them, for as long as it takes, and then none for as long.

/** A piece of so many bytes is worth it. */
const PIECE_BYTES = 65_536;
/** A shorter rest is left out: with so much behind, records come without any. */
const SHORTEST_REST_MS = 2;

export class GatherPace {
  readonly #gatherMs: number;
  #records = 0;
  #bytes = 0;
  #since = 0;

  constructor(gatherMs: number) {
    this.#gatherMs = gatherMs;
  }

  /** A record of so many bytes is given to its handler. */
  begin(bytes: number, nowMs: number): void {
    if (this.#records === 0) this.#since = nowMs;
    this.#records += 1;
    this.#bytes += bytes;
  }

  /** How long to rest when it is handled, in milliseconds, with so many records left that wait already. */
  restMs(left: number, nowMs: number): number {
    if (this.#records === 0 || (left > 0 && this.#bytes < PIECE_BYTES)) return 0;
    const part = this.#records / (this.#records + left);
    const restMs = this.#gatherMs * part - (nowMs - this.#since);
    this.#records = 0;
    this.#bytes = 0;
    return restMs < SHORTEST_REST_MS ? 0 : restMs;
  }
}
