// The work of the last ten minutes in slots of half a minute: a share costs an addition.

const SLOT_MS = 30_000;
/** Whole slots that count, beside the one that has begun. */
const SLOTS = 20;

/** Times are milliseconds of a monotonic clock. */
export class WorkWindow {
  /** A ring: hashes by slot. */
  readonly #work = new Float64Array(SLOTS + 1);
  readonly #sinceMs: number;
  /** The slot that has begun, from the start of the clock. */
  #slot: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#slot = Math.floor(nowMs / SLOT_MS);
  }

  /** @param work expected hashes. */
  add(work: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#work[this.#slot % this.#work.length]! += work;
  }

  /** Hashes a second over the ten minutes up to now; over the time since the beginning when that is less, but never over less than a slot. */
  hashrate(nowMs: number): number {
    this.#advance(nowMs);
    const windowMs = nowMs - (this.#slot - SLOTS) * SLOT_MS;
    const sum = this.#work.reduce((total, work) => total + work, 0);
    return (sum * 1_000) / Math.max(SLOT_MS, Math.min(windowMs, nowMs - this.#sinceMs));
  }

  /** Empties the slots that have come round. */
  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS);
    if (slot === this.#slot) return;
    if (slot - this.#slot >= this.#work.length) this.#work.fill(0);
    else for (let next = this.#slot + 1; next <= slot; next += 1) this.#work[next % this.#work.length] = 0;
    this.#slot = slot;
  }
}
