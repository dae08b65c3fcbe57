// The hot messages by the hand-written codecs, beside the generic one on the same values; results are compared first.
import assert from 'node:assert/strict';
import { bench, do_not_optimize, run, summary } from 'mitata';
import { writeNewMiningJob } from '../src/fast/new-mining-job.ts';
import { writeSetNewPrevHash } from '../src/fast/set-new-prev-hash.ts';
import * as share from '../src/fast/submit-shares.ts';
import { holdsExtendedShare, holdsStandardShare, SHARE_EXTRANONCE_OFFSET } from '../src/fast/submit-shares.ts';
import { writeSubmitSharesSuccess } from '../src/fast/submit-shares-success.ts';
import { FrameParser } from '../src/frame-parser.ts';
import { writeFrame } from '../src/frames.ts';
import { decodePayload, encodePayload } from '../src/message.ts';
import { NewMiningJob } from '../src/messages/mining/new-mining-job.ts';
import { SetNewPrevHash } from '../src/messages/mining/set-new-prev-hash.ts';
import { SubmitSharesExtended } from '../src/messages/mining/submit-shares-extended.ts';
import { SubmitSharesStandard } from '../src/messages/mining/submit-shares-standard.ts';
import { SubmitSharesSuccess } from '../src/messages/mining/submit-shares-success.ts';
import { payloadLimits } from '../src/payload-limits.ts';
import { miningMessages } from '../src/registry.ts';

const hash = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
const standard = {
  channelId: 9,
  sequenceNumber: 1000,
  jobId: 77,
  nonce: 0xdeadbeef,
  ntime: 1.7e9,
  version: 0x2000_0000,
};
const extended = { ...standard, extranonce: hash.slice(0, 12) };
const success = { channelId: 9, lastSequenceNumber: 1000, newSubmitsAcceptedCount: 10, newSharesSum: 123_456n };
const tip = { channelId: 9, jobId: 77, prevHash: hash, minNtime: 1.7e9, nbits: 0x1703_4219 };
const job = { channelId: 9, jobId: 77, minNtime: 1.7e9, version: 0x2000_0000, merkleRoot: hash };

const standardPayload = encodePayload(SubmitSharesStandard, standard);
const extendedPayload = encodePayload(SubmitSharesExtended, extended);
const out = new Uint8Array(128);
const other = new Uint8Array(128);

function readFields(payload: Uint8Array): number {
  return (
    share.shareChannelId(payload, 0) ^
    share.shareSequenceNumber(payload, 0) ^
    share.shareJobId(payload, 0) ^
    share.shareNonce(payload, 0) ^
    share.shareNtime(payload, 0) ^
    share.shareVersion(payload, 0)
  );
}

function readStandard(payload: Uint8Array): number {
  return holdsStandardShare(payload.length) ? readFields(payload) : -1;
}

function readExtended(payload: Uint8Array): number {
  if (!holdsExtendedShare(payload, 0, payload.length)) return -1;
  const last = SHARE_EXTRANONCE_OFFSET + share.shareExtranonceSize(payload, 0) - 1;
  return readFields(payload) ^ payload[last]!;
}

type Writer = (to: Uint8Array) => number;
const writers: readonly [name: string, fast: Writer, generic: Writer][] = [
  [
    'SubmitSharesStandard, write',
    (to) => share.writeSubmitSharesStandard(to, 0, 9, 1000, 77, 0xdeadbeef, 1.7e9, 0x2000_0000),
    (to) => writeFrame(to, 0, SubmitSharesStandard, standard),
  ],
  [
    'SubmitShares.Success, write',
    (to) => writeSubmitSharesSuccess(to, 0, 9, 1000, 10, success.newSharesSum),
    (to) => writeFrame(to, 0, SubmitSharesSuccess, success),
  ],
  [
    'SetNewPrevHash, write',
    (to) => writeSetNewPrevHash(to, 0, 9, 77, hash, tip.minNtime, tip.nbits),
    (to) => writeFrame(to, 0, SetNewPrevHash, tip),
  ],
  [
    'NewMiningJob, write',
    (to) => writeNewMiningJob(to, 0, 9, 77, job.minNtime, job.version, hash),
    (to) => writeFrame(to, 0, NewMiningJob, job),
  ],
];

