// Targets by their bytes: batch after batch names the same ones, and the work of one takes a division of 512 bits.
import { type ShareTarget, shareTargetFromBytes } from '@sluice/mining/share-target';

/** At one more all are forgotten. */
export const KNOWN_TARGETS_BOUND = 4_096;

export class KnownTargets {
  readonly #known = new Map<string, ShareTarget>();

  /** `bytes`: 32, little-endian; they are copied. */
  of(bytes: Uint8Array): ShareTarget {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= KNOWN_TARGETS_BOUND) this.#known.clear();
    const target = shareTargetFromBytes(bytes);
    this.#known.set(key, target);
    return target;
  }
}
