/** A map that forgets its oldest entry at a bound. */
export class Recent<V> {
  readonly #entries = new Map<string, V>();
  readonly #bound: number;

  constructor(bound: number) {
    this.#bound = bound;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /** Makes the entry the newest. */
  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#bound) return;
    const [oldest = ''] = this.#entries.keys();
    this.#entries.delete(oldest);
  }

  entries(): IterableIterator<[string, V]> {
    return this.#entries.entries();
  }
}
