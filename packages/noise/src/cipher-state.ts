// A key and a counter [sv2 4.4.1]: every sealed or opened message takes the next nonce, so order is part of what is authenticated.
import type { AeadBackend } from './aead.ts';
import { NoiseError } from './errors.ts';

export class CipherState {
  readonly #aead: AeadBackend;
  readonly #key: Uint8Array;
  /** 32 zero bits, then the counter as 64 bits, little-endian. */
  readonly #nonce = new Uint8Array(12);
  readonly #nonceView = new DataView(this.#nonce.buffer);
  #counter = 0;

  /** @param key 32 bytes; belongs to the state, which zeroes it in `destroy`. */
  constructor(aead: AeadBackend, key: Uint8Array) {
    this.#aead = aead;
    this.#key = key;
  }

  /** Writes `length` + 16 bytes to `out`. */
  seal(ad: Uint8Array, plain: Uint8Array, offset: number, length: number, out: Uint8Array, outOffset: number): void {
    this.#aead.seal(this.#key, this.#nonce, ad, plain, offset, length, out, outOffset);
    this.#next();
  }

  /** Writes `length` bytes to `out`, of `length` + 16 sealed ones; after false nothing can be opened any more. */
  open(
    ad: Uint8Array,
    sealed: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean {
    const good = this.#aead.open(this.#key, this.#nonce, ad, sealed, offset, length, out, outOffset);
    if (good) this.#next();
    return good;
  }

  destroy(): void {
    this.#key.fill(0);
  }

  #next(): void {
    this.#counter += 1;
    if (this.#counter > Number.MAX_SAFE_INTEGER) throw new NoiseError('nonce-exhausted', 'no nonce is left');
    this.#nonceView.setUint32(4, this.#counter >>> 0, true);
    this.#nonceView.setUint32(8, Math.floor(this.#counter / 0x1_0000_0000), true);
  }
}
