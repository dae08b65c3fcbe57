// What a server told that a block may be of, for a while: of a block it takes back the id of its template, not the block.
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { equalBytes } from '@sluice/bitcoin/serialize';

/** Templates that are remembered; the one told first goes at the bound. A refresh each five seconds makes 120 in the life of a job. */
export const TOLD_WORK_BOUND = 256;

interface Told {
  /** 32 bytes, wire order. */
  readonly prevHash: Uint8Array;
  readonly merklePath: readonly Uint8Array[];
}

export class ToldWork {
  readonly #told = new Map<bigint, Told>();

  get size(): number {
    return this.#told.size;
  }

  /** Under an id that an earlier run of the server gave before, the new template counts. */
  add(id: bigint, told: Told): void {
    this.#told.delete(id);
    this.#told.set(id, told);
    const [oldest] = this.#told.keys();
    if (this.#told.size > TOLD_WORK_BOUND && oldest !== undefined) this.#told.delete(oldest);
  }

  /** The id of the template that a block with this coinbase is of, the newest first. Hashes are 32 bytes, wire order. */
  find(prevHash: Uint8Array, coinbaseTxid: Uint8Array, merkleRoot: Uint8Array): bigint | undefined {
    for (const [id, told] of [...this.#told].reverse()) {
      if (!equalBytes(told.prevHash, prevHash)) continue;
      if (equalBytes(foldMerklePath(coinbaseTxid, told.merklePath), merkleRoot)) return id;
    }
    return undefined;
  }
}
