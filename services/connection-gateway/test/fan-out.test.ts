import { hashesOfTarget } from '@sluice/mining/vardiff-difficulty';
import { silentLogger } from '@sluice/runtime/logger';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { afterEach, expect, test } from 'vitest';
import { ChannelTargets } from '../src/channel-targets.ts';
import type { Connection } from '../src/connection.ts';
import { opened, TestGateway } from './support/test-gateway.ts';
import type { TestMiner } from './support/test-miner.ts';

let gateway: TestGateway;
afterEach(() => gateway.stop());

async function ready(): Promise<TestMiner> {
  const miner = await gateway.miner();
  await miner.setup();
  await miner.openExtended();
  await miner.skip(2);
  return miner;
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
  expect(order.slice(0, 4)).toEqual([3, 4, 2, 1]);
});

test('news in the middle of a pass starts it again, and everyone gets everything in order', async () => {
  gateway = await TestGateway.start();
  const miners = [];
  for (let count = 0; count < 40; count++) miners.push(await ready());
  // A look at the clock ends a slice: every sixteen connections.
  let now = 0;
  gateway.clock.monotonic = () => {
    now += 10;
    return now;
  };
  await gateway.job({ jobId: 32, future: true });
  await gateway.tip(32, gateway.prevHash(2));
  await gateway.job({ jobId: 48, future: true });
  for (const miner of miners) {
    expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ jobId: 32, minNtime: undefined });
    expect(await miner.expect(SetNewPrevHash)).toMatchObject({ jobId: 32 });
    expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ jobId: 48, minNtime: undefined });
  }
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
  let now = 0;
  gateway.clock.monotonic = () => {
    now += 10;
    return now;
  };
  const told = gateway.job({ jobId: 32, future: true });
  decide?.();
  await told;
  await miner.silence();
  // Whichever came first, the old channel hears of the job by its group once, the new one by its id or by the group.
  const jobs = miner.received.filter(({ name }) => name === NewExtendedMiningJob.name);
  const seen = jobs.map(({ value }) => `${value.channelId}:${value.jobId}`);
  expect(seen.filter((job) => job === '1:32')).toHaveLength(1);
  expect(seen.filter((job) => job === '3:16')).toHaveLength(1);
  const order = miner.received.map(({ name }) => name);
  const answer = order.indexOf(OpenExtendedMiningChannelSuccess.name);
  expect(order.slice(answer + 1, answer + 3)).toEqual([NewExtendedMiningJob.name, SetNewPrevHash.name]);
  if (seen.indexOf('1:32') < seen.indexOf('3:16')) expect(seen).toContain('3:32');
  else expect(seen).not.toContain('3:32');
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
