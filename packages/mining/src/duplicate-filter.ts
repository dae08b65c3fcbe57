// Which hashes were already accepted for a job on a channel: an open-addressing table of the low-order 64 bits of each header
// hash, which the miner cannot choose (the high-order ones are zero by the target). At its bound it says so and takes no
// more: the job then ends for that channel, a duplicate is never taken for new.

/** Shares of one job on one channel; at 6 shares a minute a job lives for 60. The table then has 16 MiB. */
export const DUPLICATE_FILTER_BOUND = 1_048_576;
const SMALLEST_CAPACITY = 16;

/** What `add` has done: taken the hash, found it there, or refused it because the filter is full. */
export const FilterAnswer = { added: 0, duplicate: 1, full: 2 } as const;
export type FilterAnswer = (typeof FilterAnswer)[keyof typeof FilterAnswer];

/** For one job on one channel; 8 bytes a place, at most half of the places taken. */
export class DuplicateFilter {
  readonly #bound: number;
  /** Pairs (low, high); a pair of zeros is a free place. */
  #slots = new Uint32Array(2 * SMALLEST_CAPACITY);
  #mask = SMALLEST_CAPACITY - 1;
  #size = 0;

  constructor(bound: number = DUPLICATE_FILTER_BOUND) {
    this.#bound = bound;
  }

  get size(): number {
    return this.#size;
  }

  /** Looks a hash (32 bytes, wire order) up and adds it when it is new. */
  add(hash: Uint8Array): FilterAnswer {
    const low = u32(hash, 0);
    const high = u32(hash, 4);
    // One key of 2^64 stands for "free"; it is stored as its neighbour, which costs a false duplicate once in 2^63 pairs.
    const keyLow = low === 0 && high === 0 ? 1 : low;
    let place = (keyLow & this.#mask) << 1;
    for (;;) {
      const foundLow = this.#slots[place]!;
      const foundHigh = this.#slots[place + 1]!;
      if (foundLow === keyLow && foundHigh === high) return FilterAnswer.duplicate;
      if (foundLow === 0 && foundHigh === 0) break;
      place = (place + 2) & (this.#slots.length - 1);
    }
    if (this.#size >= this.#bound) return FilterAnswer.full;
    this.#slots[place] = keyLow;
    this.#slots[place + 1] = high;
    this.#size += 1;
    if (this.#size * 2 > this.#mask + 1) this.#grow();
    return FilterAnswer.added;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let from = 0; from < old.length; from += 2) {
      const low = old[from]!;
      const high = old[from + 1]!;
      if (low === 0 && high === 0) continue;
      let place = (low & this.#mask) << 1;
      while (this.#slots[place] !== 0 || this.#slots[place + 1] !== 0) place = (place + 2) & (this.#slots.length - 1);
      this.#slots[place] = low;
      this.#slots[place + 1] = high;
    }
  }
}

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
