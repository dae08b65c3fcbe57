// Frames [sv2 3.2]: a header of six bytes (extension_type U16 with the channel_msg bit, msg_type U8, msg_length U24)
// and a payload. Over Noise the two are sealed separately, which is why header and payload have functions of their own.
import { readU16, readU24, writeU16, writeU24 } from './bytes.ts';
import { Sv2EncodeError } from './errors.ts';
import type { Message, MessageOf } from './message.ts';
import { MAX_PAYLOAD, payloadSize, writePayload } from './message.ts';

/** Bytes of a frame header. */
export const FRAME_HEADER_SIZE = 6;
/** The bit of extension_type that says that the payload starts with a channel id. */
export const CHANNEL_MSG_BIT = 0x8000;

/** The six bytes before a payload. */
export interface FrameHeader {
  /** Without the channel_msg bit: a lookup of the extension ignores it. */
  extensionType: number;
  channelMsg: boolean;
  msgType: number;
  /** Length of the payload in bytes. */
  length: number;
}

/** The header at `offset`, which has six bytes. Every value of them is a header. */
export function parseFrameHeader(bytes: Uint8Array, offset = 0): FrameHeader {
  const extension = readU16(bytes, offset);
  return {
    extensionType: extension & ~CHANNEL_MSG_BIT,
    channelMsg: (extension & CHANNEL_MSG_BIT) !== 0,
    msgType: bytes[offset + 2]!,
    length: readU24(bytes, offset + 3),
  };
}

/** Writes the header of a message whose payload has `length` bytes; returns the offset after it. */
export function writeFrameHeader(
  out: Uint8Array,
  offset: number,
  declared: Pick<Message, 'extensionType' | 'channelMsg' | 'type'>,
  length: number,
): number {
  writeU16(out, offset, declared.extensionType | (declared.channelMsg ? CHANNEL_MSG_BIT : 0));
  out[offset + 2] = declared.type;
  return writeU24(out, offset + 3, length);
}

/** Length of the frame of a message in bytes, header included. */
export function frameSize<M extends Message>(declared: M, value: MessageOf<M>): number {
  return FRAME_HEADER_SIZE + payloadSize(declared, value);
}

/** Writes a frame at `offset`, which has room for `frameSize` bytes; returns the offset after it. */
export function writeFrame<M extends Message>(
  out: Uint8Array,
  offset: number,
  declared: M,
  value: MessageOf<M>,
): number {
  const end = writePayload(out, offset + FRAME_HEADER_SIZE, declared, value);
  const length = end - offset - FRAME_HEADER_SIZE;
  if (length > MAX_PAYLOAD) throw new Sv2EncodeError('frame-too-long', `${declared.name} has ${length} bytes`);
  writeFrameHeader(out, offset, declared, length);
  return end;
}

/** A frame of its own, with encoded TLV fields behind the message's own when given; throws `Sv2EncodeError`. */
export function encodeFrame<M extends Message>(declared: M, value: MessageOf<M>, tlvs?: Uint8Array): Uint8Array {
  const size = frameSize(declared, value);
  const total = size + (tlvs?.length ?? 0);
  if (total - FRAME_HEADER_SIZE > MAX_PAYLOAD)
    throw new Sv2EncodeError('frame-too-long', `${declared.name} has ${total - FRAME_HEADER_SIZE} bytes`);
  const out = new Uint8Array(total);
  writeFrame(out, 0, declared, value);
  if (tlvs !== undefined) {
    out.set(tlvs, size);
    writeFrameHeader(out, 0, declared, total - FRAME_HEADER_SIZE);
  }
  return out;
}
