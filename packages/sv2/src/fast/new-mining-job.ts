// Writes a NewMiningJob frame. Equal to the generic codec of the message (property test).
import { writeU32 } from '../bytes.ts';
import { FRAME_HEADER_SIZE, writeFrameHeader } from '../frames.ts';
import { NewMiningJob } from '../messages/mining/new-mining-job.ts';

const FUTURE_PAYLOAD_SIZE = 45;
const ACTIVE_PAYLOAD_SIZE = 49;
/** Longest frame in bytes: that of an active job. */
export const NEW_MINING_JOB_MAX_FRAME_SIZE = FRAME_HEADER_SIZE + ACTIVE_PAYLOAD_SIZE;

/** Writes the frame at `offset`; returns the offset after it. No `minNtime` makes it a future job. */
export function writeNewMiningJob(
  out: Uint8Array,
  offset: number,
  channelId: number,
  jobId: number,
  minNtime: number | undefined,
  version: number,
  merkleRoot: Uint8Array,
): number {
  const length = minNtime === undefined ? FUTURE_PAYLOAD_SIZE : ACTIVE_PAYLOAD_SIZE;
  let next = writeFrameHeader(out, offset, NewMiningJob, length);
  next = writeU32(out, next, channelId);
  next = writeU32(out, next, jobId);
  out[next++] = minNtime === undefined ? 0 : 1;
  if (minNtime !== undefined) next = writeU32(out, next, minNtime);
  next = writeU32(out, next, version);
  out.set(merkleRoot, next);
  return next + 32;
}
