// The fast AEAD of messages that fit into one block: headers of frames, shares and their answers, news of a tip. Four blocks of key stream cost in SIMD lanes
// what one costs, and a message takes two: those of the next one are made with it, because the payload of a frame follows its header.
import { instantiate, type MemoryExport } from '@sluice/wasm-writer/instantiate';
import { TAG_LENGTH } from './aead.ts';
import {
  BLOCK_SIZE,
  COUNTERS_AT,
  KEY_AT,
  MEMORY_USED,
  MESSAGE_AT,
  NONCES_AT,
  STREAM_AT,
  TAG_AT,
} from './short-aead-memory.ts';
import { shortAeadModule } from './short-aead-module.ts';

interface ShortAeadExports extends MemoryExport {
  stream(): void;
  mix(stream: number): void;
  tag(stream: number, length: number): void;
}

/** Longest message. */
export const SHORT_LENGTH = BLOCK_SIZE;
const KEY_LENGTH = 32;
/** Two lanes each: the message's own blocks, and those of the one after it. */
const NEXT_STREAM_AT = STREAM_AT + 2 * BLOCK_SIZE;
const NONCE_WORD = NONCES_AT / 4;

/** Without associated data; otherwise as an `AeadBackend`. One serves all keys of a thread. */
export class ShortAead {
  readonly #exports = instantiate<ShortAeadExports>(shortAeadModule());
  readonly #bytes = new Uint8Array(this.#exports.memory.buffer, 0, MEMORY_USED);
  readonly #words = new Uint32Array(this.#exports.memory.buffer, 0, MEMORY_USED / 4);
  /** Whether the blocks of the message after the last one lie there. */
  #hasNext = false;

  constructor() {
    this.#words.set([0, 1, 0, 1], COUNTERS_AT / 4);
  }

  /** Writes `length` + 16 bytes to `out`; at most SHORT_LENGTH are sealed. */
  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    plain: Uint8Array,
    plainOffset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
  ): void {
    const bytes = this.#bytes;
    const stream = this.#streamOf(key, nonce);
    for (let i = 0; i < length; i++) bytes[MESSAGE_AT + i] = plain[plainOffset + i]!;
    this.#exports.mix(stream);
    this.#exports.tag(stream, length);
    for (let i = 0; i < length; i++) out[outOffset + i] = bytes[MESSAGE_AT + i]!;
    for (let i = 0; i < TAG_LENGTH; i++) out[outOffset + length + i] = bytes[TAG_AT + i]!;
  }

  /** False: not authentic, and `out` is as it was. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    sealed: Uint8Array,
    sealedOffset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean {
    const bytes = this.#bytes;
    const stream = this.#streamOf(key, nonce);
    for (let i = 0; i < length; i++) bytes[MESSAGE_AT + i] = sealed[sealedOffset + i]!;
    this.#exports.tag(stream, length);
    // Every byte is compared, whatever the first ones are.
    let difference = 0;
    for (let i = 0; i < TAG_LENGTH; i++) difference |= bytes[TAG_AT + i]! ^ sealed[sealedOffset + length + i]!;
    if (difference !== 0) return false;
    this.#exports.mix(stream);
    for (let i = 0; i < length; i++) out[outOffset + i] = bytes[MESSAGE_AT + i]!;
    return true;
  }

  /** Zeroes key, key stream and message. */
  forget(): void {
    this.#bytes.fill(0, 0, COUNTERS_AT);
    this.#bytes.fill(0, NONCES_AT);
    this.#hasNext = false;
  }

  /** Where the two blocks of a message stand. */
  #streamOf(key: Uint8Array, nonce: Uint8Array): number {
    const [first, low, high] = [readU32(nonce, 0), readU32(nonce, 4), readU32(nonce, 8)];
    if (this.#hasNext && this.#isNext(key, first, low, high)) return NEXT_STREAM_AT;
    this.#bytes.set(key, KEY_AT);
    const nextLow = (low + 1) >>> 0;
    const nextHigh = nextLow === 0 ? (high + 1) >>> 0 : high;
    this.#setNonces(0, first, first);
    this.#setNonces(4, low, nextLow);
    this.#setNonces(8, high, nextHigh);
    this.#exports.stream();
    this.#hasNext = true;
    return STREAM_AT;
  }

  #setNonces(at: number, own: number, next: number): void {
    const words = this.#words;
    words[NONCE_WORD + at] = own;
    words[NONCE_WORD + at + 1] = own;
    words[NONCE_WORD + at + 2] = next;
    words[NONCE_WORD + at + 3] = next;
  }

  #isNext(key: Uint8Array, first: number, low: number, high: number): boolean {
    const words = this.#words;
    const isNonce = words[NONCE_WORD + 6] === low && words[NONCE_WORD + 10] === high && words[NONCE_WORD + 2] === first;
    if (!isNonce) return false;
    let difference = 0;
    for (let i = 0; i < KEY_LENGTH; i++) difference |= this.#bytes[KEY_AT + i]! ^ key[i]!;
    return difference === 0;
  }
}

function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
