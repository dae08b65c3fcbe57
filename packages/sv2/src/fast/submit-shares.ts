// SubmitSharesStandard and SubmitSharesExtended by offset: a payload is read in place, a field at a time, without an
// object, and a frame is written from its fields. The extended message is the standard one and the extranonce, so the first six
// getters serve both. Equal to the generic codec of both messages (property test).
import { readU32, writeU32 } from '../bytes.ts';
import { FRAME_HEADER_SIZE, writeFrameHeader } from '../frames.ts';
import { SubmitSharesExtended } from '../messages/mining/submit-shares-extended.ts';
import { SubmitSharesStandard } from '../messages/mining/submit-shares-standard.ts';

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

/** channel_id of the payload at `offset`. */
export const shareChannelId = (payload: Uint8Array, offset: number): number => readU32(payload, offset);
/** sequence_number of the payload at `offset`. */
export const shareSequenceNumber = (payload: Uint8Array, offset: number): number => readU32(payload, offset + 4);
/** job_id of the payload at `offset`. */
export const shareJobId = (payload: Uint8Array, offset: number): number => readU32(payload, offset + 8);
/** nonce of the payload at `offset`. */
export const shareNonce = (payload: Uint8Array, offset: number): number => readU32(payload, offset + 12);
/** ntime, in Unix seconds, of the payload at `offset`. */
export const shareNtime = (payload: Uint8Array, offset: number): number => readU32(payload, offset + 16);
/** version, as in the header, of the payload at `offset`. */
export const shareVersion = (payload: Uint8Array, offset: number): number => readU32(payload, offset + 20);

/** Bytes of the extranonce of an extended share, which start at `offset + SHARE_EXTRANONCE_OFFSET`. */
export const shareExtranonceSize = (payload: Uint8Array, offset: number): number =>
  payload[offset + EXTRANONCE_LENGTH_OFFSET]!;

/** The offset after the own fields of an extended share, where TLV fields start. */
export const extendedShareEnd = (payload: Uint8Array, offset: number): number =>
  offset + SHARE_EXTRANONCE_OFFSET + shareExtranonceSize(payload, offset);

/** Length of a SubmitSharesStandard frame in bytes. */
export const STANDARD_SHARE_FRAME_SIZE = FRAME_HEADER_SIZE + STANDARD_SIZE;

/** Length of a SubmitSharesExtended frame in bytes, for an extranonce of `extranonceSize`. */
export const extendedShareFrameSize = (extranonceSize: number): number =>
  FRAME_HEADER_SIZE + SHARE_EXTRANONCE_OFFSET + extranonceSize;

/** Writes a SubmitSharesStandard frame at `offset`; returns the offset after it. `ntime` is in Unix seconds. */
export function writeSubmitSharesStandard(
  out: Uint8Array,
  offset: number,
  channelId: number,
  sequenceNumber: number,
  jobId: number,
  nonce: number,
  ntime: number,
  version: number,
): number {
  const next = writeFrameHeader(out, offset, SubmitSharesStandard, STANDARD_SIZE);
  return writeFields(out, next, channelId, sequenceNumber, jobId, nonce, ntime, version);
}

/** Writes a SubmitSharesExtended frame at `offset`; returns the offset after it. `extranonce` has at most 32 bytes, unchecked. */
export function writeSubmitSharesExtended(
  out: Uint8Array,
  offset: number,
  channelId: number,
  sequenceNumber: number,
  jobId: number,
  nonce: number,
  ntime: number,
  version: number,
  extranonce: Uint8Array,
): number {
  let next = writeFrameHeader(out, offset, SubmitSharesExtended, SHARE_EXTRANONCE_OFFSET + extranonce.length);
  next = writeFields(out, next, channelId, sequenceNumber, jobId, nonce, ntime, version);
  out[next++] = extranonce.length;
  out.set(extranonce, next);
  return next + extranonce.length;
}

function writeFields(
  out: Uint8Array,
  offset: number,
  channelId: number,
  sequenceNumber: number,
  jobId: number,
  nonce: number,
  ntime: number,
  version: number,
): number {
  let next = writeU32(out, offset, channelId);
  next = writeU32(out, next, sequenceNumber);
  next = writeU32(out, next, jobId);
  next = writeU32(out, next, nonce);
  next = writeU32(out, next, ntime);
  return writeU32(out, next, version);
}
