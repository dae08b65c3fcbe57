import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFrame, FRAME_HEADER_SIZE, frameSize, parseFrameHeader } from '../src/frames.ts';
import { decodePayload, encodePayload, MAX_PAYLOAD, type Message, payloadSize } from '../src/message.ts';
import { SubmitSharesError } from '../src/messages/mining/submit-shares-error.ts';
import { SubmitSharesStandard } from '../src/messages/mining/submit-shares-standard.ts';
import { messages } from '../src/registry.ts';
import { arbitraryMessage } from './arbitrary-message.ts';

describe.each(messages.map((declared): [string, Message] => [`${declared.protocol} ${declared.name}`, declared]))(
  '%s',
  (_name, declared) => {
    test('survives a round trip, alone and in a frame', () => {
      fc.assert(
        fc.property(arbitraryMessage(declared), (value) => {
          const payload = encodePayload(declared, value);
          expect(decodePayload(declared, payload)).toEqual({ ok: true, value, length: payload.length });
          expect(payload.length).toBeGreaterThanOrEqual(declared.minPayload);
          expect(payload.length).toBeLessThanOrEqual(declared.maxPayload);
          const frame = encodeFrame(declared, value);
          expect(frame.length).toBe(frameSize(declared, value));
          expect(parseFrameHeader(frame)).toEqual({
            extensionType: declared.extensionType,
            channelMsg: declared.channelMsg,
            msgType: declared.type,
            length: payload.length,
          });
          expect(frame.subarray(FRAME_HEADER_SIZE)).toEqual(payload);
        }),
        { numRuns: 25 },
      );
    });

    test('cut off anywhere it is a fault that names a field, and bytes behind it change nothing', () => {
      fc.assert(
        fc.property(arbitraryMessage(declared), fc.nat(), fc.uint8Array({ maxLength: 40 }), (value, at, behind) => {
          const payload = encodePayload(declared, value);
          const cut = decodePayload(declared, payload.subarray(0, at % payload.length));
          expect(cut).toMatchObject({ ok: false, code: 'payload-truncated' });
          const longer = new Uint8Array(payload.length + behind.length);
          longer.set(payload);
          longer.set(behind, payload.length);
          expect(decodePayload(declared, longer)).toEqual({ ok: true, value, length: payload.length });
        }),
        { numRuns: 25 },
      );
    });

    test('any bytes are a message or a fault, never an exception', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          const decoded = decodePayload(declared, bytes);
          if (decoded.ok) expect(payloadSize(declared, decoded.value)).toBe(decoded.length);
        }),
        { numRuns: 50 },
      );
    });
  },
);

test('a fault names message and field', () => {
  expect(decodePayload(SubmitSharesStandard, new Uint8Array(9))).toEqual({
    ok: false,
    code: 'payload-truncated',
    where: 'SubmitSharesStandard.jobId',
  });
});

test('a value that cannot be encoded names message and field', () => {
  const value = { channelId: 1, sequenceNumber: -1, errorCode: 'x' };
  expect(() => encodePayload(SubmitSharesError, value)).toThrow(/^SubmitShares\.Error\.sequenceNumber: -1 is no U32$/);
});

test('no message may be longer than a frame', () => {
  for (const declared of messages) expect(declared.maxPayload).toBeLessThanOrEqual(MAX_PAYLOAD);
});
