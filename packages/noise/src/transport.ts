// Frames over the transport ciphers [sv2 4.6]: the 6-byte header sealed alone, then the payload in blocks of at most 65,519 bytes.
// The reader decrypts in place, in the chunk that it is given, and copies only what is cut by the end of a chunk.
import { TAG_LENGTH } from './aead.ts';
import type { CipherState } from './cipher-state.ts';
import { failure, type NoiseFailure } from './errors.ts';

const HEADER = 6;
const SEALED_HEADER = HEADER + TAG_LENGTH;
/** Longest ciphertext of one Noise message. */
const MAX_BLOCK = 65_535;
/** Plaintext of a full block. */
const MAX_PLAIN_BLOCK = MAX_BLOCK - TAG_LENGTH;
const NOTHING = new Uint8Array(0);
/** Smallest buffer for what is cut by the end of a chunk, unless less is needed. */
const FIRST_BUFFER = 512;

/** Longest payload that is accepted of a message type; asked before a byte of the payload is kept. */
export type PayloadLimit = (extensionType: number, msgType: number) => number;

/** `payload` is a view that is good during the call only; `extensionType` is as on the wire, with the channel bit. */
export type OnFrame = (extensionType: number, msgType: number, payload: Uint8Array) => void;

/** Bytes on the wire of a payload. */
export function sealedPayloadLength(length: number): number {
  return length + TAG_LENGTH * Math.ceil(length / MAX_PLAIN_BLOCK);
}

/** Seals the frames of one direction, in the order of the calls. */
export class NoiseWriter {
  readonly #cipher: CipherState;

  constructor(cipher: CipherState) {
    this.#cipher = cipher;
  }

  /** Bytes on the wire of a frame of this length, header included. */
  sealedLength(frameLength: number): number {
    return SEALED_HEADER + sealedPayloadLength(frameLength - HEADER);
  }

  /** Seals header and payload of a frame into `out`, which has room; returns the number of bytes written. @throws NoiseError of the cipher. */
  seal(frame: Uint8Array, out: Uint8Array, offset: number): number {
    this.#cipher.seal(NOTHING, frame, 0, HEADER, out, offset);
    let at = offset + SEALED_HEADER;
    for (let from = HEADER; from < frame.length; from += MAX_PLAIN_BLOCK) {
      const length = Math.min(MAX_PLAIN_BLOCK, frame.length - from);
      this.#cipher.seal(NOTHING, frame, from, length, out, at);
      at += length + TAG_LENGTH;
    }
    return at - offset;
  }

  /** Zeroes the key: nothing can be sealed any more. */
  destroy(): void {
    this.#cipher.destroy();
  }
}

/** Opens the frames of the other direction. What it holds of an unfinished one grows with what has arrived, not with what is announced. */
export class NoiseReader {
  readonly #cipher: CipherState;
  readonly #limit: PayloadLimit;
  /** Length of the ciphertext that comes next, tag included: a header or a block. */
  #need = SEALED_HEADER;
  /** The beginning of it, `#held` bytes, when it was cut by the end of a chunk. */
  #partial: Uint8Array = NOTHING;
  #held = 0;
  /** Of the frame whose payload is being read. */
  #inPayload = false;
  #extensionType = 0;
  #msgType = 0;
  #remaining = 0;
  /** The payload of several blocks, as far as it was read. */
  #gathered: Uint8Array = NOTHING;
  #gatheredLength = 0;
  #failure: NoiseFailure | undefined;

  constructor(cipher: CipherState, limit: PayloadLimit) {
    this.#cipher = cipher;
    this.#limit = limit;
  }

  /** Bytes of memory that an unfinished frame takes. */
  get heldBytes(): number {
    return this.#partial.length + this.#gathered.length;
  }

