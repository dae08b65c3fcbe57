// Each hand-written codec is the generic one, on any value and at any offset.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { errorCodes } from '../src/error-codes.ts';
import { NEW_MINING_JOB_MAX_FRAME_SIZE, writeNewMiningJob } from '../src/fast/new-mining-job.ts';
import { SET_NEW_PREV_HASH_FRAME_SIZE, writeSetNewPrevHash } from '../src/fast/set-new-prev-hash.ts';
import * as share from '../src/fast/submit-shares.ts';
import { submitSharesErrorFrameSize, writeSubmitSharesError } from '../src/fast/submit-shares-error.ts';
import * as success from '../src/fast/submit-shares-success.ts';
import { SUBMIT_SHARES_SUCCESS_FRAME_SIZE, writeSubmitSharesSuccess } from '../src/fast/submit-shares-success.ts';
import { encodeFrame } from '../src/frames.ts';
import { decodePayload, encodePayload } from '../src/message.ts';
import { NewMiningJob } from '../src/messages/mining/new-mining-job.ts';
import { SetNewPrevHash } from '../src/messages/mining/set-new-prev-hash.ts';
import { SubmitSharesError } from '../src/messages/mining/submit-shares-error.ts';
import { SubmitSharesExtended } from '../src/messages/mining/submit-shares-extended.ts';
import { SubmitSharesStandard } from '../src/messages/mining/submit-shares-standard.ts';
import { SubmitSharesSuccess } from '../src/messages/mining/submit-shares-success.ts';
import { arbitraryMessage } from './arbitrary-message.ts';

const offsets = fc.nat({ max: 20 });

function at(offset: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(offset + payload.length + 7).fill(0xee);
  bytes.set(payload, offset);
  return bytes;
}

/** What a writer puts at `offset` of a dirty buffer, having written nothing beside it. */
function written(offset: number, room: number, write: (out: Uint8Array) => number): Uint8Array {
  const out = new Uint8Array(offset + room + 7).fill(0xee);
  const end = write(out);
  expect(end).toBeLessThanOrEqual(offset + room);
  expect([...out.subarray(0, offset), ...out.subarray(end)].every((byte) => byte === 0xee)).toBe(true);
  return out.subarray(offset, end);
}

function common(bytes: Uint8Array, offset: number): object {
  return {
    channelId: share.shareChannelId(bytes, offset),
    sequenceNumber: share.shareSequenceNumber(bytes, offset),
    jobId: share.shareJobId(bytes, offset),
    nonce: share.shareNonce(bytes, offset),
    ntime: share.shareNtime(bytes, offset),
    version: share.shareVersion(bytes, offset),
  };
}

test('SubmitSharesStandard is read', () => {
  fc.assert(
    fc.property(arbitraryMessage(SubmitSharesStandard), offsets, (value, offset) => {
      expect(common(at(offset, encodePayload(SubmitSharesStandard, value)), offset)).toEqual(value);
    }),
  );
});

test('SubmitSharesExtended is read, and its end found', () => {
  fc.assert(
    fc.property(arbitraryMessage(SubmitSharesExtended), offsets, (value, offset) => {
      const payload = encodePayload(SubmitSharesExtended, value);
      const bytes = at(offset, payload);
      const start = offset + share.SHARE_EXTRANONCE_OFFSET;
      const extranonce = bytes.subarray(start, start + share.shareExtranonceSize(bytes, offset));
      expect({ ...common(bytes, offset), extranonce }).toEqual(value);
      expect(share.extendedShareEnd(bytes, offset)).toBe(offset + payload.length);
    }),
  );
});

test('a payload is complete exactly when the generic codec can read it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), offsets, fc.integer({ min: 0, max: 40 }), (any, offset, size) => {
      const payload = Uint8Array.from(any);
      if (payload.length > 24) payload[24] = size;
      const bytes = at(offset, payload);
      expect(share.holdsStandardShare(payload.length)).toBe(decodePayload(SubmitSharesStandard, payload).ok);
      expect(share.holdsExtendedShare(bytes, offset, payload.length)).toBe(
        decodePayload(SubmitSharesExtended, payload).ok,
      );
    }),
    { numRuns: 500 },
  );
});

test('SubmitShares.Success is written', () => {
  const edges = [2n ** 32n, 2n ** 53n, 2n ** 64n].flatMap((edge) => [edge - 1n, edge, edge + 1n]);
  const sum = fc.oneof(
    fc.constantFrom(0n, ...edges.filter((edge) => edge < 2n ** 64n)),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  );
  fc.assert(
    fc.property(arbitraryMessage(SubmitSharesSuccess), sum, offsets, (any, newSharesSum, offset) => {
      const value = { ...any, newSharesSum };
      const bytes = written(offset, SUBMIT_SHARES_SUCCESS_FRAME_SIZE, (out) =>
        writeSubmitSharesSuccess(
          out,
          offset,
          value.channelId,
          value.lastSequenceNumber,
          value.newSubmitsAcceptedCount,
          newSharesSum,
        ),
      );
      expect(bytes).toEqual(encodeFrame(SubmitSharesSuccess, value));
    }),
    { numRuns: 300 },
  );
});

