// Writes a SetNewPrevHash frame of the mining protocol. Equal to the generic codec of the message (property test).
import { writeU32 } from '../bytes.ts';
import { FRAME_HEADER_SIZE, writeFrameHeader } from '../frames.ts';
import { SetNewPrevHash } from '../messages/mining/set-new-prev-hash.ts';

const PAYLOAD_SIZE = 48;
/** Length of the frame in bytes. */
export const SET_NEW_PREV_HASH_FRAME_SIZE = FRAME_HEADER_SIZE + PAYLOAD_SIZE;

/** Writes the frame at `offset`; returns the offset after it. `prevHash` has 32 bytes in wire order. */
export function writeSetNewPrevHash(
  out: Uint8Array,
  offset: number,
  channelId: number,
  jobId: number,
  prevHash: Uint8Array,
  minNtime: number,
  nbits: number,
): number {
  let next = writeFrameHeader(out, offset, SetNewPrevHash, PAYLOAD_SIZE);
  next = writeU32(out, next, channelId);
  next = writeU32(out, next, jobId);
  out.set(prevHash, next);
  next = writeU32(out, next + 32, minNtime);
  return writeU32(out, next, nbits);
}
