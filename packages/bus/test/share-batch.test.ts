import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAYS_POOL } from '../src/payloads/channel.ts';
import {
  type BatchChannel,
  MAX_SHARE_BATCH_BYTES,
  ShareBatchReader,
  ShareBatchWriter,
} from '../src/payloads/share-batch.ts';

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors/share-batch.json'), 'utf8')) as {
  hex: string;
  minerPaid: string;
};

interface Share {
  readonly channelIndex: number;
  readonly targetIndex: number;
  readonly jobId: number;
  readonly nonce: number;
  readonly ntime: number;
  readonly version: number;
  readonly sequenceNumber: number;
  readonly tipFeed: number;
  readonly receivedAtMs: number;
  readonly extranonce: Uint8Array;
}

interface Batch {
  readonly incarnation: bigint;
  readonly batch: bigint;
  readonly channels: readonly BatchChannel[];
  readonly targets: readonly Uint8Array[];
  readonly shares: readonly Share[];
}

function add(writer: ShareBatchWriter, share: Share): boolean {
  const { channelIndex, targetIndex, jobId, nonce, ntime, version, sequenceNumber, tipFeed, receivedAtMs, extranonce } =
    share;
  const source = Buffer.concat([Buffer.from([0xee, 0xee]), extranonce, Buffer.from([0xee])]);
  return writer.addShare(
    channelIndex,
    targetIndex,
    jobId,
    nonce,
    ntime,
    version,
    sequenceNumber,
    tipFeed,
    receivedAtMs,
    source,
    2,
    extranonce.length,
  );
}

function write(writer: ShareBatchWriter, { incarnation, batch, channels, targets, shares }: Batch): Uint8Array {
  writer.start(incarnation, batch);
  expect(channels.map((channel) => writer.addChannel(channel))).toEqual(channels.map((_, index) => index));
  expect(targets.map((target) => writer.addTarget(target))).toEqual(targets.map((_, index) => index));
  for (const share of shares) expect(add(writer, share)).toBe(true);
  expect(writer.shareCount).toBe(shares.length);
  const payload = writer.finish();
  expect(payload.length).toBe(writer.byteLength);
  return payload;
}

function read(reader: ShareBatchReader, payload: Uint8Array): Batch {
  expect(reader.open(payload)).toBe(true);
  const shares: Share[] = [];
  while (reader.next()) {
    const { channelIndex, targetIndex, jobId, nonce, ntime, version, sequenceNumber, tipFeed, receivedAtMs } = reader;
    const extranonce = payload.slice(reader.extranonceOffset, reader.extranonceOffset + reader.extranonceLength);
    shares.push({
      channelIndex,
      targetIndex,
      jobId,
      nonce,
      ntime,
      version,
      sequenceNumber,
      tipFeed,
      receivedAtMs,
      extranonce,
    });
  }
  expect(reader.fault).toBeUndefined();
  const { incarnation, batch, channels, targetCount } = reader;
  const targets = Array.from({ length: targetCount }, (_, index) => reader.target(index));
  return { incarnation, batch, channels, targets, shares };
}

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
const name = fc.string({ maxLength: 40 }).filter((text) => text.isWellFormed());

