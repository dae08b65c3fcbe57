// What everyone at one address shares: what one connection may not do, many from there may not either.

/** Addresses that are remembered. For one more the one is forgotten that was longest without a new connection. */
const ADDRESSES_BOUND = 65_536;

export interface OfAddress {
  /** Whether nobody shares it, and a new one would be the same. */
  isAsNew(nowMs: number): boolean;
}

export class PerAddress<Shared extends OfAddress> {
  readonly #create: (nowMs: number) => Shared;
  readonly #bound: number;
  readonly #shared = new Map<string, Shared>();

  constructor(create: (nowMs: number) => Shared, bound: number = ADDRESSES_BOUND) {
    this.#create = create;
    this.#bound = bound;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#shared.size;
  }

  /** What a new connection shares. @param key as of `addressKey`. */
  of(key: string, nowMs: number): Shared {
    const known = this.#shared.get(key);
    if (known !== undefined) this.#shared.delete(key);
    else if (this.#shared.size >= this.#bound) this.#forgetOldest();
    const shared = known ?? this.#create(nowMs);
    this.#shared.set(key, shared);
    return shared;
  }

  /** Forgets addresses of which there is nothing to remember; to be called about once a second. */
  sweep(nowMs: number): void {
    for (const [key, shared] of this.#shared) if (shared.isAsNew(nowMs)) this.#shared.delete(key);
  }

  #forgetOldest(): void {
    const { value } = this.#shared.keys().next();
    if (value !== undefined) this.#shared.delete(value);
  }
}
