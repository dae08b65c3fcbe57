// Writes a SubmitShares.Error frame. Equal to the generic codec of the message (property test).
import { writeU32 } from '../bytes.ts';
import { FRAME_HEADER_SIZE, writeFrameHeader } from '../frames.ts';
import { SubmitSharesError } from '../messages/mining/submit-shares-error.ts';

const FIXED_SIZE = 9;

/** Length of the frame for an error code of `length` bytes. */
export const submitSharesErrorFrameSize = (length: number): number => FRAME_HEADER_SIZE + FIXED_SIZE + length;

/** Writes the frame at `offset`; returns the offset after it. `errorCode` is ASCII, at most 255 long, as our table's are. */
export function writeSubmitSharesError(
  out: Uint8Array,
  offset: number,
  channelId: number,
  sequenceNumber: number,
  errorCode: string,
): number {
  const length = errorCode.length;
  let next = writeFrameHeader(out, offset, SubmitSharesError, FIXED_SIZE + length);
  next = writeU32(out, next, channelId);
  next = writeU32(out, next, sequenceNumber);
  out[next++] = length;
  for (let i = 0; i < length; i++) out[next + i] = errorCode.charCodeAt(i);
  return next + length;
}
