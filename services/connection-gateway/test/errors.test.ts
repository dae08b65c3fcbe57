// Every error code that the gateway sends, provoked.
import { MAX_TARGET, targetFromBytes, targetToBytes } from '@sluice/bitcoin/target';
import { codesNotSent, type ErrorMessageName, errorCodes } from '@sluice/sv2/error-codes';
import { miningClientFlags } from '@sluice/sv2/flags';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { RequestExtensionsError } from '@sluice/sv2/messages/extensions/request-extensions-error';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SetCustomMiningJob } from '@sluice/sv2/messages/mining/set-custom-mining-job';
import { SetCustomMiningJobError } from '@sluice/sv2/messages/mining/set-custom-mining-job-error';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { UpdateChannelError } from '@sluice/sv2/messages/mining/update-channel-error';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { createFaultyBus } from './support/faulty-bus.ts';
import { opened, TestGateway, type TestGatewayOptions } from './support/test-gateway.ts';
import { setupConnection, type TestMiner } from './support/test-miner.ts';

let gateway: TestGateway;
afterEach(() => gateway.stop());

const VERSION = 0x20000000;
/** `message/code`. */
const provoked = new Set<string>();
const note = (message: ErrorMessageName, code: string) => provoked.add(`${message}/${code}`);

async function ready(options: TestGatewayOptions = {}, flags = 0): Promise<TestMiner> {
  gateway = await TestGateway.start(options);
  const miner = await gateway.miner();
  await miner.setup(flags);
  return miner;
}

describe('SetupConnection.Error', () => {
  test.each([
    ['unsupported-protocol', { protocol: 1 }, 0],
    ['protocol-version-mismatch', { minVersion: 3, maxVersion: 4 }, 0],
    ['protocol-version-mismatch', { minVersion: 1, maxVersion: 1 }, 0],
    ['unsupported-feature-flags', { flags: 0b1_1010 }, 0b1_1000],
  ] as const)('%s', async (errorCode, overrides, flags) => {
    gateway = await TestGateway.start();
    const miner = await gateway.miner();
    miner.send(SetupConnection, setupConnection(0, overrides));
    expect(await miner.expect(SetupConnectionError)).toEqual({ errorCode, flags });
    await miner.untilClosed();
    expect(gateway.counters.closed['setup-refused']).toBe(1);
    note('SetupConnection.Error', errorCode);
  });
});

test('RequestExtensions.Error names what is not supported, and the connection goes on', async () => {
  const miner = await ready();
  miner.send(RequestExtensions, { requestId: 9, requestedExtensions: [3, 4] });
  expect(await miner.expect(RequestExtensionsError)).toEqual({
    requestId: 9,
    unsupportedExtensions: [3, 4],
    requiredExtensions: [],
  });
  await miner.openExtended();
});

