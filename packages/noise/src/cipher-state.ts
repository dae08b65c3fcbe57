// A key and a counter [sv2 4.4.1]: every sealed or opened message takes the next nonce, so order is part of what is authenticated.
import type { AeadBackend } from './aead.ts';
import { NoiseError } from './errors.ts';

/** Of the message at work: 32 zero bits, then its counter as 64 bits, little-endian. One of its own would take 240 bytes in each direction of each connection. */
const nonce = new Uint8Array(12);

/** One direction of a connection, or of a handshake between two keys. */
export class CipherState {
  readonly #aead: AeadBackend;
  readonly #key: Uint8Array;
  #counter: number;
  /** Why the key must not be used any more. */
  #ended: 'cipher-destroyed' | 'nonce-exhausted' | undefined;

  /** @param key 32 bytes; belongs to the state, which zeroes it in `destroy`. @param counter of the first message, below 2^53. */
  constructor(aead: AeadBackend, key: Uint8Array, counter = 0) {
    this.#aead = aead;
    this.#key = key;
    this.#counter = counter;
  }

  /** Writes `length` + 16 bytes to `out`. @throws NoiseError `cipher-destroyed`, `nonce-exhausted`: nothing is written. */
  seal(ad: Uint8Array, plain: Uint8Array, offset: number, length: number, out: Uint8Array, outOffset: number): void {
    if (this.#ended !== undefined) throw new NoiseError(this.#ended, `a cipher state seals no more: ${this.#ended}`);
    writeNonce(this.#counter);
    this.#aead.seal(this.#key, nonce, ad, plain, offset, length, out, outOffset);
    this.#next();
  }

  /**
   * Writes `length` bytes to `out`, of `length` + 16 sealed ones. False: not authentic, or the state has ended; `out` is as it
   * was, and the nonce stays, so that ending the connection is the caller's part.
   */
  open(
    ad: Uint8Array,
    sealed: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean {
    if (this.#ended !== undefined) return false;
    writeNonce(this.#counter);
    const good = this.#aead.open(this.#key, nonce, ad, sealed, offset, length, out, outOffset);
    if (good) this.#next();
    return good;
  }

  /** Zeroes the key and what the back end remembers; from then on nothing is sealed or opened. */
  destroy(): void {
    this.#ended = 'cipher-destroyed';
    this.#key.fill(0);
    this.#aead.forget();
  }

  #next(): void {
    if (this.#counter === Number.MAX_SAFE_INTEGER) this.#ended = 'nonce-exhausted';
    else this.#counter += 1;
  }
}

function writeNonce(counter: number): void {
  writeU32(nonce, 4, counter >>> 0);
  writeU32(nonce, 8, Math.floor(counter / 0x1_0000_0000));
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
