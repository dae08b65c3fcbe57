import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameParser } from '../src/frame-parser.ts';
import { encodeFrame, FRAME_HEADER_SIZE } from '../src/frames.ts';
import { SubmitSharesExtended } from '../src/messages/mining/submit-shares-extended.ts';
import { payloadLimits, TLV_ALLOWANCE, UNKNOWN_PAYLOAD_LIMIT } from '../src/payload-limits.ts';
import { messages } from '../src/registry.ts';
import { arbitraryMessage } from './arbitrary-message.ts';

const limit = payloadLimits(messages);

const arbitraryFrame: fc.Arbitrary<Uint8Array> = fc
  .constantFrom(...messages)
  .chain((declared) => arbitraryMessage(declared).map((value) => encodeFrame(declared, value)));

const arbitraryFrames = fc.array(arbitraryFrame, { minLength: 1, maxLength: 6 });

/** What a parser makes of the chunks, as frames again. */
function parse(chunks: readonly Uint8Array[]): Uint8Array[] {
  const parser = new FrameParser(limit);
  const frames: Uint8Array[] = [];
  for (const chunk of chunks) {
    const fault = parser.push(chunk, (extensionType, msgType, channelMsg, payload) => {
      const frame = new Uint8Array(FRAME_HEADER_SIZE + payload.length);
      new DataView(frame.buffer).setUint16(0, extensionType | (channelMsg ? 0x8000 : 0), true);
      frame[2] = msgType;
      new DataView(frame.buffer).setUint32(3, payload.length, true);
      frame.set(payload, FRAME_HEADER_SIZE);
      frames.push(frame);
    });
    expect(fault).toBeUndefined();
  }
  expect(parser.held).toBe(0);
  return frames;
}

test('frames come out of one chunk, of single bytes and of any chunks', () => {
  fc.assert(
    fc.property(arbitraryFrames, fc.array(fc.nat(), { maxLength: 8 }), (frames, cuts) => {
      const stream = Buffer.concat(frames);
      expect(parse([stream])).toEqual(frames);
      expect(parse(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(frames);
      const points = [0, ...cuts.map((cut) => cut % stream.length).sort((a, b) => a - b), stream.length];
      expect(parse(points.slice(1).map((to, i) => stream.subarray(points[i], to)))).toEqual(frames);
    }),
    { numRuns: 40 },
  );
});

test('two frames come out of two chunks, wherever they are split', () => {
  const value = { channelId: 1, sequenceNumber: 2, jobId: 3, nonce: 4, ntime: 5, version: 6 };
  const frames = [8, 2].map((size) =>
    encodeFrame(SubmitSharesExtended, { ...value, extranonce: new Uint8Array(size).fill(size) }),
  );
  const stream = Buffer.concat(frames);
  for (let at = 0; at <= stream.length; at++)
    expect(parse([stream.subarray(0, at), stream.subarray(at)])).toEqual(frames);
});

test('a frame that lies whole in a chunk is a view of it', () => {
  const chunk = encodeFrame(messages[0]!, {
    ...{ protocol: 0, minVersion: 2, maxVersion: 2, flags: 0, endpointHost: '', endpointPort: 0 },
    ...{ vendor: 'v', hardwareVersion: '', firmware: '', deviceId: '' },
  });
  let seen: Uint8Array | undefined;
  new FrameParser(limit).push(chunk, (_extensionType, _msgType, _channelMsg, payload) => {
    seen = payload;
  });
  expect(seen?.buffer).toBe(chunk.buffer);
  expect(seen?.byteOffset).toBe(FRAME_HEADER_SIZE);
});

test('an empty payload is a frame', () => {
  const calls: number[] = [];
  const parser = new FrameParser(limit);
  parser.push(Uint8Array.of(0, 0, 0xff, 0, 0), (_extensionType, msgType) => calls.push(msgType));
  parser.push(Uint8Array.of(0), (_extensionType, msgType) => calls.push(msgType));
  expect(calls).toEqual([0xff]);
});

test('a payload longer than its type allows is refused at its header, and for good', () => {
  const parser = new FrameParser(limit);
  const header = Uint8Array.of(0, 0x80, 0x1a, 0xff, 0xff, 0);
  const never = () => expect.unreachable();
  const fault = { ok: false, code: 'frame-too-long', where: 'message type 0x1a' };
  expect(parser.push(header, never)).toEqual(fault);
  expect(parser.push(encodeFrame(messages[1]!, { usedVersion: 2, flags: 0 }), never)).toEqual(fault);
  expect(parser.held).toBe(0);
});

test('a split header is judged as soon as it is whole', () => {
  const parser = new FrameParser(limit);
  const never = () => expect.unreachable();
  expect(parser.push(Uint8Array.of(0, 0x80, 0x1a), never)).toBeUndefined();
  expect(parser.push(Uint8Array.of(0xff, 0xff, 0xff, 1, 2, 3), never)).toMatchObject({ code: 'frame-too-long' });
});

test('a long announcement holds no more memory than what has arrived', () => {
  const parser = new FrameParser(limit);
  const never = () => expect.unreachable();
  expect(parser.push(Uint8Array.of(0, 0, 0x74, 0xff, 0xff, 0xff), never)).toBeUndefined();
  for (let i = 0; i < 100; i++) parser.push(new Uint8Array(10), never);
  expect(parser.held).toBe(FRAME_HEADER_SIZE + 1000);
});

test('a receiver bounds what it takes, and what it does not know', () => {
  const own = payloadLimits([SubmitSharesExtended]);
  expect(own(0, 0x1b)).toBe(57 + TLV_ALLOWANCE);
  expect(own(0x8000, 0x1b)).toBe(57 + TLV_ALLOWANCE);
  expect(own(0, 0x74)).toBe(UNKNOWN_PAYLOAD_LIMIT);
  expect(own(1, 0x1b)).toBe(UNKNOWN_PAYLOAD_LIMIT);
});
