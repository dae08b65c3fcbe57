// When shares are due at a steady rate. What could not be sent in time is left out and counted, never made up for in a burst.

/** A share that is late by more than this is left out. */
const MAX_LATE_MS = 5;

export class Pacer {
  readonly #perMs: number;
  readonly #start: number;
  readonly #most: number;
  #given = 0;
  /** Left out, because nobody asked in time. */
  skipped = 0;

  /** The first share is due at `start`. */
  constructor(perSecond: number, start: number) {
    this.#perMs = perSecond / 1_000;
    this.#start = start;
    this.#most = Math.max(1, Math.ceil(this.#perMs * MAX_LATE_MS));
  }

  /** How many to send now. */
  due(now: number): number {
    if (now < this.#start) return 0;
    const due = Math.floor((now - this.#start) * this.#perMs) + 1 - this.#given;
    this.#given += due;
    const taken = Math.min(due, this.#most);
    this.skipped += due - taken;
    return taken;
  }
}