describe('OpenMiningChannel.Error', () => {
  async function refused(miner: TestMiner, errorCode: string): Promise<void> {
    expect((await miner.expect(OpenMiningChannelError)).errorCode).toBe(errorCode);
    note('OpenMiningChannel.Error', errorCode);
  }
  const extended = (miner: TestMiner, overrides: Partial<OpenExtendedMiningChannel>) =>
    miner.send(OpenExtendedMiningChannel, { minExtranonceSize: 4, ...miner.openMessage(overrides) });

  test('standard-channels-not-supported-for-custom-work', async () => {
    const miner = await ready({}, miningClientFlags.REQUIRES_WORK_SELECTION);
    miner.send(OpenStandardMiningChannel, miner.openMessage({}));
    await refused(miner, 'standard-channels-not-supported-for-custom-work');
  });

  test('extended-channels-not-supported-for-standard-jobs', async () => {
    const miner = await ready({}, miningClientFlags.REQUIRES_STANDARD_JOBS);
    extended(miner, {});
    await refused(miner, 'extended-channels-not-supported-for-standard-jobs');
  });

  test.each([
    ['unsupported-min-extranonce-size', { minExtranonceSize: 33 }],
    ['min-extranonce-size-too-large', { minExtranonceSize: 14 }],
    ['invalid-user-identity', { userIdentity: '' }],
    ['invalid-user-identity', { userIdentity: 'a\u0000b' }],
    ['invalid-user-identity', { userIdentity: 'not UTF-8: \udcff' }],
    ['invalid-nominal-hashrate', { nominalHashRate: Number.NaN }],
    ['invalid-nominal-hashrate', { nominalHashRate: Number.POSITIVE_INFINITY }],
    ['invalid-nominal-hashrate', { nominalHashRate: -0 }],
    ['max-target-out-of-range', { maxTarget: new Uint8Array(32) }],
  ])('%s %o', async (errorCode, overrides) => {
    const miner = await ready();
    extended(miner, overrides);
    await refused(miner, errorCode);
    expect(gateway.opens).toEqual([]);
  });

  test('unknown-user, as the channel-manager says', async () => {
    const miner = await ready();
    gateway.onOpen = () => ({ kind: 'refused', errorCode: 'unknown-user' });
    extended(miner, {});
    await refused(miner, 'unknown-user');
  });

  test('channel-capacity-exhausted, also while the requests before are undecided', async () => {
    const miner = await ready({ limits: { channelsPerConnection: 2 } });
    const decided = Promise.withResolvers<void>();
    gateway.onOpen = (request) => decided.promise.then(() => opened(request));
    for (let count = 0; count < 3; count++) extended(miner, {});
    await refused(miner, 'channel-capacity-exhausted');
    expect([gateway.gateway.channels, gateway.gateway.pendingOpens]).toEqual([0, 2]);
    decided.resolve();
    await expect.poll(() => [gateway.gateway.channels, gateway.gateway.pendingOpens]).toEqual([2, 0]);
  });

  test('pool-unavailable when nobody decides', async () => {
    const miner = await ready();
    gateway.onOpen = () => Promise.reject(new Error('down'));
    extended(miner, {});
    await refused(miner, 'pool-unavailable');
    expect(gateway.gateway.connections.size).toBe(1);
  });
});

