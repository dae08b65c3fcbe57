// SHA-256 of a handshake, on an instance of as-sha256's module: in JavaScript its hashes and key derivations took a tenth of the time of the
// responder. What goes in and comes out is short.
import { newInstance } from '@chainsafe/as-sha256/lib/wasm.js';

const BLOCK = 64;
const LENGTH = 32;
const NOTHING = new Uint8Array(0);
const FIRST = Uint8Array.of(1);
const SECOND = Uint8Array.of(2);

/** One serves all handshakes of a thread: nothing stands in it between two calls that matters. */
export class HandshakeHash {
  readonly #wasm = newInstance(false);
  readonly #input: Uint8Array;
  readonly #output: Uint8Array;

  constructor() {
    const { memory, input, INPUT_LENGTH, output } = this.#wasm;
    // The memory never grows, so these views stay good.
    this.#input = new Uint8Array(memory.buffer, input.value, Number(INPUT_LENGTH.valueOf()));
    this.#output = new Uint8Array(memory.buffer, output.value, LENGTH);
  }

  /** SHA-256 of two byte strings, one after the other. @throws RangeError beyond 512 bytes; no part of a handshake is as long. */
  hash(first: Uint8Array, second: Uint8Array): Uint8Array {
    this.#input.set(first);
    this.#input.set(second, first.length);
    this.#wasm.digest(first.length + second.length);
    return this.#output.slice();
  }

  /** HKDF of RFC 5869 without info and with two outputs of 32 bytes; so has `chainingKey`. @throws RangeError as `hash`. */
  hkdf2(chainingKey: Uint8Array, material: Uint8Array): readonly [Uint8Array, Uint8Array] {
    const key = this.#hmac(chainingKey, material, NOTHING);
    const first = this.#hmac(key, NOTHING, FIRST);
    const second = this.#hmac(key, first, SECOND);
    key.fill(0);
    return [first, second];
  }

  /** Zeroes what was hashed: in the place of the last block, and of what the rounds have made of it, are those of zeros. */
  forget(): void {
    this.#input.fill(0);
    this.#wasm.digest(BLOCK);
    this.#output.fill(0);
  }

  /** HMAC-SHA-256 [RFC 2104] of two byte strings, one after the other. */
  #hmac(key: Uint8Array, first: Uint8Array, second: Uint8Array): Uint8Array {
    this.#pad(key, 0x36);
    this.#input.set(first, BLOCK);
    this.#input.set(second, BLOCK + first.length);
    this.#wasm.digest(BLOCK + first.length + second.length);
    this.#pad(key, 0x5c);
    this.#input.set(this.#output, BLOCK);
    this.#wasm.digest(BLOCK + LENGTH);
    return this.#output.slice();
  }

  #pad(key: Uint8Array, byte: number): void {
    for (let i = 0; i < LENGTH; i++) this.#input[i] = key[i]! ^ byte;
    this.#input.fill(byte, LENGTH, BLOCK);
  }
}
