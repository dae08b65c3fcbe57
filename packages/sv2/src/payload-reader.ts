// A cursor over one payload. The first fault is kept and ends all reading, so that data types need neither exceptions
// nor a result object per field.
import type { DecodeFaultCode } from './errors.ts';

/** For one decoding, of `bytes` from `offset` to `end`. */
export class PayloadReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  offset: number;
  fault: DecodeFaultCode | undefined = undefined;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.end - this.offset;
  }

  /** Consumes `length` bytes and returns where they start, or -1 when they are not there. */
  take(length: number): number {
    if (this.fault !== undefined) return -1;
    const start = this.offset;
    if (length > this.end - start) {
      this.fault = 'payload-truncated';
      return -1;
    }
    this.offset = start + length;
    return start;
  }

  /** Keeps the first fault. */
  fail(code: DecodeFaultCode): void {
    this.fault ??= code;
  }
}
