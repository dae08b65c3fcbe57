// SubmitSharesStandard and SubmitSharesExtended by offset: a payload is read in place, a field at a time, without an
// object. The extended message is the standard one and the extranonce, so the first six getters serve both. Equal to
// the generic codec of both messages (property test).
import { readU32 } from '../bytes.ts';

const STANDARD_SIZE = 24;
const EXTRANONCE_LENGTH_OFFSET = 24;
const MAX_EXTRANONCE_SIZE = 32;
/** Where the bytes of the extranonce start, from the start of the payload. */
export const SHARE_EXTRANONCE_OFFSET = 25;

/** Whether `length` bytes can hold a SubmitSharesStandard; to be asked before a getter. Further bytes are ignored. */
export function holdsStandardShare(length: number): boolean {
  return length >= STANDARD_SIZE;
}

/** Whether the `length` bytes at `offset` hold a SubmitSharesExtended and its B0_32 obeys its bound. */
export function holdsExtendedShare(payload: Uint8Array, offset: number, length: number): boolean {
  if (length < SHARE_EXTRANONCE_OFFSET) return false;
  const size = payload[offset + EXTRANONCE_LENGTH_OFFSET]!;
  return size <= MAX_EXTRANONCE_SIZE && length >= SHARE_EXTRANONCE_OFFSET + size;
}

export const shareChannelId = (payload: Uint8Array, offset: number): number => readU32(payload, offset);
export const shareSequenceNumber = (payload: Uint8Array, offset: number): number => readU32(payload, offset + 4);
export const shareJobId = (payload: Uint8Array, offset: number): number => readU32(payload, offset + 8);
export const shareNonce = (payload: Uint8Array, offset: number): number => readU32(payload, offset + 12);
export const shareNtime = (payload: Uint8Array, offset: number): number => readU32(payload, offset + 16);
export const shareVersion = (payload: Uint8Array, offset: number): number => readU32(payload, offset + 20);

/** Bytes of the extranonce of an extended share, which start at `offset + SHARE_EXTRANONCE_OFFSET`. */
export const shareExtranonceSize = (payload: Uint8Array, offset: number): number =>
  payload[offset + EXTRANONCE_LENGTH_OFFSET]!;

/** The offset after the own fields of an extended share, where TLV fields start. */
export const extendedShareEnd = (payload: Uint8Array, offset: number): number =>
  offset + SHARE_EXTRANONCE_OFFSET + shareExtranonceSize(payload, offset);
