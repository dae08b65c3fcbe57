// Rates that everyone at one address shares: what one connection may not do, many from there may not either.
import { RateLimit } from './rate-limit.ts';

/** Addresses that are remembered. For one more the one is forgotten that was longest without a new connection. */
const ADDRESSES_BOUND = 65_536;

export class AddressRates {
  readonly #ratePerSecond: number;
  readonly #bound: number;
  readonly #rates = new Map<string, RateLimit>();

  constructor(ratePerSecond: number, bound: number = ADDRESSES_BOUND) {
    this.#ratePerSecond = ratePerSecond;
    this.#bound = bound;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#rates.size;
  }

  /** The rate of a new connection's address. @param key as of `addressKey`. */
  of(key: string, nowMs: number): RateLimit {
    let rate = this.#rates.get(key);
    if (rate !== undefined) this.#rates.delete(key);
    else {
      rate = new RateLimit(this.#ratePerSecond, nowMs);
      if (this.#rates.size >= this.#bound) this.#forgetOldest();
    }
    this.#rates.set(key, rate);
    return rate;
  }

  #forgetOldest(): void {
    const { value } = this.#rates.keys().next();
    if (value !== undefined) this.#rates.delete(value);
  }
}
