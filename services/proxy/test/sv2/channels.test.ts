import { targetFromBytes, targetToBytes } from '@sluice/bitcoin/target';
import { miningClientFlags } from '@sluice/sv2/flags';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { RequestExtensionsError } from '@sluice/sv2/messages/extensions/request-extensions-error';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { UpdateChannelError } from '@sluice/sv2/messages/mining/update-channel-error';
import { afterEach, describe, expect, test } from 'vitest';
import { defaultSv2Limits } from '../../src/sv2/limits.ts';
import { EASIEST, opening, setupConnection } from './support/sv2-miner.ts';
import { TestSv2Server } from './support/test-sv2-server.ts';

const GROUP = 1;
const servers: TestSv2Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});
function start(...options: ConstructorParameters<typeof TestSv2Server>): TestSv2Server {
  const server = new TestSv2Server(...options);
  servers.push(server);
  return server;
}

describe('setting up', () => {
  test('is answered without flags of our own, and work selection is refused by its flag', async () => {
    const server = start();
    const miner = await server.connect();
    expect(await miner.setUp(miningClientFlags.REQUIRES_VERSION_ROLLING)).toEqual({ usedVersion: 2, flags: 0 });
    const other = await server.connect();
    other.send(SetupConnection, setupConnection(miningClientFlags.REQUIRES_WORK_SELECTION));
    expect(await other.expect(SetupConnectionError)).toEqual({
      ...{ flags: miningClientFlags.REQUIRES_WORK_SELECTION, errorCode: 'unsupported-feature-flags' },
    });
    await other.untilClosed();
    expect(server.counters.closed['setup-refused']).toBe(1);
  });

  test('comes first, and once', async () => {
    const server = start();
    const early = await server.connect();
    early.send(OpenStandardMiningChannel, opening);
    await early.untilClosed();
    expect(server.counters.closed['setup-not-first']).toBe(1);
    const miner = await server.miner();
    miner.send(SetupConnection, setupConnection(miningClientFlags.REQUIRES_STANDARD_JOBS));
    // Still a connection for all kinds of jobs.
    expect((await miner.openExtended()).extranonceSize).toBe(4);
    expect(server.counters.ignoredMessages).toBe(1);
  });

  test('an extension that is not known is refused', async () => {
    const miner = await start().miner();
    miner.send(RequestExtensions, { requestId: 3, requestedExtensions: [0x0999] });
    expect(await miner.expect(RequestExtensionsError)).toEqual({
      ...{ requestId: 3, unsupportedExtensions: [0x0999], requiredExtensions: [] },
    });
  });
});

describe('opening', () => {
  test('an extended channel is a place of the farm and what follows it', async () => {
    const server = start();
    const miner = await server.miner();
    const opened = await miner.openExtended();
    expect(opened).toMatchObject({ requestId: 7, channelId: 2, groupChannelId: GROUP, extranonceSize: 4 });
    expect([...opened.extranoncePrefix]).toEqual([0, 1]);
    const work = await miner.extendedWork(Buffer.concat([opened.extranoncePrefix, new Uint8Array(4)]));
    expect(work.channelId).toBe(2);
    expect([...work.prevHash]).toEqual(Array(32).fill(1));
  });

  test('a standard channel has the whole extranonce of its place', async () => {
    const server = start();
    const miner = await server.miner(miningClientFlags.REQUIRES_STANDARD_JOBS);
    const opened = await miner.openStandard();
    expect([...opened.extranoncePrefix]).toEqual([0, 1, 0, 0, 0, 0]);
    expect((await miner.standardWork()).channelId).toBe(opened.channelId);
    expect([...(await miner.openStandard()).extranoncePrefix]).toEqual([0, 2, 0, 0, 0, 0]);
    expect(server.server.channels).toBe(2);
  });

  test('the claimed hashrate decides the first target, and no target is easier than what the miner takes', async () => {
    const miner = await start().miner();
    // 6 shares a minute at 100 H/s: 1,000 hashes each, and the power of two below.
    const claimed = targetFromBytes((await miner.openStandard({ nominalHashRate: 100 })).target);
    await miner.standardWork();
    expect(claimed).toBeGreaterThan(1n << 246n);
    expect(claimed).toBeLessThan(1n << 247n);
    const maxTarget = targetToBytes(3n << 240n);
    expect((await miner.openStandard({ maxTarget })).target).toEqual(maxTarget);
  });

  const refusals = [
    ['invalid-user-identity', { userIdentity: '' }],
    ['invalid-user-identity', { userIdentity: 'farm.\u0007' }],
    ['invalid-nominal-hashrate', { nominalHashRate: Number.NaN }],
    ['max-target-out-of-range', { maxTarget: new Uint8Array(32) }],
    ['min-extranonce-size-too-large', { minExtranonceSize: 5 }],
    ['unsupported-min-extranonce-size', { minExtranonceSize: 33 }],
  ] as const;
  test.each(refusals)('is refused: %s', async (errorCode, changed) => {
    const server = start();
    const miner = await server.miner();
    miner.send(OpenExtendedMiningChannel, { ...opening, minExtranonceSize: 4, ...changed });
    expect(await miner.expect(OpenMiningChannelError)).toEqual({ requestId: 7, errorCode });
    expect(server.counters.opensRefused[errorCode]).toBe(1);
    expect([server.server.channels, server.fake.farm.miners]).toEqual([0, 0]);
  });

  test('is refused for an extended channel where standard jobs are required, and beyond the bound', async () => {
    const server = start({ channelsPerConnection: 1 });
    const miner = await server.miner(miningClientFlags.REQUIRES_STANDARD_JOBS);
    miner.send(OpenExtendedMiningChannel, { ...opening, minExtranonceSize: 4 });
    const errorCode = 'extended-channels-not-supported-for-standard-jobs';
    expect(await miner.expect(OpenMiningChannelError)).toEqual({ requestId: 7, errorCode });
    await miner.openStandard();
    await miner.standardWork();
    miner.send(OpenStandardMiningChannel, opening);
    expect((await miner.expect(OpenMiningChannelError)).errorCode).toBe('channel-capacity-exhausted');
  });
});

