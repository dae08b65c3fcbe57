// A growing writer and a bounds-checked reader, little-endian: what the payload codecs stand on.
import { BusError } from './errors.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });
const START_CAPACITY = 512;
const TWO_32 = 4_294_967_296;

/** Appends to a buffer that doubles. Values out of range are a `bus-bad-payload`: they would be stored wrongly, silently. */
export class ByteWriter {
  /** Of a buffer of its own: `alloc` takes none of Node's pool. */
  #bytes = Buffer.alloc(START_CAPACITY);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #reserve(count: number): number {
    const start = this.#length;
    const end = start + count;
    if (end > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = end;
    return start;
  }

  u8(value: number): void {
    const start = this.#reserve(1);
    this.#view.setUint8(start, inRange(value, 0xff));
  }

  u16(value: number): void {
    const start = this.#reserve(2);
    this.#view.setUint16(start, inRange(value, 0xffff), true);
  }

  u32(value: number): void {
    const start = this.#reserve(4);
    this.#view.setUint32(start, inRange(value, 0xffff_ffff), true);
  }

  u48(value: number): void {
    const start = this.#reserve(6);
    inRange(value, 2 ** 48 - 1);
    this.#view.setUint32(start, value % TWO_32, true);
    this.#view.setUint16(start + 4, Math.floor(value / TWO_32), true);
  }

  u64(value: bigint): void {
    const start = this.#reserve(8);
    if (value < 0n || value >> 64n !== 0n) throw new BusError('bus-bad-payload', `${value} does not fit 64 bits`);
    this.#view.setBigUint64(start, value, true);
  }

  u256(value: bigint): void {
    if (value < 0n || value >> 256n !== 0n) throw new BusError('bus-bad-payload', `${value} does not fit 256 bits`);
    for (let limb = 0n; limb < 256n; limb += 64n) this.u64(BigInt.asUintN(64, value >> limb));
  }

  f32(value: number): void {
    const start = this.#reserve(4);
    this.#view.setFloat32(start, value, true);
  }

  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.u16(length);
    const start = this.#reserve(length);
    this.#bytes.write(value, start);
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.raw(value);
  }

  raw(value: Uint8Array): void {
    const start = this.#reserve(value.length);
    this.#bytes.set(value, start);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.buffer.slice(0, this.#length));
  }
}

/** Reads forward; running past the end is a `bus-bad-payload`. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    // Never a Buffer: what is cut from it must copy when a receiver calls slice.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  #take(count: number): number {
    const start = this.#offset;
    if (count > this.remaining)
      throw new BusError('bus-bad-payload', `ends at ${this.#bytes.length}, ${start + count} wanted`);
    this.#offset = start + count;
    return start;
  }

  skip(count: number): void {
    this.#take(count);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u48(): number {
    const start = this.#take(6);
    return this.#view.getUint32(start, true) + this.#view.getUint16(start + 4, true) * TWO_32;
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  u256(): bigint {
    const start = this.#take(32);
    let value = 0n;
    for (let limb = 24; limb >= 0; limb -= 8) value = (value << 64n) | this.#view.getBigUint64(start + limb, true);
    return value;
  }

  f32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }

  text(): string {
    const encoded = this.raw(this.u16());
    try {
      return decoder.decode(encoded);
    } catch {
      throw new BusError('bus-bad-payload', 'a text that is not UTF-8');
    }
  }

  bytes(): Uint8Array {
    return this.raw(this.u32());
  }

  /** A view, not a copy. */
  raw(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }
}

function inRange(value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new BusError('bus-bad-payload', `${value} is no integer of 0 to ${max}`);
  }
  return value;
}
