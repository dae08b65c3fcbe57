// The 80 bytes that are hashed: version i32 ‖ previous hash 32 ‖ merkle root 32 ‖ time u32 ‖ nBits u32 ‖ nonce u32, little-endian.
import { BitcoinError } from './errors.ts';

/** Bytes of a header. */
export const HEADER_SIZE = 80;

/** Hashes are 32 bytes in wire order. */
export interface BlockHeader {
  /** The i32 of the header taken as u32, as SV2 carries it. */
  readonly version: number;
  readonly prevHash: Uint8Array;
  readonly merkleRoot: Uint8Array;
  /** Unix seconds. */
  readonly ntime: number;
  /** Compact target. */
  readonly nbits: number;
  readonly nonce: number;
}

/** Writes a header into the 80 bytes of `out` without an allocation; the hashes have 32 bytes, which is not checked. */
export function writeHeader(
  out: Uint8Array,
  version: number,
  prevHash: Uint8Array,
  merkleRoot: Uint8Array,
  ntime: number,
  nbits: number,
  nonce: number,
): void {
  writeU32(out, 0, version);
  out.set(prevHash, 4);
  out.set(merkleRoot, 36);
  writeU32(out, 68, ntime);
  writeU32(out, 72, nbits);
  writeU32(out, 76, nonce);
}

/** A new array of 80 bytes. Throws `wrong-length` for hashes of other than 32 bytes. */
export function encodeHeader(header: BlockHeader): Uint8Array {
  if (header.prevHash.length !== 32 || header.merkleRoot.length !== 32) {
    throw new BitcoinError('wrong-length', 'the hashes of a header have 32 bytes');
  }
  const out = new Uint8Array(HEADER_SIZE);
  writeHeader(out, header.version, header.prevHash, header.merkleRoot, header.ntime, header.nbits, header.nonce);
  return out;
}

/** Reads 80 bytes; the hashes are copies. Throws `wrong-length` for any other number of bytes. */
export function decodeHeader(bytes: Uint8Array): BlockHeader {
  if (bytes.length !== HEADER_SIZE) {
    throw new BitcoinError('wrong-length', `a header has ${HEADER_SIZE} bytes, not ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_SIZE);
  return {
    version: view.getUint32(0, true),
    prevHash: Uint8Array.from(bytes.subarray(4, 36)),
    merkleRoot: Uint8Array.from(bytes.subarray(36, 68)),
    ntime: view.getUint32(68, true),
    nbits: view.getUint32(72, true),
    nonce: view.getUint32(76, true),
  };
}

function writeU32(out: Uint8Array, offset: number, value: number): void {
  out[offset] = value;
  out[offset + 1] = value >>> 8;
  out[offset + 2] = value >>> 16;
  out[offset + 3] = value >>> 24;
}