test('a job on the same tip begins at once, and one on another waits for its tip', async () => {
  const { fake, upstream, ...server } = start();
  expect(server.counters.channelsOpened).toBe(0);
  const one = await servers[0]!.miner();
  const standard = await one.openStandard();
  await one.standardWork();
  const other = await servers[0]!.miner();
  const extended = await other.openExtended();
  const extranonce = Buffer.concat([extended.extranoncePrefix, new Uint8Array(4)]);
  await other.extendedWork(extranonce);
  fake.farm.setWork(0, upstream.work(2, 1, { version: 0x2000_4000 }));
  expect(await one.expect(NewMiningJob)).toMatchObject({ channelId: standard.channelId, version: 0x2000_4000 });
  const active = await other.expect(NewExtendedMiningJob);
  expect(active).toMatchObject({ channelId: extended.channelId, version: 0x2000_4000 });
  expect(active.minNtime).toBeTypeOf('number');
  fake.farm.setWork(0, upstream.work(3, 9));
  expect([...(await one.standardWork()).prevHash]).toEqual(Array(32).fill(9));
  expect([...(await other.extendedWork(extranonce)).prevHash]).toEqual(Array(32).fill(9));
});

describe('UpdateChannel', () => {
  test('is confirmed, and a harder bound is told with a job within a second', async () => {
    const server = start();
    const miner = await server.miner();
    const { channelId, target } = await miner.openStandard();
    await miner.standardWork();
    miner.send(UpdateChannel, { channelId, nominalHashRate: 0, maximumTarget: EASIEST });
    expect(await miner.expect(SetTarget)).toEqual({ channelId, maximumTarget: target });
    const maximumTarget = targetToBytes(3n << 240n);
    miner.send(UpdateChannel, { channelId, nominalHashRate: 0, maximumTarget });
    while (server.counters.updates < 2) await new Promise((resolve) => setImmediate(resolve));
    server.pass(1);
    expect(await miner.expect(SetTarget)).toEqual({ channelId, maximumTarget });
    expect((await miner.expect(NewMiningJob)).minNtime).toBeTypeOf('number');
    server.pass(2);
    expect(await miner.silence()).toBe(true);
  });

  test('is refused by its code, and what holds is said', async () => {
    const miner = await start().miner();
    const { channelId, target } = await miner.openStandard();
    await miner.standardWork();
    const update = { channelId, nominalHashRate: 0, maximumTarget: EASIEST };
    for (const [errorCode, changed] of [
      ['invalid-nominal-hashrate', { nominalHashRate: -1 }],
      ['max-target-out-of-range', { maximumTarget: new Uint8Array(32) }],
    ] as const) {
      miner.send(UpdateChannel, { ...update, ...changed });
      expect(await miner.expect(UpdateChannelError)).toEqual({ channelId, errorCode });
      expect(await miner.expect(SetTarget)).toEqual({ channelId, maximumTarget: target });
    }
    miner.send(UpdateChannel, { ...update, channelId: 99 });
    expect(await miner.expect(UpdateChannelError)).toEqual({ channelId: 99, errorCode: 'invalid-channel-id' });
    expect(await miner.silence()).toBe(true);
  });
});

test('CloseChannel gives the place back, by the id of the channel or of the group', async () => {
  const server = start();
  const miner = await server.miner();
  const ids = [];
  for (let count = 0; count < 3; count += 1) {
    ids.push((await miner.openStandard()).channelId);
    await miner.standardWork();
  }
  expect(ids).toEqual([2, 3, 4]);
  miner.send(CloseChannel, { channelId: 3, reasonCode: 'done' });
  // The next answer shows that the order before it was read.
  expect((await miner.openStandard()).channelId).toBe(5);
  await miner.standardWork();
  expect(server.fake.farm.miners).toBe(3);
  miner.send(CloseChannel, { channelId: GROUP, reasonCode: '' });
  expect((await miner.openStandard()).channelId).toBe(6);
  expect(server.fake.farm.miners).toBe(1);
});

test('a connection that ends gives its places back; one without a channel ends after a while', async () => {
  const server = start();
  const miner = await server.miner();
  await miner.openStandard();
  const idle = await server.miner();
  server.pass(defaultSv2Limits.channelDeadlineMs / 1_000 + 1);
  await idle.untilClosed();
  expect(server.counters.closed['channel-timeout']).toBe(1);
  expect(server.fake.farm.miners).toBe(1);
  miner.socket.destroy();
  await expect.poll(() => server.fake.farm.miners).toBe(0);
});