describe('UpdateChannel.Error', () => {
  const update = { channelId: 2, nominalHashRate: 5e12, maximumTarget: targetToBytes(MAX_TARGET) };

  test('invalid-channel-id', async () => {
    const miner = await ready();
    miner.send(UpdateChannel, { ...update, channelId: 9 });
    expect(await miner.expect(UpdateChannelError)).toEqual({ channelId: 9, errorCode: 'invalid-channel-id' });
    note('UpdateChannel.Error', 'invalid-channel-id');
  });

  test.each([
    ['invalid-nominal-hashrate', { nominalHashRate: -1 }],
    ['max-target-out-of-range', { maximumTarget: new Uint8Array(32) }],
  ])('%s, followed by the target in force', async (errorCode, overrides) => {
    const miner = await ready();
    const { target } = await miner.openExtended();
    await miner.skip(2);
    miner.send(UpdateChannel, { ...update, ...overrides });
    expect(await miner.expect(UpdateChannelError)).toEqual({ channelId: 2, errorCode });
    expect(await miner.expect(SetTarget)).toEqual({ channelId: 2, maximumTarget: target });
    note('UpdateChannel.Error', errorCode);
  });

  test('the channel-manager refuses, and SetTarget still follows', async () => {
    const miner = await ready();
    await miner.openExtended();
    await miner.skip(2);
    const policy = { minTarget: 1n, maxTarget: MAX_TARGET, sharesPerMinute: 6 };
    gateway.onUpdate = () => ({ ...policy, errorCode: 'max-target-out-of-range' });
    miner.send(UpdateChannel, update);
    expect(await miner.expect(UpdateChannelError)).toMatchObject({ errorCode: 'max-target-out-of-range' });
    await miner.expect(SetTarget);
  });

  test('one update of a channel is asked about at a time, and of those that come meanwhile the newest counts', async () => {
    const miner = await ready();
    await miner.openExtended();
    await miner.skip(2);
    const { promise: managerAnswers, resolve: answer } = Promise.withResolvers<void>();
    gateway.onUpdate = async () => {
      await managerAnswers;
      return { errorCode: '', minTarget: 1n, maxTarget: MAX_TARGET, sharesPerMinute: 6 };
    };
    for (let hashrate = 1; hashrate <= 50; hashrate++)
      miner.send(UpdateChannel, { ...update, nominalHashRate: hashrate });
    await expect.poll(() => gateway.counters.updates).toBe(50);
    answer();
    await miner.expect(SetTarget);
    await miner.expect(SetTarget);
    expect(await miner.silence()).toBe(true);
    expect(gateway.updates.map(({ nominalHashrate }) => nominalHashrate)).toEqual([1, 50]);
  });

  test('an accepted update is answered by SetTarget alone, never easier than was asked', async () => {
    const miner = await ready();
    await miner.openExtended();
    await miner.skip(2);
    const asked = targetToBytes(1n << 200n);
    miner.send(UpdateChannel, { ...update, maximumTarget: asked });
    const { maximumTarget } = await miner.expect(SetTarget);
    expect(Buffer.from(maximumTarget).reverse().compare(Buffer.from(asked).reverse())).toBeLessThanOrEqual(0);
    expect(gateway.updates).toMatchObject([{ connectionId: 1, channelId: 2, maxTarget: 1n << 200n }]);
    // By less than a difficulty tells.
    miner.send(UpdateChannel, { ...update, maximumTarget: targetToBytes(targetFromBytes(maximumTarget) - 1n) });
    const { maximumTarget: harder } = await miner.expect(SetTarget);
    expect(targetFromBytes(harder)).toBeLessThan(targetFromBytes(maximumTarget));
  });

  test('a maximum that is harder than the hardest target is refused without the channel-manager, too', async () => {
    const miner = await ready();
    gateway.onOpen = (wanted) => ({ ...opened(wanted), minTarget: 1n << 174n });
    const { target } = await miner.openExtended();
    await miner.skip(2);
    gateway.onUpdate = () => {
      gateway.clock.advance(60_000);
      throw new Error('away');
    };
    miner.send(UpdateChannel, { ...update, maximumTarget: targetToBytes((1n << 150n) - 1n) });
    expect(await miner.expect(UpdateChannelError)).toMatchObject({ errorCode: 'max-target-out-of-range' });
    expect(await miner.expect(SetTarget)).toEqual({ channelId: 2, maximumTarget: target });
  });
});

