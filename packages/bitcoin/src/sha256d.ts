// What a share costs is double SHA-256: of a coinbase, of a merkle path, of a header. Two implementations of these three
// stand behind one interface; this is the reference, sha256d-wasm.ts the fast one, and a property test holds them equal.
import { sha256d } from './hash.ts';

/** Two implementations with the same results. Hashes are 32 bytes in wire order. */
export interface Sha256dBackend {
  /** For benches and start-up lines. */
  readonly name: string;
  /** Double SHA-256 of any bytes: a new array of 32 bytes. */
  sha256d(data: Uint8Array): Uint8Array;
  /** The same of the first `length` bytes of `data` into the 32 bytes of `out`, without an allocation in the fast backend. */
  sha256dInto(data: Uint8Array, length: number, out: Uint8Array): void;
  /** Block hash of an 80-byte header into the 32 bytes of `out`, wire order. */
  header(header80: Uint8Array, out: Uint8Array): void;
  /** Parent of two 32-byte nodes into the 32 bytes of `out`, which may be one of them. */
  pair(left: Uint8Array, right: Uint8Array, out: Uint8Array): void;
  /** Merkle root of the tree whose first leaf is `leaf`, along its path (deepest sibling first), into `out`. */
  foldMerkle(leaf: Uint8Array, path: readonly Uint8Array[], out: Uint8Array): void;
}

function pair(left: Uint8Array, right: Uint8Array, out: Uint8Array): void {
  const both = new Uint8Array(64);
  both.set(left, 0);
  both.set(right, 32);
  out.set(sha256d(both));
}

/** The readable reference. */
export const nobleSha256d: Sha256dBackend = {
  name: 'noble',
  sha256d,
  sha256dInto(data, length, out) {
    out.set(sha256d(data.subarray(0, length)));
  },
  header(header80, out) {
    out.set(sha256d(header80));
  },
  pair,
  foldMerkle(leaf, path, out) {
    out.set(leaf);
    for (const sibling of path) pair(out, sibling, out);
  },
};
