import { RootLanes } from '@sluice/bitcoin/root-lanes';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { MiningChannel } from '@sluice/mining/channel';
import { hashesOfTarget } from '@sluice/mining/vardiff-difficulty';
import { silentLogger } from '@sluice/runtime/logger';
import { miningClientFlags } from '@sluice/sv2/flags';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { afterEach, expect, test, vi } from 'vitest';
import { ChannelTargets } from '../src/channel-targets.ts';
import type { Connection } from '../src/connection.ts';
import { JobWriter } from '../src/job-writer.ts';
import { opened, TestGateway } from './support/test-gateway.ts';
import type { TestMiner } from './support/test-miner.ts';

let gateway: TestGateway;
afterEach(async () => {
  vi.restoreAllMocks();
  await gateway.stop();
});

async function ready(): Promise<TestMiner> {
  const miner = await gateway.miner();
  await miner.setup();
  await miner.openExtended();
  await miner.skip(2);
  return miner;
}

/** A look at the clock ends a slice: every sixteen connections. */
function endEachSlice(): void {
  let now = 0;
  gateway.clock.monotonic = () => {
    now += 10;
    return now;
  };
}

function connection(id: number): Connection {
  const found = gateway.gateway.connections.get(id);
  if (found === undefined) throw new Error(`no connection ${id}`);
  return found;
}

test('those with the most accepted work are told first', async () => {
  gateway = await TestGateway.start();
  const order: number[] = [];
  for (let id = 1; id <= 4; id++) {
    await ready();
    const { writer } = connection(id);
    const flush = writer.flush.bind(writer);
    writer.flush = () => {
      order.push(id);
      flush();
    };
  }
  connection(3).work.add(100, 0);
  connection(2).work.add(50, 0);
  connection(4).work.add(70, 0);
  gateway.gateway.fanOut.reorder();
  order.length = 0;
  await gateway.job({ jobId: 32, future: true });
  await gateway.tip(32, gateway.prevHash(2));
  expect(order.slice(0, 4)).toEqual([3, 4, 2, 1]);
});

test('a tip is with everyone before what came behind it goes out, and everyone gets everything in order', async () => {
  gateway = await TestGateway.start();
  const miners = [];
  for (let count = 0; count < 40; count++) miners.push(await ready());
  endEachSlice();
  const tips = vi.spyOn(JobWriter.prototype, 'tip');
  const jobs = vi.spyOn(JobWriter.prototype, 'extendedJob');
  await gateway.job({ jobId: 32, future: true });
  await gateway.tip(32, gateway.prevHash(2));
  await gateway.job({ jobId: 48, future: true });
  await gateway.job({ jobId: 64, future: false, prevHash: gateway.prevHash(2) });
  for (const miner of miners) {
    expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ jobId: 32, minNtime: undefined });
    expect(await miner.expect(SetNewPrevHash)).toMatchObject({ jobId: 32 });
    expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ jobId: 48, minNtime: undefined });
    expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ jobId: 64, minNtime: gateway.nowSeconds });
  }
  expect(tips).toHaveBeenCalledTimes(40);
  const behind = jobs.mock.invocationCallOrder.filter((_, call) => jobs.mock.calls[call]?.[3] !== 32);
  expect(behind).toHaveLength(80);
  expect(Math.min(...behind)).toBeGreaterThan(Math.max(...tips.mock.invocationCallOrder));
});

test('a job in the middle of a pass starts it again, and the one before is told to nobody else', async () => {
  gateway = await TestGateway.start();
  const miners = [];
  for (let count = 0; count < 40; count++) miners.push(await ready());
  endEachSlice();
  await gateway.job({ jobId: 32, future: false });
  await gateway.job({ jobId: 48, future: false });
  const told = [];
  for (const miner of miners) {
    let { jobId } = await miner.expect(NewExtendedMiningJob);
    if (jobId === 32) {
      told.push(miner);
      jobId = (await miner.expect(NewExtendedMiningJob)).jobId;
    }
    expect(jobId).toBe(48);
  }
  expect(told).toEqual(miners.slice(0, told.length));
  expect(told.length).toBeGreaterThan(0);
  expect(told.length).toBeLessThan(40);
});

test('a job for the next height waits for the full one of its tip, and leaves with it', async () => {
  gateway = await TestGateway.start();
  const miner = await ready();
  const { writer } = connection(1);
  const before = writer.bytesWritten;
  await gateway.job({ jobId: 32, future: true });
  expect(writer.bytesWritten).toBe(before);
  await gateway.job({ jobId: 48, future: false });
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ jobId: 32, minNtime: undefined });
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ jobId: 48, minNtime: gateway.nowSeconds });
  // With no full job it goes by itself.
  await gateway.job({ jobId: 64, future: true });
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ jobId: 64, minNtime: undefined });
});

