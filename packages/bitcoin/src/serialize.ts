// Bitcoin's serialization of small things: CompactSize, little-endian integers, joined bytes.
import { BitcoinError } from './errors.ts';

/** CompactSize of a count or length below 2^53, in its shortest form. Throws `number-out-of-range`. */
export function compactSize(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new BitcoinError('number-out-of-range', `${value} is no length`);
  }
  if (value < 0xfd) return Uint8Array.of(value);
  const bytes = new Uint8Array(value <= 0xffff ? 3 : value <= 0xffffffff ? 5 : 9);
  const view = new DataView(bytes.buffer);
  if (bytes.length === 3) {
    bytes[0] = 0xfd;
    view.setUint16(1, value, true);
  } else if (bytes.length === 5) {
    bytes[0] = 0xfe;
    view.setUint32(1, value, true);
  } else {
    bytes[0] = 0xff;
    view.setBigUint64(1, BigInt(value), true);
  }
  return bytes;
}

/** 4 bytes, little-endian; bits above 2^32 are dropped. */
export function u32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

/** 8 bytes, little-endian. Throws `number-out-of-range`. */
export function u64(value: bigint): Uint8Array {
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) {
    throw new BitcoinError('number-out-of-range', `${value} is no 64-bit amount`);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

/** All parts behind each other, in a new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const out = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Whether two arrays hold the same bytes; not for secrets, as it stops at the first difference. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
