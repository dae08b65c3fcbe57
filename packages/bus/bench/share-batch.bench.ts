// A batch of shares written and read, beside writers of each field in turn; the bytes of both are compared before anything is timed. Miners that pipeline
// bring many shares of a channel, others one of each.
import assert from 'node:assert/strict';
import { bench, do_not_optimize, group, run } from 'mitata';
import { ByteWriter } from '../src/byte-cursor.ts';
import { PAYS_POOL } from '../src/payloads/channel.ts';
import {
  type BatchChannel,
  SHARE_BATCH_VERSION,
  ShareBatchReader,
  ShareBatchWriter,
} from '../src/payloads/share-batch.ts';

const SHARES = 1_024;
const target = new Uint8Array(32).fill(7);
const extranonce = new Uint8Array(16).fill(5);
const [JOB, NTIME, VERSION, FEED, RECEIVED_MS] = [16, 1_700_000_000, 0x20000000, 9, 1_700_000_000_123] as const;

const channelsOf = (count: number): readonly BatchChannel[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ channelKey: index, kind: 2, identity: `account-${index % 8}`, worker: `worker-${index}` },
    ...{ extranoncePrefix: new Uint8Array(7).fill(index), poolPercent: PAYS_POOL },
  }));

const writer = new ShareBatchWriter();

function fast(channels: readonly BatchChannel[]): Uint8Array {
  writer.start(1n, 2n);
  writer.addTarget(target);
  for (const channel of channels) writer.addChannel(channel);
  for (let number = 0; number < SHARES; number += 1) {
    const index = number % channels.length;
    writer.addShare(index, 0, JOB, number, NTIME, VERSION, number, FEED, RECEIVED_MS, extranonce, 0, extranonce.length);
  }
  return writer.finish();
}

function fieldByField(channels: readonly BatchChannel[]): Uint8Array {
  const out = new ByteWriter();
  out.u8(SHARE_BATCH_VERSION);
  out.u64(1n);
  out.u64(2n);
  out.u16(channels.length);
  out.u16(1);
  out.u32(SHARES);
  for (const { channelKey, kind, identity, worker, extranoncePrefix } of channels) {
    out.u32(channelKey);
    out.u8(kind);
    out.text(identity);
    out.text(worker);
    out.u8(extranoncePrefix.length);
    out.raw(extranoncePrefix);
  }
  out.raw(target);
  for (let number = 0; number < SHARES; number += 1) {
    out.u16(number % channels.length);
    out.u16(0);
    for (const value of [JOB, number, NTIME, VERSION, number]) out.u32(value);
    out.u64(BigInt(FEED));
    out.u48(RECEIVED_MS);
    out.u8(extranonce.length);
    out.raw(extranonce);
  }
  return out.finish();
}

const reader = new ShareBatchReader();

/** Sum of the nonces. */
function readAll(payload: Uint8Array): number {
  assert.equal(reader.open(payload), true);
  let sum = 0;
  while (reader.next()) sum += reader.nonce;
  return sum;
}

for (const count of [16, SHARES]) {
  const channels = channelsOf(count);
  const payload = fast(channels);
  assert.deepEqual(payload, fieldByField(channels));
  assert.equal(readAll(payload), (SHARES * (SHARES - 1)) / 2);
  group(`a batch of ${SHARES} shares of ${count} channels`, () => {
    bench(`written, ${count} channels`, () => do_not_optimize(fast(channels)));
    bench(`written field by field, ${count} channels`, () => do_not_optimize(fieldByField(channels)));
    bench(`read, ${count} channels`, () => do_not_optimize(readAll(payload)));
  });
}

if (!process.argv.includes('--check')) await run();