test('each standard channel is told the root of its own extranonce', async () => {
  gateway = await TestGateway.start({ levels: 12 });
  const miners = [];
  for (let count = 0; count < 9; count++) {
    const miner = await gateway.miner();
    await miner.setup(miningClientFlags.REQUIRES_STANDARD_JOBS);
    await miner.openStandard();
    await miner.skip(2);
    miners.push(miner);
  }
  const run = vi.spyOn(RootLanes.prototype, 'run');
  const written = vi.spyOn(JobWriter.prototype, 'standardJob');
  await gateway.job({ jobId: 32, future: false });
  // Two fours; the last one is alone.
  expect(run).toHaveBeenCalledTimes(2);
  const [job] = written.mock.calls.map((call) => call[2]);
  if (job === undefined) throw new Error('no job was written');
  for (const [index, miner] of miners.entries()) {
    const [channel] = connection(index + 1).channels;
    const { merkleRoot } = await miner.expect(NewMiningJob);
    if (channel === undefined) throw new Error('no channel');
    const { extranoncePrefix, mining } = channel;
    const reference = new MiningChannel({ kind: 'standard', extranoncePrefix, target: mining.target });
    expect(merkleRoot).toEqual(reference.rootOf(job, nobleSha256d));
  }
});

test('of connections with many standard channels few are hashed for before the first is told', async () => {
  gateway = await TestGateway.start();
  for (let count = 0; count < 4; count++) {
    const miner = await gateway.miner();
    await miner.setup(miningClientFlags.REQUIRES_STANDARD_JOBS);
    for (let channels = 0; channels < 20; channels++) {
      await miner.openStandard();
      await miner.skip(2);
    }
  }
  const run = vi.spyOn(RootLanes.prototype, 'run');
  const written = vi.spyOn(JobWriter.prototype, 'standardJob');
  await gateway.job({ jobId: 32, future: false });
  expect(written).toHaveBeenCalledTimes(80);
  const [first = 0] = written.mock.invocationCallOrder;
  // Sixteen channels.
  expect(run.mock.invocationCallOrder.filter((order) => order < first)).toHaveLength(4);
  expect(run).toHaveBeenCalledTimes(20);
});

test('a channel that opens during a pass is brought to the same state once', async () => {
  gateway = await TestGateway.start();
  for (let count = 0; count < 40; count++) await ready();
  const miner = await ready();
  let decide: (() => void) | undefined;
  gateway.onOpen = (request) =>
    new Promise((resolve) => {
      decide = () => resolve(opened(request));
    });
  miner.send(OpenExtendedMiningChannel, { minExtranonceSize: 4, ...miner.openMessage({}) });
  await miner.silence();
  endEachSlice();
  const told = gateway.job({ jobId: 32, future: false });
  decide?.();
  await told;
  await miner.silence();
  // Whichever came first, the old channel hears of the job by its group once, and the new one begins with what is current then.
  const jobs = miner.received.filter(({ name }) => name === NewExtendedMiningJob.name);
  const seen = jobs.map(({ value }) => `${value.channelId}:${value.jobId}`);
  expect(seen.filter((job) => job === '1:32')).toHaveLength(1);
  const first = seen.findIndex((job) => job.startsWith('3:'));
  expect(seen.filter((job) => job.startsWith('3:'))).toEqual([seen.indexOf('1:32') < first ? '3:32' : '3:16']);
  const order = miner.received.map(({ name }) => name);
  const answer = order.indexOf(OpenExtendedMiningChannelSuccess.name);
  expect(order.slice(answer + 1, answer + 3)).toEqual([NewExtendedMiningJob.name, SetNewPrevHash.name]);
});

test('channels that open together, with nothing that was not told, have it in one write', async () => {
  gateway = await TestGateway.start();
  const miner = await ready();
  const { writer } = connection(1);
  let flushes = 0;
  const flush = writer.flush.bind(writer);
  writer.flush = () => {
    flushes += 1;
    flush();
  };
  for (let channel = 0; channel < 5; channel++)
    miner.send(OpenExtendedMiningChannel, { minExtranonceSize: 4, ...miner.openMessage({}) });
  // An answer, a job and a tip for each.
  await miner.skip(15);
  expect(flushes).toBe(1);
});

test('an easier target comes with the same work under a fresh id and time, and holds at once', async () => {
  gateway = await TestGateway.start();
  const hard = 1n << 16n;
  gateway.onOpen = (request) => opened(request, hard);
  const miner = await ready();
  const [channel] = connection(1).channels;
  if (channel === undefined) throw new Error('no channel');
  const targets = new ChannelTargets({
    fanOut: gateway.gateway.fanOut,
    lanes: { flush: () => undefined },
    counters: gateway.counters,
    log: silentLogger(),
  });

  gateway.clock.advance(5_000);
  targets.apply(channel, 1);
  const { maximumTarget } = await miner.expect(SetTarget);
  expect(maximumTarget).toEqual(new Uint8Array(32).fill(0xff));
  const again = await miner.expect(NewExtendedMiningJob);
  expect(again).toMatchObject({ channelId: 2, jobId: 17, minNtime: gateway.nowSeconds + 1 });
  miner.send(SubmitSharesExtended, {
    channelId: 2,
    sequenceNumber: 1,
    jobId: 17,
    nonce: 1,
    ntime: gateway.nowSeconds,
    version: 0x20000000,
    extranonce: new Uint8Array(13),
  });
  await miner.expect(SubmitSharesSuccess);

  targets.apply(channel, hashesOfTarget(hard));
  await miner.expect(SetTarget);
  expect(await miner.silence()).toBe(true);
  expect(channel.mining.activeTarget.bytes).toEqual(maximumTarget);
});
