// Entries of a table as they were read before. A gateway says the same of a channel in each batch that has a share of it: where the bytes are the
// same, what was made of them is good again, and is the same object.

/** A channel for each of a gateway's 20,000 connections, three times. Beyond it all are forgotten, and read anew. */
export const KNOWN_ENTRIES_BOUND = 65_536;

interface KnownEntry<T> {
  readonly bytes: Uint8Array;
  readonly value: T;
}

export class KnownEntries<T> {
  /** By a hash of the bytes; of two with the same one the last is known. */
  readonly #known = new Map<number, KnownEntry<T>>();

  /** What was made of the bytes from `start` to `end`; `undefined`: they are new. */
  find(payload: Uint8Array, start: number, end: number): T | undefined {
    const known = this.#known.get(hashOf(payload, start, end));
    if (known === undefined || known.bytes.length !== end - start) return undefined;
    const { bytes, value } = known;
    for (let index = 0; index < bytes.length; index++) if (payload[start + index] !== bytes[index]) return undefined;
    return value;
  }

  /** @param bytes stay as they are */
  keep(bytes: Uint8Array, value: T): void {
    if (this.#known.size >= KNOWN_ENTRIES_BOUND) this.#known.clear();
    this.#known.set(hashOf(bytes, 0, bytes.length), { bytes, value });
  }
}

/** FNV-1a of 32 bits. Who makes others collide has entries read anew, no more. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let index = start; index < end; index++) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
  return hash;
}
