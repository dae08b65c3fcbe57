import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../test/support/bus-contract.ts';
import type { Bus } from '../src/bus.ts';
import { type FeedReader, openFeed } from '../src/feed.ts';
import { createInProcessBus } from '../src/in-process/in-process-bus.ts';
import { JobRecord, type NewJob } from '../src/payloads/job-record.ts';

let bus: Bus;
let readers: FeedReader[];

beforeEach(async () => {
  bus = await createInProcessBus();
  readers = [];
});
afterEach(async () => {
  for (const reader of readers) await reader.close();
  await bus.close();
});

function job(feed: number, epoch = 1, jobId = feed, replayFrom = 1): NewJob {
  return {
    kind: 'newJob',
    epoch: BigInt(epoch),
    feed: BigInt(feed),
    replayFrom: BigInt(replayFrom),
    jobId,
    provider: '',
    templateId: 0n,
    future: true,
    height: 100,
    version: 0x2000_0000,
    prevHash: new Uint8Array(32),
    nbits: 0x207f_ffff,
    minNtime: 1,
    merklePath: [],
    coinbasePrefix: Uint8Array.of(1),
    coinbaseSuffix: Uint8Array.of(2),
    createdAtMicros: 0n,
  };
}

const store = (record: JobRecord) => bus.append('JOBS', 'jobs', JobRecord.encode(record));

async function open(): Promise<{
  seen: [feed: number, epoch: number, jobId: number][];
  reader: FeedReader;
  errors: unknown[];
}> {
  const seen: [number, number, number][] = [];
  const errors: unknown[] = [];
  const reader = await openFeed(
    bus,
    (record) => seen.push([Number(record.feed), Number(record.epoch), record.jobId]),
    (error) => errors.push(error),
  );
  readers.push(reader);
  return { seen, reader, errors };
}

describe('feed reader', () => {
  it('delivers what is current, then what comes, each once', async () => {
    for (let feed = 1; feed <= 5; feed++) await store(job(feed, 1, feed, feed < 4 ? 1 : 3));
    const { seen, reader } = await open();
    expect(seen.map(([feed]) => feed)).toEqual([3, 4, 5]);
    await store(job(6));
    await store(job(7));
    await until(() => seen.length === 5);
    await sleep(20);
    expect(seen.map(([feed]) => feed)).toEqual([3, 4, 5, 6, 7]);
    expect([reader.position, reader.epoch]).toEqual([7, 1n]);
  });

  it('delivers a live record before the stream has it', async () => {
    await store(job(1));
    const { seen } = await open();
    bus.publish('jobs', JobRecord.encode(job(2)));
    await until(() => seen.length === 2);
    await store(job(2));
    await sleep(20);
    expect(seen.map(([feed]) => feed)).toEqual([1, 2]);
  });

  it('waits for the stream where live delivery left a gap', async () => {
    await store(job(1));
    const { seen } = await open();
    bus.publish('jobs', JobRecord.encode(job(3)));
    await sleep(20);
    expect(seen.length).toBe(1);
    await store(job(2));
    await store(job(3));
    await until(() => seen.length === 3);
    expect(seen.map(([feed]) => feed)).toEqual([1, 2, 3]);
  });

  it('drops the late record of a leader that was deposed', async () => {
    await store(job(1, 1));
    const { seen } = await open();
    await store(job(2, 2));
    await until(() => seen.length === 2);
    bus.publish('jobs', JobRecord.encode(job(3, 1, 99)));
    await store(job(3, 2));
    await until(() => seen.length === 3);
    await sleep(20);
    expect(seen).toEqual([
      [1, 1, 1],
      [2, 2, 2],
      [3, 2, 3],
    ]);
  });

  it('replaces a live record that the stream has refused', async () => {
    await store(job(1, 1));
    const { seen, reader } = await open();
    bus.publish('jobs', JobRecord.encode(job(2, 1, 77)));
    bus.publish('jobs', JobRecord.encode(job(3, 1, 78)));
    await until(() => seen.length === 3);
    await store(job(2, 2, 2));
    await until(() => seen.length === 4);
    expect(seen.at(-1)).toEqual([2, 2, 2]);
    expect(reader.position).toBe(2);
    await store(job(3, 2, 3));
    await until(() => seen.length === 5);
    expect(seen.at(-1)).toEqual([3, 2, 3]);
  });

  it('begins again when the stream was lost and a new leader starts another', async () => {
    for (let feed = 1; feed <= 5; feed++) await store(job(feed));
    const { seen, reader } = await open();
    const lost = bus;
    bus = await createInProcessBus();
    // The reader's own bus answers from the new stream, as a server does that came back without its disk.
    for (const key of ['last', 'consume'] as const) {
      Object.defineProperty(lost, key, { value: bus[key].bind(bus) });
    }
    await store(job(1, 2, 80));
    await store(job(2, 2, 96));
    lost.publish('jobs', JobRecord.encode(job(2, 2, 96)));
    await until(() => seen.length === 7);
    expect(seen.slice(5)).toEqual([
      [1, 2, 80],
      [2, 2, 96],
    ]);
    expect(reader.position).toBe(2);
    await reader.close();
    readers = [];
    await lost.close();
  });

  it('steps over a record that cannot be read, and says so', async () => {
    await store(job(1));
    const { seen, errors } = await open();
    await bus.append('JOBS', 'jobs', Uint8Array.of(1, 2, 3));
    await store(job(3));
    await until(() => seen.length === 2);
    expect(seen.map(([feed]) => feed)).toEqual([1, 3]);
    expect(errors.length).toBeGreaterThan(0);
  });
});