describe('SubmitShares.Error', () => {
  const share = (overrides: Partial<SubmitSharesExtended> = {}): SubmitSharesExtended => ({
    channelId: 2,
    sequenceNumber: 77,
    jobId: 16,
    nonce: 1,
    ntime: gateway.nowSeconds,
    version: VERSION,
    extranonce: new Uint8Array(13),
    ...overrides,
  });
  async function extendedMiner(options: TestGatewayOptions = {}): Promise<TestMiner> {
    const miner = await ready(options);
    await miner.openExtended();
    await miner.skip(2);
    return miner;
  }
  async function refused(miner: TestMiner, errorCode: string): Promise<void> {
    expect(await miner.expect(SubmitSharesError)).toMatchObject({ sequenceNumber: 77, errorCode });
    expect(gateway.counters.sharesRefused).toMatchObject({ [errorCode]: 1 });
    expect((await gateway.bus.read('SHARES', 1, 10)).length).toBeLessThanOrEqual(1);
    note('SubmitShares.Error', errorCode);
  }

  test.each([
    ['invalid-channel-id', { channelId: 3 }],
    ['invalid-job-id', { jobId: 17 }],
    ['bad-extranonce-size', { extranonce: new Uint8Array(12) }],
    ['invalid-share', { ntime: 1 }],
    ['invalid-share', { ntime: 2 ** 32 - 1 }],
    ['invalid-non-rollable-version-bit', { version: VERSION ^ 1 }],
  ])('%s %o', async (errorCode, overrides) => {
    const miner = await extendedMiner();
    miner.send(SubmitSharesExtended, share(overrides));
    await refused(miner, errorCode);
  });

  test('invalid-channel-id for a submission of the other kind', async () => {
    const miner = await extendedMiner();
    const { extranonce: _, ...standard } = share();
    miner.send(SubmitSharesStandard, standard);
    await refused(miner, 'invalid-channel-id');
  });

  test('a future job that was not activated', async () => {
    const miner = await extendedMiner();
    await gateway.job({ jobId: 32, future: true });
    await miner.next();
    miner.send(SubmitSharesExtended, share({ jobId: 32 }));
    await refused(miner, 'invalid-job-id');
  });

  test('stale-share, then invalid-job-id one tip later', async () => {
    const miner = await extendedMiner();
    await gateway.job({ jobId: 32, future: true });
    await gateway.tip(32, gateway.prevHash(2));
    await miner.skip(2);
    miner.send(SubmitSharesExtended, share());
    await refused(miner, 'stale-share');
    await gateway.job({ jobId: 48, future: true });
    await gateway.tip(48, gateway.prevHash(3));
    await miner.skip(2);
    miner.send(SubmitSharesExtended, share());
    await refused(miner, 'invalid-job-id');
  });

  test('difficulty-too-low', async () => {
    const miner = await ready();
    gateway.onOpen = (request) => opened(request, 1n << 8n);
    await miner.openExtended();
    await miner.skip(2);
    miner.send(SubmitSharesExtended, share());
    await refused(miner, 'difficulty-too-low');
  });

  test('duplicate-share', async () => {
    const miner = await extendedMiner();
    miner.send(SubmitSharesExtended, share());
    await miner.next();
    miner.send(SubmitSharesExtended, share());
    await refused(miner, 'duplicate-share');
  });

  test('share-not-stored', async () => {
    const bus = await createFaultyBus();
    const miner = await extendedMiner({ bus, limits: { heldShareBytes: 1 } });
    bus.away = true;
    miner.send(SubmitSharesExtended, share());
    await refused(miner, 'share-not-stored');
  });
});

test('jd-not-supported', async () => {
  const miner = await ready({}, miningClientFlags.REQUIRES_WORK_SELECTION);
  await miner.openExtended();
  miner.send(SetCustomMiningJob, {
    channelId: 2,
    requestId: 4,
    miningJobToken: new Uint8Array(4),
    version: VERSION,
    prevHash: new Uint8Array(32),
    minNtime: 0,
    nbits: 0,
    coinbaseTxVersion: 2,
    coinbasePrefix: new Uint8Array(4),
    coinbaseTxInputNSequence: 0,
    coinbaseTxOutputs: new Uint8Array(10),
    coinbaseTxLocktime: 0,
    merklePath: [new Uint8Array(32)],
  });
  expect(await miner.expect(SetCustomMiningJobError)).toEqual({
    channelId: 2,
    requestId: 4,
    errorCode: 'jd-not-supported',
  });
  note('SetCustomMiningJob.Error', 'jd-not-supported');
});

afterAll(() => {
  const wanted = (Object.keys(errorCodes) as ErrorMessageName[]).flatMap((message) =>
    Object.keys(errorCodes[message])
      .filter((code) => !(code in (codesNotSent[message] ?? {})))
      .map((code) => `${message}/${code}`),
  );
  expect(wanted.length).toBeGreaterThan(20);
  expect([...provoked].sort()).toEqual(wanted.sort());
});