  /** Reads what came from the socket; `chunk` is overwritten. A failure is final: every later call returns it. */
  push(chunk: Uint8Array, onFrame: OnFrame): NoiseFailure | undefined {
    let offset = 0;
    while (offset < chunk.length && this.#failure === undefined) {
      const need = this.#need;
      const available = chunk.length - offset;
      if (this.#held === 0 && available >= need) {
        this.#open(chunk, offset, onFrame);
        offset += need;
        continue;
      }
      const taken = Math.min(available, need - this.#held);
      this.#partial = withRoom(this.#partial, this.#held, this.#held + taken, need);
      this.#partial.set(chunk.subarray(offset, offset + taken), this.#held);
      this.#held += taken;
      offset += taken;
      if (this.#held === need) {
        const whole = this.#partial;
        this.#partial = NOTHING;
        this.#held = 0;
        this.#open(whole, 0, onFrame);
      }
    }
    return this.#failure;
  }

  /** Zeroes the key: nothing is read any more, not even what follows in the chunk of the present call. */
  destroy(): void {
    this.#cipher.destroy();
    this.#fail('transport-destroyed');
  }

  #open(bytes: Uint8Array, offset: number, onFrame: OnFrame): void {
    const length = this.#need - TAG_LENGTH;
    if (!this.#cipher.open(NOTHING, bytes, offset, length, bytes, offset)) this.#fail('decryption-failed');
    else if (this.#inPayload) this.#onBlock(bytes, offset, length, onFrame);
    else this.#onHeader(bytes, offset, onFrame);
  }

  #onHeader(bytes: Uint8Array, at: number, onFrame: OnFrame): void {
    this.#extensionType = bytes[at]! | (bytes[at + 1]! << 8);
    this.#msgType = bytes[at + 2]!;
    const length = bytes[at + 3]! | (bytes[at + 4]! << 8) | (bytes[at + 5]! << 16);
    if (length > this.#limit(this.#extensionType, this.#msgType)) this.#fail('payload-too-long');
    else if (length === 0) onFrame(this.#extensionType, this.#msgType, bytes.subarray(at, at));
    else {
      this.#inPayload = true;
      this.#remaining = length;
      this.#need = Math.min(length, MAX_PLAIN_BLOCK) + TAG_LENGTH;
    }
  }

  #onBlock(bytes: Uint8Array, offset: number, length: number, onFrame: OnFrame): void {
    this.#remaining -= length;
    let payload = bytes.subarray(offset, offset + length);
    if (this.#remaining > 0 || this.#gatheredLength > 0) {
      const gathered = this.#gatheredLength + length;
      this.#gathered = withRoom(this.#gathered, this.#gatheredLength, gathered, gathered + this.#remaining);
      this.#gathered.set(payload, this.#gatheredLength);
      this.#gatheredLength = gathered;
      payload = this.#gathered;
    }
    if (this.#remaining > 0) {
      this.#need = Math.min(this.#remaining, MAX_PLAIN_BLOCK) + TAG_LENGTH;
      return;
    }
    this.#inPayload = false;
    this.#gathered = NOTHING;
    this.#gatheredLength = 0;
    this.#need = SEALED_HEADER;
    onFrame(this.#extensionType, this.#msgType, payload);
  }

  #fail(code: NoiseFailure['code']): void {
    this.#failure ??= failure(code);
    this.#partial = NOTHING;
    this.#gathered = NOTHING;
  }
}

/** A buffer for `needed` bytes that starts with the `held` ones of `buffer`: twice what is needed now, but never beyond `most`. */
function withRoom(buffer: Uint8Array, held: number, needed: number, most: number): Uint8Array {
  if (needed <= buffer.length) return buffer;
  const grown = new Uint8Array(Math.min(most, Math.max(FIRST_BUFFER, 2 * needed)));
  grown.set(buffer.subarray(0, held));
  return grown;
}

/** Both directions of a connection after its handshake. */
export interface NoiseTransport {
  readonly writer: NoiseWriter;
  readonly reader: NoiseReader;
}
