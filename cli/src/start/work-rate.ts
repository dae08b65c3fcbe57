// Work over the last minutes as a rate, in slots of a fixed number: what it takes does not grow with the shares.

const SLOT_MS = 5_000;
const SLOTS = 60;
/** Long enough for a device that finds a share every ten seconds. */
export const RATE_WINDOW_MS = SLOT_MS * SLOTS;

export class WorkRate {
  readonly #work = new Float64Array(SLOTS);
  readonly #startedAtMs: number;
  #slot: number;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
    this.#slot = Math.floor(startedAtMs / SLOT_MS);
  }

  /** @param work expected hashes. */
  add(work: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#work[this.#slot % SLOTS]! += work;
  }

  /** Hashes a second of the window, or of the time since the start while that is shorter. */
  perSecond(nowMs: number): number {
    this.#advance(nowMs);
    const total = this.#work.reduce((sum, work) => sum + work, 0);
    return total / (Math.min(RATE_WINDOW_MS, Math.max(1_000, nowMs - this.#startedAtMs)) / 1_000);
  }

  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS);
    if (slot - this.#slot >= SLOTS) this.#work.fill(0);
    else for (let next = this.#slot + 1; next <= slot; next++) this.#work[next % SLOTS] = 0;
    this.#slot = Math.max(this.#slot, slot);
  }
}
