import { type ErrorCode, errorCodes } from '@sluice/sv2/error-codes';
import { encodeFrame } from '@sluice/sv2/frames';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShareAnswerFrames } from '../src/share-answer-frames.ts';
import type { SocketWriter } from '../src/socket-writer.ts';

const codes = Object.keys(errorCodes['SubmitShares.Error']) as ErrorCode<'SubmitShares.Error'>[];
const u32 = fc.nat(2 ** 32 - 1);

test('frames that are used again say what those say that are made anew, and each is counted', () => {
  const refused = Object.fromEntries(codes.map((code) => [code, 0])) as Record<(typeof codes)[number], number>;
  const counters = { acknowledgements: 0 };
  const frames = new ShareAnswerFrames(counters, refused);
  const written: Uint8Array[] = [];
  const writer = { write: (frame: Uint8Array) => written.push(frame.slice()) } as unknown as SocketWriter;
  let successes = 0;
  fc.assert(
    fc.property(u32, u32, u32, fc.bigInt(0n, 2n ** 64n - 1n), fc.option(fc.constantFrom(...codes)), (...given) => {
      const [channelId, sequenceNumber, count, sum, errorCode] = given;
      written.length = 0;
      if (errorCode === null) {
        successes += 1;
        frames.success(writer, channelId, sequenceNumber, count, sum);
        const fields = { lastSequenceNumber: sequenceNumber, newSubmitsAcceptedCount: count, newSharesSum: sum };
        expect(written).toEqual([encodeFrame(SubmitSharesSuccess, { channelId, ...fields }).slice()]);
        return;
      }
      const before = refused[errorCode];
      frames.error(writer, channelId, sequenceNumber, errorCode);
      expect(written).toEqual([encodeFrame(SubmitSharesError, { channelId, sequenceNumber, errorCode }).slice()]);
      expect(refused[errorCode]).toBe(before + 1);
    }),
  );
  expect(counters.acknowledgements).toBe(successes);
});
