// Leaders that follow each other, some of whom reach those who listen live and never the stream.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '@sluice/bus/bus';
import { BusError } from '@sluice/bus/errors';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ChainView } from '../src/chain-view.ts';
import { FeedWriter, type LastJob } from '../src/feed-writer.ts';
import { nextRecord } from '../src/next-record.ts';
import { newsOf, root, templateOn } from './block-tree.ts';

const NOW_MS = 1_600_000_000_000;
const NOBODY: LastJob = { jobId: 0, epoch: 0n };

let bus: Bus;
/** Ids of the jobs that were told, stored or not. */
let told: number[];

beforeEach(async () => {
  bus = await createInProcessBus();
  told = [];
});

afterEach(() => bus.close());

/** Leads with `epoch` for one record, a job; `lost`: the lease runs out before the stream has taken it. */
async function lead(epoch: bigint, fate: 'stored' | 'lost', known = NOBODY): Promise<LastJob> {
  let isHeld = true;
  const append: Bus['append'] = (stream, subject, payload, options) => {
    const record = JobRecord.decode(payload);
    told.push(record.jobId);
    if (fate === 'stored') return bus.append(stream, subject, payload, options);
    isHeld = false;
    throw new BusError('bus-timeout', 'no answer');
  };
  const over = { append, last: bus.last.bind(bus), read: bus.read.bind(bus), state: bus.state.bind(bus) } as Bus;
  const lease = { epoch, isHeld: () => isHeld, lost: Promise.resolve(), release: async () => undefined };
  const writer = await FeedWriter.open(lease, known, {
    bus: over,
    sleep: async () => sleep(0),
    onRetry: () => undefined,
  });
  const view = new ChainView();
  view.onTip(newsOf(root));
  view.onTemplate(templateOn(root), 1n);
  const policy = {
    network: 'regtest',
    payouts: [{ script: Uint8Array.of(0x51), weight: 1 }],
    tag: new Uint8Array(),
    refreshMs: 30_000,
    feeRise: 5,
  } as const;
  const now = { ms: NOW_MS, monotonicMs: NOW_MS, headerSeconds: NOW_MS / 1000 };
  const next = nextRecord(view, writer.state, { value: undefined, atMs: NOW_MS }, policy, now);
  if (next?.draft.kind !== 'newJob') throw new Error('a leader begins with a job');
  expect(await writer.write(next.draft)).toBe(fate);
  return { jobId: writer.state.lastJobId, epoch };
}

it('no id is told twice, however many leaders in a row store nothing', async () => {
  await lead(3n, 'stored');
  // Of epochs that a remainder of 256, 16 or two would take for the same, or for earlier ones.
  for (const epoch of [4n, 6n, 7n, 255n, 256n, 260n, 512n, 513n]) await lead(epoch, 'lost');
  await lead(1_025n, 'stored');
  await lead(1_026n, 'lost');
  await lead(1_027n, 'lost');
  expect(told.length).toBe(12);
  expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
});

it('nor where the stream was lost, by those who know of the last job', async () => {
  const known = await lead(3n, 'stored');
  await bus.close();
  bus = await createInProcessBus();
  // The numbers of its leases begin again.
  await lead(1n, 'lost', known);
  expect(told[1]).toBeGreaterThan(told[0] ?? 0);
});
