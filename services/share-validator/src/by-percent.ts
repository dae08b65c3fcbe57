// What is worth something on blocks that pay their miner: nobody is owed anything for it, so that it stands apart, by what the pool keeps of a block.
import type { Credit } from './credit-sums.ts';

export interface MinerPaid extends Credit {
  /** Whole per cent of a block that the miner gives to the pool. */
  readonly poolPercent: number;
}

export class ByPercent<S extends { list(): readonly Credit[] }> {
  readonly #make: () => S;
  readonly #byPercent = new Map<number, S>();

  constructor(make: () => S) {
    this.#make = make;
  }

  of(poolPercent: number): S {
    let sums = this.#byPercent.get(poolPercent);
    if (sums === undefined) {
      sums = this.#make();
      this.#byPercent.set(poolPercent, sums);
    }
    return sums;
  }

  /** One entry for each address, worker and percentage. */
  list(): MinerPaid[] {
    return [...this.#byPercent].flatMap(([poolPercent, sums]) =>
      sums.list().map((credit) => ({ ...credit, poolPercent })),
    );
  }

  get size(): number {
    let size = 0;
    for (const sums of this.#byPercent.values()) size += sums.list().length;
    return size;
  }
}
