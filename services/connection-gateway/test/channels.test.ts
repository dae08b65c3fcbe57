import { MAX_TARGET } from '@sluice/bitcoin/target';
import { miningClientFlags } from '@sluice/sv2/flags';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { afterEach, expect, test } from 'vitest';
import { GROUP_CHANNEL_ID } from '../src/channels.ts';
import { TestGateway } from './support/test-gateway.ts';

let gateway: TestGateway;
afterEach(() => gateway.stop());

test('an extended channel is opened with its answer first, then the current work', async () => {
  gateway = await TestGateway.start();
  await gateway.job({ jobId: 32, future: true });
  const miner = await gateway.miner();
  expect(await miner.setup()).toEqual({ usedVersion: 2, flags: 0 });

  const opened = await miner.openExtended();
  expect(opened).toMatchObject({ requestId: 1, channelId: 2, groupChannelId: 1, extranonceSize: 13 });
  expect(opened.extranoncePrefix).toEqual(Uint8Array.of(0, 0, 0, 7, 0, 0, 0));
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId: 2, jobId: 16, minNtime: undefined });
  expect(await miner.expect(SetNewPrevHash)).toMatchObject({ channelId: 2, jobId: 16, prevHash: gateway.prevHash(1) });
  // The next height's job goes to the group, where the next tip will look for it.
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId: GROUP_CHANNEL_ID, jobId: 32 });
  expect(await miner.silence()).toBe(true);

  const second = await miner.openExtended();
  expect(second.channelId).toBe(3);
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId: 3, jobId: 16 });
  expect(await miner.expect(SetNewPrevHash)).toMatchObject({ channelId: 3, jobId: 16 });
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId: 3, jobId: 32 });
});

test('members of a group are told of new work once, by the group', async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  await miner.setup();
  await miner.openExtended();
  await miner.skip(2);
  await miner.openStandard();
  await miner.skip(2);

  await gateway.job({ jobId: 32, future: true });
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId: 1, jobId: 32, minNtime: undefined });
  await gateway.tip(32, gateway.prevHash(2));
  expect(await miner.expect(SetNewPrevHash)).toMatchObject({ channelId: 1, jobId: 32, prevHash: gateway.prevHash(2) });
  await gateway.job({ jobId: 48, future: false, prevHash: gateway.prevHash(2) });
  const active = await miner.expect(NewExtendedMiningJob);
  expect(active).toMatchObject({ channelId: 1, jobId: 48, minNtime: gateway.nowSeconds });
  expect(await miner.silence()).toBe(true);
});

test('a device that takes standard jobs only is told each one on its channel', async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  await miner.setup(miningClientFlags.REQUIRES_STANDARD_JOBS);
  const { channelId, extranoncePrefix } = await miner.openStandard();
  expect(extranoncePrefix).toHaveLength(20);
  const first = await miner.expect(NewMiningJob);
  expect(first).toMatchObject({ channelId, jobId: 16, minNtime: undefined });
  expect(await miner.expect(SetNewPrevHash)).toMatchObject({ channelId, jobId: 16 });

  await gateway.job({ jobId: 32, future: true });
  const next = await miner.expect(NewMiningJob);
  expect(next).toMatchObject({ channelId, jobId: 32, minNtime: undefined });
  expect(next.merkleRoot).not.toEqual(first.merkleRoot);
  await gateway.tip(32, gateway.prevHash(2));
  expect(await miner.expect(SetNewPrevHash)).toMatchObject({ channelId, jobId: 32 });
});

test("a group's id closes all of its members, also where each has jobs of its own", async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  await miner.setup(miningClientFlags.REQUIRES_STANDARD_JOBS);
  const { groupChannelId } = await miner.openStandard();
  await miner.skip(2);
  await miner.openStandard();
  await expect.poll(() => gateway.gateway.channels).toBe(2);
  miner.send(CloseChannel, { channelId: groupChannelId, reasonCode: '' });
  await expect.poll(() => gateway.gateway.channels).toBe(0);
});

test('a client that brings its own jobs is accepted and told no work', async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  const flags = miningClientFlags.REQUIRES_WORK_SELECTION | miningClientFlags.REQUIRES_VERSION_ROLLING;
  expect(await miner.setup(flags)).toEqual({ usedVersion: 2, flags: 2 });
  await miner.openExtended();
  await gateway.job({ jobId: 32, future: true });
  // Nor is its difficulty lowered because it sends no share.
  gateway.clock.advance(600_000);
  gateway.gateway.tick();
  expect(await miner.silence()).toBe(true);
});

test('the same tip told again makes nobody stale', async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  await miner.setup();
  await miner.openExtended();
  await miner.skip(2);
  await gateway.job({ jobId: 32, future: true });
  await miner.expect(NewExtendedMiningJob);
  await gateway.tip(32, gateway.prevHash(1));
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ jobId: 32, minNtime: gateway.nowSeconds });
  expect(gateway.opens[0]).toMatchObject({ identity: 'account.rig', maxTarget: MAX_TARGET });
});
