// The extranonce space of the pool. Every channel has a prefix that no other channel of the pool ever had: the number of its
// gateway's range, then the number of the channel in it. Neither is ever given twice, so a gateway cut off from the bus
// can go on opening channels, and a share can be a duplicate on its own channel only.

/** The full extranonce of every job: one constant for the pool, since members of a group must share it [sv2 5.2.3]. */
export const FULL_EXTRANONCE_SIZE = 20;
const RANGE_BYTES = 4;
const INDEX_BYTES = 3;
/** Bytes that tell channels apart. */
export const CHANNEL_PREFIX_SIZE = RANGE_BYTES + INDEX_BYTES;
/** What an extended channel is left to roll. */
export const EXTENDED_EXTRANONCE_SIZE = FULL_EXTRANONCE_SIZE - CHANNEL_PREFIX_SIZE;
/** Channels of one range; a gateway that used them up opens no more and says so in its readiness. */
export const CHANNELS_PER_RANGE = 2 ** (8 * INDEX_BYTES);
/** Range numbers are from 1 to this: the counter must stop here rather than wrap. */
export const LAST_EXTRANONCE_RANGE = 2 ** (8 * RANGE_BYTES) - 1;

/** The prefixes of one gateway process; each is given once. */
export class ExtranonceRange {
  readonly #range: number;
  #used = 0;

  /** `range`: a number that no other range of the pool has. @throws RangeError outside 1 to 2^32 - 1. */
  constructor(range: number) {
    if (!Number.isInteger(range) || range < 1 || range > LAST_EXTRANONCE_RANGE) {
      throw new RangeError(`extranonce range ${range} is not from 1 to ${LAST_EXTRANONCE_RANGE}`);
    }
    this.#range = range;
  }

  /** Prefixes that are left. */
  get left(): number {
    return CHANNELS_PER_RANGE - this.#used;
  }

  /** The next prefix, `CHANNEL_PREFIX_SIZE` bytes; `undefined` when the range is used up. */
  next(): Uint8Array | undefined {
    if (this.#used >= CHANNELS_PER_RANGE) return undefined;
    const index = this.#used;
    this.#used += 1;
    const range = this.#range;
    return Uint8Array.of(range >>> 24, range >>> 16, range >>> 8, range, index >>> 16, index >>> 8, index);
  }
}

/** A standard channel's prefix is the whole extranonce: padded with zeros, so that its coinbase is as long as everyone's. */
export function standardPrefix(prefix: Uint8Array): Uint8Array {
  const padded = new Uint8Array(FULL_EXTRANONCE_SIZE);
  padded.set(prefix);
  return padded;
}
