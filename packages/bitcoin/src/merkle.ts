// The merkle tree of a block's txids (or wtxids): a level of odd length pairs its last node with itself.
// All hashes are 32 bytes in wire order.
import { BitcoinError } from './errors.ts';
import type { Sha256dBackend } from './sha256d.ts';
import { wasmSha256d } from './sha256d-wasm.ts';

/** Root over the leaves, the coinbase first. Throws `wrong-length` for none at all. */
export function merkleRoot(leaves: readonly Uint8Array[], backend: Sha256dBackend = wasmSha256d): Uint8Array {
  const [first, ...rest] = leaves;
  if (first === undefined) throw new BitcoinError('wrong-length', 'a merkle tree has at least one leaf');
  return foldMerklePath(first, coinbaseMerklePath(rest, backend), backend);
}

/**
 * The siblings on the way from the coinbase to the root, deepest first: what a job carries [sv2 5.3.16].
 * `txids` are those of all transactions but the coinbase; none gives an empty path.
 */
export function coinbaseMerklePath(txids: readonly Uint8Array[], backend: Sha256dBackend = wasmSha256d): Uint8Array[] {
  const path: Uint8Array[] = [];
  // Each level without its first node, which is the one that the coinbase decides.
  let level = txids;
  while (level.length > 0) {
    path.push(Uint8Array.from(level[0]!));
    const parents: Uint8Array[] = [];
    for (let index = 1; index < level.length; index += 2) {
      const parent = new Uint8Array(32);
      backend.pair(level[index]!, level[index + 1] ?? level[index]!, parent);
      parents.push(parent);
    }
    level = parents;
  }
  return path;
}

/** Merkle root from the coinbase's txid and its path, deepest sibling first. */
export function foldMerklePath(
  coinbaseTxid: Uint8Array,
  path: readonly Uint8Array[],
  backend: Sha256dBackend = wasmSha256d,
): Uint8Array {
  const root = new Uint8Array(32);
  backend.foldMerkle(coinbaseTxid, path, root);
  return root;
}
