// Jobs for all channels of a connection at a time.
import { targetFromBytes } from '@sluice/bitcoin/target';
import { shareTarget } from '@sluice/mining/share-target';
import { miningClientFlags } from '@sluice/sv2/flags';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { afterEach, expect, test } from 'vitest';
import type { Sv2Miner } from './support/sv2-miner.ts';
import { TestSv2Server } from './support/test-sv2-server.ts';

const GROUP = 1;
const ROLLED = Uint8Array.of(9, 8, 7, 6);
let server: TestSv2Server;
afterEach(() => server.stop());

/** The ids of so many channels that have their first work. */
async function open(miner: Sv2Miner, kind: 'standard' | 'extended', count: number): Promise<readonly number[]> {
  const ids: number[] = [];
  while (ids.length < count) {
    const { channelId } = kind === 'standard' ? await miner.openStandard() : await miner.openExtended();
    await miner.skip(2);
    ids.push(channelId);
  }
  return ids;
}

test('a hundred channels on one connection are told of a new tip, and of a job on it, by one message each', async () => {
  server = new TestSv2Server();
  const { fake, upstream, counters } = server;
  const miner = await server.miner();
  await open(miner, 'extended', 60);
  await open(miner, 'standard', 40);
  const before = counters.jobFrames;
  fake.farm.setWork(0, upstream.work(2, 2));
  const job = await miner.expect(NewExtendedMiningJob);
  expect([job.channelId, job.minNtime]).toEqual([GROUP, undefined]);
  const tip = await miner.expect(SetNewPrevHash);
  expect(tip).toMatchObject({ channelId: GROUP, jobId: job.jobId, prevHash: new Uint8Array(32).fill(2) });
  fake.farm.setWork(0, upstream.work(3, 2, { version: 0x2000_4000 }));
  const next = await miner.expect(NewExtendedMiningJob);
  expect([next.channelId, next.minNtime]).toEqual([GROUP, expect.any(Number)]);
  expect(await miner.silence()).toBe(true);
  expect(counters.jobFrames - before).toBe(3);
  expect(fake.counters.jobs).toBe(3);
});

test('shares of both kinds of channel for a job of the group are good', async () => {
  server = new TestSv2Server();
  const miner = await server.miner();
  const standard = await miner.openStandard();
  await miner.skip(2);
  const extended = await miner.openExtended();
  await miner.skip(2);
  for (const { channelId, extranoncePrefix, target } of [standard, extended]) {
    server.fake.farm.setWork(0, server.upstream.work(channelId, channelId));
    const isStandard = channelId === standard.channelId;
    const work = await miner.extendedWork(Buffer.concat([extranoncePrefix, isStandard ? [] : ROLLED].map(Buffer.from)));
    expect(work.channelId).toBe(GROUP);
    const { jobId, ntime, version } = work;
    const { nonce } = miner.find(work, 'kept', targetFromBytes(target));
    const share = { channelId, sequenceNumber: 1, jobId, nonce, ntime, version };
    if (isStandard) miner.send(SubmitSharesStandard, share);
    else miner.send(SubmitSharesExtended, { ...share, extranonce: ROLLED });
    expect(await miner.expect(SubmitSharesSuccess)).toMatchObject({ channelId, newSubmitsAcceptedCount: 1 });
  }
});

test('a device that takes standard jobs only has one for each of its channels, and no group to close', async () => {
  server = new TestSv2Server();
  const miner = await server.miner(miningClientFlags.REQUIRES_STANDARD_JOBS);
  const ids = await open(miner, 'standard', 3);
  miner.send(CloseChannel, { channelId: GROUP, reasonCode: '' });
  await expect.poll(() => server.counters.ignoredMessages).toBe(1);
  server.fake.farm.setWork(0, server.upstream.work(2, 2));
  for (const channelId of ids) {
    expect(await miner.expect(NewMiningJob)).toMatchObject({ channelId, minNtime: undefined });
    expect(await miner.expect(SetNewPrevHash)).toMatchObject({ channelId });
  }
});

test('a channel alone on its connection has its own jobs, also when the others are gone', async () => {
  server = new TestSv2Server();
  const miner = await server.miner();
  const [first, second] = await open(miner, 'extended', 2);
  server.fake.farm.setWork(0, server.upstream.work(2, 2));
  expect((await miner.expect(NewExtendedMiningJob)).channelId).toBe(GROUP);
  await miner.skip(1);
  miner.send(CloseChannel, { channelId: first!, reasonCode: '' });
  await expect.poll(() => server.server.channels).toBe(1);
  server.fake.farm.setWork(0, server.upstream.work(3, 3));
  expect((await miner.expect(NewExtendedMiningJob)).channelId).toBe(second);
  expect((await miner.expect(SetNewPrevHash)).channelId).toBe(second);
});

test('a job for some of them is one for each of those, and the next for all is one again', async () => {
  server = new TestSv2Server();
  const miner = await server.miner();
  const ids = await open(miner, 'extended', 3);
  const maximumTarget = shareTarget(3n << 240n).bytes;
  for (const channelId of ids.slice(1)) miner.send(UpdateChannel, { channelId, nominalHashRate: 0, maximumTarget });
  await expect.poll(() => server.counters.updates).toBe(2);
  server.pass(1);
  for (const channelId of ids.slice(1)) expect(await miner.expect(SetTarget)).toEqual({ channelId, maximumTarget });
  for (const channelId of ids.slice(1))
    expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId, minNtime: expect.any(Number) });
  server.fake.farm.setWork(0, server.upstream.work(2, 1));
  expect((await miner.expect(NewExtendedMiningJob)).channelId).toBe(GROUP);
  expect(await miner.silence()).toBe(true);
});

test('a target that holds for the job after does not overtake the one before it', async () => {
  server = new TestSv2Server();
  const miner = await server.miner();
  const [channelId] = await open(miner, 'extended', 2);
  const [connection] = server.server.connections.values();
  const channel = connection!.channels.get(channelId!)!;
  const work = server.fake.farm.all()[Symbol.iterator]().next().value!.work!;
  const [early, late] = [
    work.again(1_000, work.upstream, work.upstream.minNtime),
    work.again(1_001, work.upstream, work.upstream.minNtime),
  ];
  const target = shareTarget(3n << 240n);
  channel.onJob(early, false);
  channel.onTarget(target);
  channel.onJob(late, false);
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId, jobId: 1_000 });
  expect(await miner.expect(SetTarget)).toEqual({ channelId, maximumTarget: target.bytes });
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId, jobId: 1_001 });
});

test('who leaves before a job is written is not told, and the others are', async () => {
  server = new TestSv2Server();
  const miner = await server.miner();
  const ids = await open(miner, 'extended', 3);
  const [connection] = server.server.connections.values();
  const [first, second] = ids.map((id) => connection!.channels.get(id)!);
  const work = server.fake.farm.all()[Symbol.iterator]().next().value!.work!;
  const job = work.again(1_000, work.upstream, work.upstream.minNtime);
  for (const channel of [first!, second!]) channel.onJob(job, false);
  first!.close();
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId: ids[1], jobId: 1_000 });
  expect(await miner.silence()).toBe(true);
});
