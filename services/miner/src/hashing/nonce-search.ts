// Searches a range of nonces of one header. The header's last 32-bit word counts in big-endian order here, which visits every
// nonce once, only in another order than the number says.

import { LANES } from '@sluice/bitcoin/lane-code';
import { sha256State } from '@sluice/bitcoin/sha256-rounds';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import { meetsTarget } from '@sluice/bitcoin/target';
import { instantiate, type MemoryExport } from '@sluice/wasm-writer/instantiate';
import { HITS_WORD, MIDSTATE_WORD, searchModule, TAIL_WORD, TARGET_WORD } from './search-module.ts';

interface SearchExports extends MemoryExport {
  search(nonce: number, groups: number): number;
}

/** Counts that a header has room for. */
export const NONCE_SPACE = 2 ** 32;

export class NonceSearch {
  readonly #exports = instantiate<SearchExports>(searchModule());
  readonly #words = new Uint32Array(this.#exports.memory.buffer);
  readonly #sha256d: Sha256dBackend;
  readonly #hash = new Uint8Array(32);

  constructor(sha256d: Sha256dBackend) {
    this.#sha256d = sha256d;
  }

  /**
   * Tries `count` nonces (a multiple of four) from position `first` on and calls `onShare` for each whose header meets the
   * target. `header` has 80 bytes, its nonce is overwritten; `target` is 32 bytes, wire order.
   */
  search(header: Uint8Array, target: Uint8Array, first: number, count: number, onShare: (nonce: number) => void): void {
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    this.#words.set(sha256State(header, 1), MIDSTATE_WORD);
    for (let word = 0; word < 3; word++) this.#words[TAIL_WORD + word] = view.getUint32(64 + word * 4);
    this.#words[TARGET_WORD] = new DataView(target.buffer, target.byteOffset).getUint32(28, true);
    for (let done = 0; done < count; ) {
      const groups = this.#exports.search((first + done) | 0, (count - done) / LANES);
      if (groups === 0) return;
      const base = first + done + (groups - 1) * LANES;
      for (let lane = 0; lane < LANES; lane++) {
        if (((this.#words[HITS_WORD]! >> lane) & 1) === 1) this.#check(header, view, target, base + lane, onShare);
      }
      done += groups * LANES;
    }
  }

  /** The module looks at 32 bits of the target only. */
  #check(
    header: Uint8Array,
    view: DataView,
    target: Uint8Array,
    position: number,
    onShare: (nonce: number) => void,
  ): void {
    view.setUint32(76, position);
    this.#sha256d.header(header, this.#hash);
    if (meetsTarget(this.#hash, target)) onShare(view.getUint32(76, true));
  }
}
