// The fast AEAD: as-chacha20poly1305's module on an instance of our own, and short-aead.ts for what fits into a block. The public functions of the former take
// whole arrays and make new ones; here the bytes go from the caller's buffer into the module's memory and from there to where they are wanted.
import { newInstance } from '@chainsafe/as-chacha20poly1305';
import { type AeadBackend, TAG_LENGTH } from './aead.ts';
import { SHORT_LENGTH, ShortAead } from './short-aead.ts';

/** The module takes this many bytes at once; one Noise message is shorter. */
const CHUNK = 65_536;
const KEY_LENGTH = 32;
const NONCE_LENGTH = 12;
/** How far the module's own buffers may be written beyond the length of a message: a padded `ad`, a block of key stream, lengths. */
const SLACK = 128;
/** Below this a loop is faster than making a view for `set`. */
const LOOP_BELOW = 48;

class WasmAead implements AeadBackend {
  readonly name = 'as-chacha20poly1305';
  readonly #short = new ShortAead();
  readonly #wasm = newInstance();
  readonly #key: Uint8Array;
  readonly #nonce: Uint8Array;
  readonly #ad: Uint8Array;
  readonly #input: Uint8Array;
  readonly #output: Uint8Array;
  readonly #tag: Uint8Array;
  /** The four buffers of a whole message each, and the little that stands before, between and behind them, as it was at first. */
  readonly #buffers: readonly Uint8Array[];
  readonly #rest: readonly { readonly view: Uint8Array; readonly initial: Uint8Array }[];
  /** Length of the longest message since the module last forgot. */
  #longest = 0;

  constructor() {
    const { memory, cpKey, cpNonce, cpAssociatedData, cpInput, chacha20Output, poly1305Output } = this.#wasm;
    const { chacha20Input, poly1305Input, debug } = this.#wasm;
    // The memory never grows, so these views stay good.
    const view = (at: { readonly value: number }, length: number) => new Uint8Array(memory.buffer, at.value, length);
    this.#key = view(cpKey, KEY_LENGTH);
    this.#nonce = view(cpNonce, NONCE_LENGTH);
    this.#ad = view(cpAssociatedData, KEY_LENGTH);
    this.#input = view(cpInput, CHUNK);
    this.#output = view(chacha20Output, CHUNK);
    this.#tag = view(poly1305Output, TAG_LENGTH);
    this.#buffers = [chacha20Input, chacha20Output, poly1305Input, cpInput].map((buffer) => view(buffer, CHUNK));
    const starts = [0, ...this.#buffers.map(({ byteOffset }) => byteOffset + CHUNK)].sort((a, b) => a - b);
    const ends = [...this.#buffers.map(({ byteOffset }) => byteOffset), debug.value].sort((a, b) => a - b);
    this.#rest = starts.map((start, index) => {
      const gap = new Uint8Array(memory.buffer, start, ends[index]! - start);
      return { view: gap, initial: gap.slice() };
    });
  }

  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    ad: Uint8Array,
    plain: Uint8Array,
    plainOffset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
  ): void {
    if (length <= SHORT_LENGTH && ad.length === 0) {
      this.#short.seal(key, nonce, plain, plainOffset, length, out, outOffset);
      return;
    }
    this.#prepare(key, nonce, ad, plain, plainOffset, length);
    this.#wasm.sealUpdate(true, true, length, length, ad.length);
    copy(this.#output, 0, length, out, outOffset);
    copy(this.#tag, 0, TAG_LENGTH, out, outOffset + length);
  }

  open(
    key: Uint8Array,
    nonce: Uint8Array,
    ad: Uint8Array,
    sealed: Uint8Array,
    sealedOffset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean {
    if (length <= SHORT_LENGTH && ad.length === 0)
      return this.#short.open(key, nonce, sealed, sealedOffset, length, out, outOffset);
    this.#prepare(key, nonce, ad, sealed, sealedOffset, length);
    this.#wasm.openUpdate(true, true, length, length, ad.length);
    const tag = this.#tag;
    const tagOffset = sealedOffset + length;
    // Every byte is compared, whatever the first ones are.
    let difference = 0;
    for (let i = 0; i < TAG_LENGTH; i++) difference |= tag[i]! ^ sealed[tagOffset + i]!;
    if (difference !== 0) return false;
    copy(this.#output, 0, length, out, outOffset);
    return true;
  }

  /** Costs what the longest message since the last time did, so little after a handshake. */
  forget(): void {
    this.#short.forget();
    const length = Math.min(this.#longest + SLACK, CHUNK);
    for (const buffer of this.#buffers) buffer.fill(0, 0, length);
    for (const { view, initial } of this.#rest) view.set(initial);
    this.#longest = 0;
  }

  #prepare(
    key: Uint8Array,
    nonce: Uint8Array,
    ad: Uint8Array,
    source: Uint8Array,
    offset: number,
    length: number,
  ): void {
    if (length > CHUNK) throw new RangeError(`${length} bytes are more than one message`);
    if (length > this.#longest) this.#longest = length;
    this.#key.set(key);
    copy(nonce, 0, NONCE_LENGTH, this.#nonce, 0);
    if (ad.length > 0) this.#ad.set(ad);
    copy(source, offset, length, this.#input, 0);
  }
}

function copy(source: Uint8Array, offset: number, length: number, target: Uint8Array, at: number): void {
  if (length < LOOP_BELOW) for (let i = 0; i < length; i++) target[at + i] = source[offset + i]!;
  else target.set(source.subarray(offset, offset + length), at);
}

/** One instance serves all connections of a thread: what it keeps between two calls the next one overwrites, or `forget` zeroes. */
export function wasmAead(): AeadBackend {
  return new WasmAead();
}
