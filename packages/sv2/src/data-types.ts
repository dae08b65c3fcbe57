// The data types of [sv2 3.1]: one declaration each, from which sizes, encoding, decoding and documentation follow.
// Decoded values own their bytes; multi-byte integers are little-endian.
import { readU16, readU24, readU32, readU64, writeU16, writeU24, writeU32, writeU64 } from './bytes.ts';
import { Sv2EncodeError } from './errors.ts';
import type { PayloadReader } from './payload-reader.ts';
import { decodeText, encodeText } from './text.ts';

/** How values of `T` look on the wire. `size` and `write` throw `Sv2EncodeError`; `read` leaves a fault in the reader. */
export interface DataType<T> {
  /** The specification's name, such as `SEQ0_255[U256]`. */
  readonly name: string;
  /** Bounds of the encoded length in bytes. */
  readonly minSize: number;
  readonly maxSize: number;
  size(value: T): number;
  /** Writes at `offset`, which has room, and returns the offset after it. */
  write(out: Uint8Array, offset: number, value: T): number;
  /** Reads a value; on a fault it returns an empty value that nobody looks at. */
  read(reader: PayloadReader): T;
}

/** The values of a data type. */
export type ValueOf<D> = D extends DataType<infer T> ? T : never;

const EMPTY = new Uint8Array(0);

function integer(
  name: string,
  bytes: number,
  load: (bytes: Uint8Array, offset: number) => number,
  store: (out: Uint8Array, offset: number, value: number) => number,
): DataType<number> {
  const maximum = 2 ** (8 * bytes) - 1;
  return {
    name,
    minSize: bytes,
    maxSize: bytes,
    size: () => bytes,
    write(out, offset, value) {
      if (!Number.isInteger(value) || value < 0 || value > maximum) throw outOfRange(name, String(value));
      return store(out, offset, value);
    },
    read(reader) {
      const start = reader.take(bytes);
      return start < 0 ? 0 : load(reader.bytes, start);
    },
  };
}

function outOfRange(name: string, what: string): Sv2EncodeError {
  return new Sv2EncodeError('value-out-of-range', `${what} is no ${name}`);
}

/** One byte; only its lowest bit counts when read, the other seven are reserved for flags and ignored. */
export const BOOL: DataType<boolean> = {
  name: 'BOOL',
  minSize: 1,
  maxSize: 1,
  size: () => 1,
  write(out, offset, value) {
    out[offset] = value ? 1 : 0;
    return offset + 1;
  },
  read(reader) {
    const start = reader.take(1);
    return start >= 0 && (reader.bytes[start]! & 1) === 1;
  },
};

/** One byte, 0 to 255. */
export const U8: DataType<number> = integer(
  'U8',
  1,
  (bytes, offset) => bytes[offset]!,
  (out, offset, value) => {
    out[offset] = value;
    return offset + 1;
  },
);
/** Two bytes, little-endian. */
export const U16: DataType<number> = integer('U16', 2, readU16, writeU16);
/** Three bytes, little-endian. */
export const U24: DataType<number> = integer('U24', 3, readU24, writeU24);
/** Four bytes, little-endian. */
export const U32: DataType<number> = integer('U32', 4, readU32, writeU32);

/** A bigint, because a number cannot hold 64 bits exactly. */
export const U64: DataType<bigint> = {
  name: 'U64',
  minSize: 8,
  maxSize: 8,
  size: () => 8,
  write(out, offset, value) {
    if (typeof value !== 'bigint' || value < 0n || value >= 1n << 64n) throw outOfRange('U64', String(value));
    return writeU64(out, offset, value);
  },
  read(reader) {
    const start = reader.take(8);
    return start < 0 ? 0n : readU64(reader.bytes, start);
  },
};

/**
 * IEEE 754 single precision. NaN, infinities and negative values are read as they stand: whether a field may hold
 * them is for its receiver to say, see `isHashRate`. They are written too, but a finite value that single precision would
 * make infinite is not: it throws `value-out-of-range`.
 */
export const F32: DataType<number> = {
  name: 'F32',
  minSize: 4,
  maxSize: 4,
  size: () => 4,
  write(out, offset, value) {
    if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) throw outOfRange('F32', String(value));
    new DataView(out.buffer, out.byteOffset + offset, 4).setFloat32(0, value, true);
    return offset + 4;
  },
  read(reader) {
    const start = reader.take(4);
    if (start < 0) return 0;
    return new DataView(reader.bytes.buffer, reader.bytes.byteOffset + start, 4).getFloat32(0, true);
  },
};

/** Exactly `length` raw bytes under a name of their own. */
function fixedBytes(name: string, length: number): DataType<Uint8Array> {
  return {
    name,
    minSize: length,
    maxSize: length,
    size: () => length,
    write(out, offset, value) {
      if (value.length !== length) throw outOfRange(name, `${value.length} bytes`);
      out.set(value, offset);
      return offset + length;
    },
    read(reader) {
      const start = reader.take(length);
      return start < 0 ? EMPTY : new Uint8Array(reader.bytes.subarray(start, start + length));
    },
  };
}

