// Cuts a byte stream into frames. A frame that lies whole in one chunk is handed on as a view of that chunk; only one
// that is split between chunks is put together, in a buffer that grows with what has arrived and not with what a
// header announces.
import type { DecodeFault } from './errors.ts';
import { FRAME_HEADER_SIZE, parseFrameHeader } from './frames.ts';
import type { PayloadLimit } from './payload-limits.ts';

/** Called once a frame; `payload` is valid during the call only. */
export type OnFrame = (extensionType: number, msgType: number, channelMsg: boolean, payload: Uint8Array) => void;

const FIRST_BUFFER_SIZE = 512;

/** For one byte stream that is not encrypted. */
export class FrameParser {
  readonly #limit: PayloadLimit;
  /** The start of a split frame: `#held` bytes of it. */
  #buffer: Uint8Array = new Uint8Array(0);
  #held = 0;
  #fault: DecodeFault | undefined;

  constructor(limit: PayloadLimit) {
    this.#limit = limit;
  }

  /** Bytes of an unfinished frame that are kept. */
  get held(): number {
    return this.#held;
  }

  /**
   * Takes the next bytes and calls `onFrame` for each frame that they complete. A returned fault is final: every later
   * push returns it again.
   */
  push(chunk: Uint8Array, onFrame: OnFrame): DecodeFault | undefined {
    let offset = this.#held === 0 ? 0 : this.#resume(chunk, onFrame);
    while (this.#fault === undefined && this.#held === 0 && chunk.length - offset > 0) {
      const end = this.#frameEnd(chunk, offset, chunk.length);
      if (this.#fault !== undefined) break;
      if (end < 0 || end > chunk.length) {
        this.#keep(chunk, offset, chunk.length);
        break;
      }
      emit(chunk, offset, end, onFrame);
      offset = end;
    }
    return this.#fault;
  }

  /** Completes the split frame as far as the chunk goes; returns the offset in the chunk after it. */
  #resume(chunk: Uint8Array, onFrame: OnFrame): number {
    let offset = 0;
    if (this.#held < FRAME_HEADER_SIZE) {
      offset = Math.min(FRAME_HEADER_SIZE - this.#held, chunk.length);
      this.#keep(chunk, 0, offset);
    }
    const frameLength = this.#frameEnd(this.#buffer, 0, this.#held);
    if (frameLength < 0) return offset;
    const next = Math.min(offset + frameLength - this.#held, chunk.length);
    this.#keep(chunk, offset, next);
    if (this.#held < frameLength) return next;
    this.#held = 0;
    emit(this.#buffer, 0, frameLength, onFrame);
    if (this.#buffer.length > FIRST_BUFFER_SIZE) this.#buffer = new Uint8Array(0);
    return next;
  }

  /** Where the frame at `offset` ends, or -1 when its header is not there yet or is refused. */
  #frameEnd(bytes: Uint8Array, offset: number, end: number): number {
    if (end - offset < FRAME_HEADER_SIZE) return -1;
    const header = parseFrameHeader(bytes, offset);
    if (header.length > this.#limit(header.extensionType, header.msgType)) {
      this.#fault = { ok: false, code: 'frame-too-long', where: `message type 0x${header.msgType.toString(16)}` };
      return -1;
    }
    return offset + FRAME_HEADER_SIZE + header.length;
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    const needed = this.#held + to - from;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(FIRST_BUFFER_SIZE, 2 ** Math.ceil(Math.log2(needed))));
      grown.set(this.#buffer.subarray(0, this.#held));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk.subarray(from, to), this.#held);
    this.#held = needed;
  }
}

function emit(bytes: Uint8Array, offset: number, end: number, onFrame: OnFrame): void {
  const { extensionType, msgType, channelMsg } = parseFrameHeader(bytes, offset);
  onFrame(extensionType, msgType, channelMsg, bytes.subarray(offset + FRAME_HEADER_SIZE, end));
}