const batches: fc.Arbitrary<Batch> = fc
  .record({
    channels: fc.array(
      fc.record({
        channelKey: u32,
        kind: fc.constantFrom(1, 2),
        identity: name,
        worker: name,
        extranoncePrefix: bytes(0, 32),
        poolPercent: fc.oneof(fc.constant(PAYS_POOL), fc.integer({ min: 0, max: 99 })),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    targets: fc.array(bytes(32, 32), { minLength: 1, maxLength: 5 }),
  })
  .chain(({ channels, targets }) =>
    fc.record({
      incarnation: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      batch: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      channels: fc.constant(channels),
      targets: fc.constant(targets),
      shares: fc.array(
        fc.record({
          channelIndex: fc.nat(channels.length - 1),
          targetIndex: fc.nat(targets.length - 1),
          jobId: u32,
          nonce: u32,
          ntime: u32,
          version: u32,
          sequenceNumber: u32,
          tipFeed: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
          receivedAtMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
          extranonce: bytes(0, 32),
        }),
        { maxLength: 20 },
      ),
    }),
  );

const example: Batch = {
  incarnation: 2n ** 40n + 1n,
  batch: 7n,
  channels: [
    {
      channelKey: 1,
      kind: 1,
      identity: 'alice',
      worker: 'rig',
      extranoncePrefix: Uint8Array.of(1, 2, 3, 4, 5),
      poolPercent: 100,
    },
    {
      channelKey: 2,
      kind: 2,
      identity: 'bob',
      worker: '',
      extranoncePrefix: Uint8Array.of(6, 7, 8, 9, 10),
      poolPercent: 100,
    },
  ],
  targets: [new Uint8Array(32).fill(0xff), new Uint8Array(32).fill(0x0f)],
  shares: [
    {
      channelIndex: 0,
      targetIndex: 1,
      jobId: 16,
      nonce: 0xdeadbeef,
      ntime: 1_700_000_000,
      version: 0x2000_0000,
      sequenceNumber: 1,
      tipFeed: 2 ** 33 + 5,
      receivedAtMs: 1_700_000_000_123,
      extranonce: new Uint8Array(),
    },
    {
      channelIndex: 1,
      targetIndex: 0,
      jobId: 0xffff_fff0,
      nonce: 0,
      ntime: 0xffff_ffff,
      version: 0xffff_ffff,
      sequenceNumber: 0xffff_ffff,
      tipFeed: 0,
      receivedAtMs: 0,
      extranonce: new Uint8Array(15).fill(0xab),
    },
  ],
};

/** The second channel and one more give the pool nothing and a part. */
const minerPaid: Batch = {
  ...example,
  channels: [
    ...example.channels.map((channel, index) => ({ ...channel, poolPercent: index === 0 ? PAYS_POOL : 0 })),
    { channelKey: 3, kind: 2, identity: 'carol', worker: 'w', extranoncePrefix: Uint8Array.of(11), poolPercent: 99 },
  ],
};

describe('share batch', () => {
  const writer = new ShareBatchWriter();
  const reader = new ShareBatchReader();

  it('has the bytes of the golden file', () => {
    const payload = write(writer, example);
    expect(Buffer.from(payload).toString('hex')).toBe(golden.hex);
    expect(read(reader, payload)).toEqual(example);
  });

  it('is of a version of its own where blocks pay miners', () => {
    const payload = write(writer, minerPaid);
    expect(Buffer.from(payload).toString('hex')).toBe(golden.minerPaid);
    expect(payload[0]).toBe(2);
    expect(read(reader, payload)).toEqual(minerPaid);
  });

  it('comes back as it was written, by one writer and one reader used again and again', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        expect(read(reader, write(writer, batch))).toEqual(batch);
      }),
    );
  });

  it('is read as by a reader that saw no other, and what is said again of a channel is one object', () => {
    const name = fc.constantFrom('', 'a', 'ab', 'ü');
    const channel = fc.record({
      channelKey: fc.constantFrom(1, 2),
      kind: fc.constantFrom(1, 2),
      identity: name,
      worker: name,
      extranoncePrefix: fc.uint8Array({ maxLength: 2, max: 1 }),
      poolPercent: fc.constantFrom(PAYS_POOL, PAYS_POOL, 0, 99),
    });
    const few = fc.array(fc.array(channel, { maxLength: 4 }), { minLength: 2, maxLength: 8 });
    const entries = new Map<string, BatchChannel>();
    let again = 0;
    fc.assert(
      fc.property(few, (tables) => {
        for (const channels of tables) {
          const payload = write(writer, { ...example, channels, targets: [], shares: [] });
          expect(read(reader, payload)).toEqual(read(new ShareBatchReader(), payload));
          for (const entry of reader.channels.filter(({ poolPercent }) => poolPercent === PAYS_POOL)) {
            const { extranoncePrefix, ...names } = entry;
            const said = JSON.stringify({ ...names, prefix: [...extranoncePrefix] });
            if (entries.has(said)) again += 1;
            else entries.set(said, entry);
            expect(entries.get(said)).toBe(entry);
          }
        }
      }),
    );
    expect(again).toBeGreaterThan(100);
  });

  it('stays as it was when the writer goes on', () => {
    const payload = write(writer, example);
    const copy = payload.slice();
    write(writer, { ...example, shares: [...example.shares].reverse() });
    expect(payload).toEqual(copy);
  });

  it('refuses what does not fit and can still be finished', () => {
    writer.start(1n, 1n);
    writer.addChannel(example.channels[0]!);
    writer.addTarget(example.targets[0]!);
    const share = { ...example.shares[1]!, channelIndex: 0 };
    let added = 0;
    while (add(writer, share)) added++;
    expect(added).toBe(Math.floor((MAX_SHARE_BATCH_BYTES - 25 - 32 - (10 + 8 + 5)) / 54));
    expect(add(writer, share)).toBe(false);
    expect(writer.addTarget(new Uint8Array(32))).toBe(-1);
    expect(writer.addChannel({ ...example.channels[0]!, worker: 'w'.repeat(100) })).toBe(-1);
    const payload = writer.finish();
    expect(payload.length).toBeLessThanOrEqual(MAX_SHARE_BATCH_BYTES);
    expect(read(reader, payload).shares.length).toBe(added);
  });

  it('is full where the entry of a channel that pays its miner does not fit any more', () => {
    const channel = { ...minerPaid.channels[2]!, worker: 'w'.repeat(1_000) };
    writer.start(1n, 1n);
    let added = 0;
    while (writer.addChannel(channel) >= 0) added += 1;
    expect(added).toBe(Math.floor((MAX_SHARE_BATCH_BYTES - 25 - 2) / (10 + 1_000 + 5 + 1 + 3)));
    expect(writer.finish().length).toBe(writer.byteLength);
  });

  it.each([example, minerPaid])('is refused at every shorter length and with a byte more, without a throw', (batch) => {
    const payload = write(writer, batch);
    const faults = (bytes: Uint8Array) => {
      if (reader.open(bytes)) while (reader.next());
      return reader.fault;
    };
    for (let length = 0; length < payload.length; length++) expect(faults(payload.subarray(0, length))).toBeDefined();
    expect(faults(Buffer.concat([payload, Buffer.alloc(1)]))).toBeDefined();
    expect(faults(payload)).toBeUndefined();
  });

  it('is read again from a mark, with the fault that it ends in', () => {
    const payload = write(writer, example);
    const read = () => {
      const numbers: number[] = [];
      while (reader.next()) numbers.push(reader.nonce, reader.extranonceOffset);
      return [numbers, reader.fault];
    };
    for (const bytes of [payload, payload.subarray(0, payload.length - 1), Buffer.concat([payload, Buffer.alloc(1)])]) {
      expect(reader.open(bytes)).toBe(true);
      expect(reader.next()).toBe(true);
      reader.mark();
      const first = read();
      reader.rewind();
      expect(reader.fault).toBeUndefined();
      expect(read()).toEqual(first);
    }
  });

  it.each([
    ['of a channel that is not there', [3, 0, 0]],
    ['out of order', [0, 0, 0]],
    ['that leaves the miner nothing', [2, 0, 100]],
  ])('is refused with an entry %s', (_, entry) => {
    const payload = write(writer, minerPaid);
    // The second entry of the section, which ends in front of the targets.
    const sharesBytes = minerPaid.shares.reduce((sum, { extranonce }) => sum + 39 + extranonce.length, 0);
    const at = payload.length - sharesBytes - 2 * 32 - 3;
    payload.set(entry, at);
    expect(reader.open(payload)).toBe(false);
  });

  it.each([example, minerPaid])(
    'never makes the reader throw nor point outside its tables, whatever the bytes are',
    (batch) => {
      const payload = write(writer, batch);
      const changes = fc.array(fc.tuple(fc.nat(payload.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
      fc.assert(
        fc.property(changes, (pairs) => {
          const bytes = payload.slice();
          for (const [at, byte] of pairs) bytes[at] = byte;
          if (!reader.open(bytes)) return;
          while (reader.next()) {
            expect(reader.channelIndex).toBeLessThan(reader.channels.length);
            expect(reader.target(reader.targetIndex).length).toBe(32);
            expect(reader.extranonceOffset + reader.extranonceLength).toBeLessThanOrEqual(bytes.length);
          }
        }),
        { numRuns: 3_000 },
      );
    },
  );
});