/** 32 bytes in wire order: little-endian as a number, a hash as SHA-256 put it out. */
export const U256: DataType<Uint8Array> = fixedBytes('U256', 32);
/** 16 bytes: a message authentication code. */
export const MAC: DataType<Uint8Array> = fixedBytes('MAC', 16);
/** 32 bytes: an x-only public key [BIP340]. */
export const PUBKEY: DataType<Uint8Array> = fixedBytes('PUBKEY', 32);
/** 64 bytes: a signature [BIP340]. */
export const SIGNATURE: DataType<Uint8Array> = fixedBytes('SIGNATURE', 64);
/** BYTES of a length that the description of the field gives. */
export const BYTES = (length: number): DataType<Uint8Array> => fixedBytes(`BYTES(${length})`, length);

/** Bytes behind a length prefix of 1, 2 or 3 bytes, at most `maximum` of them. */
function prefixedBytes(name: string, prefix: DataType<number>, maximum: number): DataType<Uint8Array> {
  return {
    name,
    minSize: prefix.minSize,
    maxSize: prefix.minSize + maximum,
    size: (value) => prefix.minSize + value.length,
    write(out, offset, value) {
      if (value.length > maximum) throw outOfRange(name, `${value.length} bytes`);
      const start = prefix.write(out, offset, value.length);
      out.set(value, start);
      return start + value.length;
    },
    read(reader) {
      const length = prefix.read(reader);
      if (length > maximum) reader.fail('length-out-of-range');
      const start = reader.take(length);
      return start < 0 ? EMPTY : new Uint8Array(reader.bytes.subarray(start, start + length));
    },
  };
}

/** At most 32 bytes behind a length of one byte. */
export const B0_32: DataType<Uint8Array> = prefixedBytes('B0_32', U8, 32);
/** At most 255 bytes behind a length of one byte. */
export const B0_255: DataType<Uint8Array> = prefixedBytes('B0_255', U8, 0xff);
/** At most 65,535 bytes behind a length of two bytes. */
export const B0_64K: DataType<Uint8Array> = prefixedBytes('B0_64K', U16, 0xffff);
/** At most 2^24 - 1 bytes behind a length of three bytes. */
export const B0_16M: DataType<Uint8Array> = prefixedBytes('B0_16M', U24, 0xff_ffff);

/** A string of at most 255 bytes of UTF-8; other bytes survive as lone surrogates, see `text.ts`. */
export const STR0_255: DataType<string> = {
  name: 'STR0_255',
  minSize: 1,
  maxSize: 256,
  size: (value) => 1 + encodeText(value).length,
  write(out, offset, value) {
    const bytes = encodeText(value);
    if (bytes.length > 0xff) throw outOfRange('STR0_255', `a string of ${bytes.length} bytes`);
    out[offset] = bytes.length;
    out.set(bytes, offset + 1);
    return offset + 1 + bytes.length;
  },
  read(reader) {
    const length = U8.read(reader);
    const start = reader.take(length);
    return start < 0 ? '' : decodeText(reader.bytes.subarray(start, start + length));
  },
};

function sequence<T>(name: string, prefix: DataType<number>, maximum: number, element: DataType<T>): DataType<T[]> {
  return {
    name: `${name}[${element.name}]`,
    minSize: prefix.minSize,
    maxSize: prefix.minSize + maximum * element.maxSize,
    size(value) {
      let total = prefix.minSize;
      for (const item of value) total += element.size(item);
      return total;
    },
    write(out, offset, value) {
      if (value.length > maximum) throw outOfRange(this.name, `a list of ${value.length}`);
      let next = prefix.write(out, offset, value.length);
      for (const item of value) next = element.write(out, next, item);
      return next;
    },
    read(reader) {
      const count = prefix.read(reader);
      if (count > maximum) reader.fail('length-out-of-range');
      // Before anything is allocated: a short payload cannot make us loop 65,535 times.
      else if (count * element.minSize > reader.remaining) reader.fail('payload-truncated');
      const items: T[] = [];
      for (let i = 0; i < count && reader.fault === undefined; i++) items.push(element.read(reader));
      return items;
    },
  };
}

/** A list of up to 255 elements. */
export const SEQ0_255 = <T>(element: DataType<T>): DataType<T[]> => sequence('SEQ0_255', U8, 0xff, element);
/** A list of up to 65,535 elements. */
export const SEQ0_64K = <T>(element: DataType<T>): DataType<T[]> => sequence('SEQ0_64K', U16, 0xffff, element);

/** A value or nothing: a sequence of at most one element. */
export function OPTION<T>(element: DataType<T>): DataType<T | undefined> {
  const list = sequence('OPTION', U8, 1, element);
  return {
    name: list.name,
    minSize: list.minSize,
    maxSize: list.maxSize,
    size: (value) => (value === undefined ? 1 : 1 + element.size(value)),
    write: (out, offset, value) => list.write(out, offset, value === undefined ? [] : [value]),
    read: (reader) => list.read(reader)[0],
  };
}
