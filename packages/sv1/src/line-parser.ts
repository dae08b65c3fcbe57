// Cuts a byte stream into lines. A line that lies whole in one chunk is handed on as a view of that chunk; only one that is split between
// chunks is put together. Each byte is looked at once and copied at most once but for the growth of that buffer.
import type { LineFault } from './errors.ts';

/** Bytes of a line without its line feed. ESP-Miner and cgminer have as much room for a line. */
export const MAX_LINE_SIZE = 8_192;

/** Called once a line that is not blank, without its line ending; `line` is valid during the call only. */
export type OnLine = (line: Uint8Array) => void;

const FIRST_BUFFER_SIZE = 512;
const LF = 0x0a;
const TOO_LONG: LineFault = { kind: 'fault', code: 'line-too-long' };

/** For one connection. */
export class LineParser {
  /** The start of a split line: `#held` bytes of it. */
  #buffer: Uint8Array = new Uint8Array(0);
  #held = 0;
  #fault: LineFault | undefined;

  /** Bytes of an unfinished line that are kept; at most MAX_LINE_SIZE. */
  get held(): number {
    return this.#held;
  }

  /**
   * Takes the next bytes and calls `onLine` for each line that they complete. A returned fault is final: every later push returns it again
   * and reads nothing.
   */
  push(chunk: Uint8Array, onLine: OnLine): LineFault | undefined {
    let start = 0;
    while (this.#fault === undefined) {
      const end = chunk.indexOf(LF, start);
      if (end === -1) {
        this.#keep(chunk, start, chunk.length);
        break;
      }
      this.#complete(chunk, start, end, onLine);
      start = end + 1;
    }
    return this.#fault;
  }

  #complete(chunk: Uint8Array, start: number, end: number, onLine: OnLine): void {
    if (this.#held === 0) {
      if (end - start > MAX_LINE_SIZE) this.#fail();
      else emit(chunk, start, end, onLine);
      return;
    }
    this.#keep(chunk, start, end);
    if (this.#fault !== undefined) return;
    const length = this.#held;
    this.#held = 0;
    emit(this.#buffer, 0, length, onLine);
    if (this.#buffer.length > FIRST_BUFFER_SIZE) this.#buffer = new Uint8Array(0);
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    const needed = this.#held + to - from;
    if (needed > MAX_LINE_SIZE) {
      this.#fail();
      return;
    }
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(FIRST_BUFFER_SIZE, 2 ** Math.ceil(Math.log2(needed))));
      grown.set(this.#buffer.subarray(0, this.#held));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk.subarray(from, to), this.#held);
    this.#held = needed;
  }

  #fail(): void {
    this.#fault = TOO_LONG;
    this.#buffer = new Uint8Array(0);
    this.#held = 0;
  }
}

/** Without the blanks around it, a carriage return among them; not at all when nothing else is there. */
function emit(bytes: Uint8Array, start: number, end: number, onLine: OnLine): void {
  let from = start;
  let to = end;
  while (to > from && isBlank(bytes[to - 1]!)) to -= 1;
  while (from < to && isBlank(bytes[from]!)) from += 1;
  if (from < to) onLine(bytes.subarray(from, to));
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}
