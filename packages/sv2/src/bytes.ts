// Little-endian integers at an offset of a byte array, without a DataView: these are the inner loops of every codec.
// Reads assume that the caller has checked the length.

/** U16 at `offset`. */
export function readU16(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8);
}

/** U24 at `offset`. */
export function readU24(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16);
}

/** U32 at `offset`, as an unsigned number. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>> 0;
}

/** U64 at `offset`. */
export function readU64(bytes: Uint8Array, offset: number): bigint {
  return BigInt(readU32(bytes, offset)) | (BigInt(readU32(bytes, offset + 4)) << 32n);
}

/** Writes a U16; returns the offset after it. */
export function writeU16(out: Uint8Array, offset: number, value: number): number {
  out[offset] = value;
  out[offset + 1] = value >>> 8;
  return offset + 2;
}

/** Writes a U24; returns the offset after it. */
export function writeU24(out: Uint8Array, offset: number, value: number): number {
  out[offset] = value;
  out[offset + 1] = value >>> 8;
  out[offset + 2] = value >>> 16;
  return offset + 3;
}

/** Writes a U32 (bits above 2^32 are dropped); returns the offset after it. */
export function writeU32(out: Uint8Array, offset: number, value: number): number {
  out[offset] = value;
  out[offset + 1] = value >>> 8;
  out[offset + 2] = value >>> 16;
  out[offset + 3] = value >>> 24;
  return offset + 4;
}

/** Writes a U64; returns the offset after it. */
export function writeU64(out: Uint8Array, offset: number, value: bigint): number {
  writeU32(out, offset, Number(value & 0xffff_ffffn));
  return writeU32(out, offset + 4, Number((value >> 32n) & 0xffff_ffffn));
}
