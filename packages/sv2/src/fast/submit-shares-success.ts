// Writes a SubmitShares.Success frame, and reads its payload by offset. Equal to the generic codec of the message (property test).
import { readU32, readU64, writeU32, writeU64 } from '../bytes.ts';
import { FRAME_HEADER_SIZE, writeFrameHeader } from '../frames.ts';
import { SubmitSharesSuccess } from '../messages/mining/submit-shares-success.ts';

const PAYLOAD_SIZE = 20;
/** Length of the frame in bytes. */
export const SUBMIT_SHARES_SUCCESS_FRAME_SIZE = FRAME_HEADER_SIZE + PAYLOAD_SIZE;
const MAX_U64 = 0xffff_ffff_ffff_ffffn;

/**
 * Writes the frame at `offset`; returns the offset after it. A `newSharesSum` beyond 64 bits is written as the largest that
 * there is. Up to 2^53, where sums are, no bigint is made.
 */
export function writeSubmitSharesSuccess(
  out: Uint8Array,
  offset: number,
  channelId: number,
  lastSequenceNumber: number,
  newSubmitsAcceptedCount: number,
  newSharesSum: bigint,
): number {
  let next = writeFrameHeader(out, offset, SubmitSharesSuccess, PAYLOAD_SIZE);
  next = writeU32(out, next, channelId);
  next = writeU32(out, next, lastSequenceNumber);
  next = writeU32(out, next, newSubmitsAcceptedCount);
  const sum = Number(newSharesSum);
  if (sum > Number.MAX_SAFE_INTEGER) return writeU64(out, next, newSharesSum > MAX_U64 ? MAX_U64 : newSharesSum);
  next = writeU32(out, next, sum);
  return writeU32(out, next, Math.floor(sum / 0x1_0000_0000));
}

/** Whether `length` bytes can hold a SubmitShares.Success; to be asked before a getter. Further bytes are ignored. */
export function holdsSubmitSharesSuccess(length: number): boolean {
  return length >= PAYLOAD_SIZE;
}

/** channel_id of the payload at `offset`. */
export const successChannelId = (payload: Uint8Array, offset: number): number => readU32(payload, offset);
/** last_sequence_number of the payload at `offset`. */
export const successLastSequenceNumber = (payload: Uint8Array, offset: number): number => readU32(payload, offset + 4);
/** new_submits_accepted_count of the payload at `offset`. */
export const successAcceptedCount = (payload: Uint8Array, offset: number): number => readU32(payload, offset + 8);
/** new_shares_sum of the payload at `offset`. */
export const successSharesSum = (payload: Uint8Array, offset: number): bigint => readU64(payload, offset + 12);
