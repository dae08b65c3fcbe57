// The best share since the start, for whoever waits for a block.
import { difficultyOfTarget, targetFromBytes } from '@sluice/bitcoin/target';

export class BestShare {
  /** Wire order; the first share beats it. */
  readonly #hash = new Uint8Array(32).fill(0xff);
  #found = false;

  /** Of the best share; 0 before there is one. */
  get difficulty(): number {
    return this.#found ? difficultyOfTarget(targetFromBytes(this.#hash)) : 0;
  }

  /** Copies the hash (32 bytes, wire order) when it is lower than all before. */
  note(hash: Uint8Array): void {
    for (let index = 31; index >= 0; index--) {
      const difference = hash[index]! - this.#hash[index]!;
      if (difference > 0) return;
      if (difference < 0) {
        this.#hash.set(hash);
        this.#found = true;
        return;
      }
    }
  }
}