test('a sum beyond 64 bits is written as the largest of 64', () => {
  for (const newSharesSum of [2n ** 64n, 2n ** 64n + 1n, 2n ** 80n]) {
    const out = new Uint8Array(SUBMIT_SHARES_SUCCESS_FRAME_SIZE);
    writeSubmitSharesSuccess(out, 0, 1, 2, 3, newSharesSum);
    const value = { channelId: 1, lastSequenceNumber: 2, newSubmitsAcceptedCount: 3, newSharesSum: 2n ** 64n - 1n };
    expect(out).toEqual(encodeFrame(SubmitSharesSuccess, value));
  }
});

test('SubmitShares.Success is read, and complete exactly when the generic codec can read it', () => {
  fc.assert(
    fc.property(arbitraryMessage(SubmitSharesSuccess), offsets, fc.nat({ max: 30 }), (value, offset, length) => {
      const payload = encodePayload(SubmitSharesSuccess, value);
      const bytes = at(offset, payload);
      expect({
        channelId: success.successChannelId(bytes, offset),
        lastSequenceNumber: success.successLastSequenceNumber(bytes, offset),
        newSubmitsAcceptedCount: success.successAcceptedCount(bytes, offset),
        newSharesSum: success.successSharesSum(bytes, offset),
      }).toEqual(value);
      const any = new Uint8Array(length);
      expect(success.holdsSubmitSharesSuccess(length)).toBe(decodePayload(SubmitSharesSuccess, any).ok);
    }),
  );
});

test('SubmitSharesStandard is written', () => {
  fc.assert(
    fc.property(arbitraryMessage(SubmitSharesStandard), offsets, (value, offset) => {
      const { channelId, sequenceNumber, jobId, nonce, ntime, version } = value;
      const bytes = written(offset, share.STANDARD_SHARE_FRAME_SIZE, (out) =>
        share.writeSubmitSharesStandard(out, offset, channelId, sequenceNumber, jobId, nonce, ntime, version),
      );
      expect(bytes).toEqual(encodeFrame(SubmitSharesStandard, value));
    }),
  );
});

test('SubmitSharesExtended is written', () => {
  fc.assert(
    fc.property(arbitraryMessage(SubmitSharesExtended), offsets, (value, offset) => {
      const { channelId, sequenceNumber, jobId, nonce, ntime, version, extranonce } = value;
      const rest = [jobId, nonce, ntime, version, extranonce] as const;
      const bytes = written(offset, share.extendedShareFrameSize(extranonce.length), (out) =>
        share.writeSubmitSharesExtended(out, offset, channelId, sequenceNumber, ...rest),
      );
      expect(bytes).toEqual(encodeFrame(SubmitSharesExtended, value));
    }),
  );
});

test('SubmitShares.Error is written, with each code', () => {
  const codes = fc.constantFrom(...Object.keys(errorCodes['SubmitShares.Error']));
  fc.assert(
    fc.property(arbitraryMessage(SubmitSharesError), codes, offsets, (any, errorCode, offset) => {
      const value = { ...any, errorCode };
      const bytes = written(offset, submitSharesErrorFrameSize(errorCode.length), (out) =>
        writeSubmitSharesError(out, offset, value.channelId, value.sequenceNumber, errorCode),
      );
      expect(bytes).toEqual(encodeFrame(SubmitSharesError, value));
    }),
  );
});

test('SetNewPrevHash is written', () => {
  fc.assert(
    fc.property(arbitraryMessage(SetNewPrevHash), offsets, (value, offset) => {
      const bytes = written(offset, SET_NEW_PREV_HASH_FRAME_SIZE, (out) =>
        writeSetNewPrevHash(out, offset, value.channelId, value.jobId, value.prevHash, value.minNtime, value.nbits),
      );
      expect(bytes).toEqual(encodeFrame(SetNewPrevHash, value));
    }),
  );
});

test('NewMiningJob is written, future and active', () => {
  fc.assert(
    fc.property(arbitraryMessage(NewMiningJob), offsets, (value, offset) => {
      const bytes = written(offset, NEW_MINING_JOB_MAX_FRAME_SIZE, (out) =>
        writeNewMiningJob(out, offset, value.channelId, value.jobId, value.minNtime, value.version, value.merkleRoot),
      );
      expect(bytes).toEqual(encodeFrame(NewMiningJob, value));
    }),
  );
});
