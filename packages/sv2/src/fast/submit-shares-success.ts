// Writes a SubmitShares.Success frame. Equal to the generic codec of the message (property test).
import { writeU32 } from '../bytes.ts';
import { FRAME_HEADER_SIZE, writeFrameHeader } from '../frames.ts';
import { SubmitSharesSuccess } from '../messages/mining/submit-shares-success.ts';

const PAYLOAD_SIZE = 20;
/** Length of the frame in bytes. */
export const SUBMIT_SHARES_SUCCESS_FRAME_SIZE = FRAME_HEADER_SIZE + PAYLOAD_SIZE;

/**
 * Writes the frame at `offset`; returns the offset after it. `newSharesSum` is a number so that no bigint is made a
 * batch: below 2^53, which a sum of difficulties of one batch stays under.
 */
export function writeSubmitSharesSuccess(
  out: Uint8Array,
  offset: number,
  channelId: number,
  lastSequenceNumber: number,
  newSubmitsAcceptedCount: number,
  newSharesSum: number,
): number {
  let next = writeFrameHeader(out, offset, SubmitSharesSuccess, PAYLOAD_SIZE);
  next = writeU32(out, next, channelId);
  next = writeU32(out, next, lastSequenceNumber);
  next = writeU32(out, next, newSubmitsAcceptedCount);
  next = writeU32(out, next, newSharesSum % 0x1_0000_0000);
  return writeU32(out, next, Math.floor(newSharesSum / 0x1_0000_0000));
}