/** Each field by itself; what is timed folds them into one number. */
const fieldsOf = (payload: Uint8Array) => ({
  channelId: share.shareChannelId(payload, 0),
  sequenceNumber: share.shareSequenceNumber(payload, 0),
  jobId: share.shareJobId(payload, 0),
  nonce: share.shareNonce(payload, 0),
  ntime: share.shareNtime(payload, 0),
  version: share.shareVersion(payload, 0),
});
const extranonceOf = (payload: Uint8Array) =>
  payload.slice(SHARE_EXTRANONCE_OFFSET, SHARE_EXTRANONCE_OFFSET + share.shareExtranonceSize(payload, 0));
assert.deepEqual(fieldsOf(standardPayload), standard);
assert.deepEqual({ ...fieldsOf(extendedPayload), extranonce: extranonceOf(extendedPayload) }, extended);
assert.notEqual(readStandard(standardPayload), -1);
assert.notEqual(readExtended(extendedPayload), -1);
assert.deepEqual(decodePayload(SubmitSharesStandard, standardPayload), { ok: true, value: standard, length: 24 });
assert.deepEqual(decodePayload(SubmitSharesExtended, extendedPayload), { ok: true, value: extended, length: 37 });
for (const [name, fast, generic] of writers) {
  for (const bytes of [out, other]) bytes.fill(0xaa);
  assert.equal(fast(out), generic(other), name);
  assert.deepEqual(out, other, name);
}

const read = (name: string, fast: () => unknown, generic: () => unknown): void =>
  summary(() => {
    bench(`${name}, fast`, () => do_not_optimize(fast()));
    bench(`${name}, generic`, () => do_not_optimize(generic())).baseline(true);
  });

read(
  'SubmitSharesStandard, read',
  () => readStandard(standardPayload),
  () => decodePayload(SubmitSharesStandard, standardPayload),
);
read(
  'SubmitSharesExtended, read',
  () => readExtended(extendedPayload),
  () => decodePayload(SubmitSharesExtended, extendedPayload),
);
for (const [name, fast, generic] of writers)
  read(
    name,
    () => fast(out),
    () => generic(out),
  );

const frameLength = writeFrame(out, 0, SubmitSharesStandard, standard);
const burst = Buffer.concat(
  Array.from({ length: 100 }, (_, sequenceNumber) => {
    writeFrame(out, 0, SubmitSharesStandard, { ...standard, sequenceNumber });
    return Uint8Array.from(out.subarray(0, frameLength));
  }),
);
const parser = new FrameParser(payloadLimits(miningMessages));

function parse(chunkLength: number, onFrame: Parameters<FrameParser['push']>[1]): void {
  for (let at = 0; at < burst.length; at += chunkLength) parser.push(burst.subarray(at, at + chunkLength), onFrame);
}

/** Frame by frame from the lengths in the headers. */
const expectedFrames = Array.from({ length: burst.length / frameLength }, (_, index) => {
  const frame = burst.subarray(index * frameLength, (index + 1) * frameLength);
  const extension = frame.readUInt16LE(0);
  return [extension & 0x7fff, frame[2], extension >= 0x8000, Uint8Array.from(frame.subarray(6))];
});
for (const chunkLength of [burst.length, 1460, 1]) {
  const frames: unknown[] = [];
  parse(chunkLength, (extensionType, msgType, channelMsg, payload) => {
    frames.push([extensionType, msgType, channelMsg, Uint8Array.from(payload)]);
  });
  assert.deepEqual(frames, expectedFrames, `frames from chunks of ${chunkLength} bytes`);
}

let seen = 0;
const count = (_extensionType: number, _msgType: number, _channelMsg: boolean, payload: Uint8Array) => {
  seen += payload.length;
};
function parsed(chunkLength: number): void {
  parse(chunkLength, count);
  do_not_optimize(seen);
}
bench('frame parser, 100 frames of 30 B in one chunk', () => parsed(burst.length));
bench('frame parser, the same in chunks of 1,460 B', () => parsed(1460));

if (!process.argv.includes('--check')) await run();
