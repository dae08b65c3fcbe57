// Shares and work by identity and worker. Names of one channel are the same strings in each batch: looked up one after the other nothing has to be
// put together, nor its hash to be made.
export interface Credit {
  readonly identity: string;
  readonly worker: string;
  readonly shares: number;
  /** Expected hashes, exact for each share. */
  readonly work: bigint;
}

export class CreditSums {
  readonly #list: { -readonly [K in keyof Credit]: Credit[K] }[] = [];
  /** Places in the list, by identity and worker. */
  readonly #places = new Map<string, Map<string, number>>();

  /** In the order in which they were first added to. */
  list(): readonly Credit[] {
    return this.#list;
  }

  add(identity: string, worker: string, shares: number, work: bigint): void {
    let places = this.#places.get(identity);
    if (places === undefined) {
      places = new Map();
      this.#places.set(identity, places);
    }
    const sum = this.#list[places.get(worker) ?? -1];
    if (sum === undefined) {
      places.set(worker, this.#list.length);
      this.#list.push({ identity, worker, shares, work });
    } else {
      sum.shares += shares;
      sum.work += work;
    }
  }
}
