// Channels whose blocks pay their miner: jobs, groups, shares and blocks of their own, beside the pool's which stay as they are.
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import { type OpenReply, PAYS_POOL, type WantedChannel } from '@sluice/bus/payloads/channel';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { type BatchChannel, ShareBatchReader } from '@sluice/bus/payloads/share-batch';
import { Solution } from '@sluice/bus/payloads/solution';
import { payMiner } from '@sluice/mining/miner-payout';
import { silentLogger } from '@sluice/runtime/logger';
import { miningClientFlags } from '@sluice/sv2/flags';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { afterEach, expect, test } from 'vitest';
import { ChannelTargets } from '../src/channel-targets.ts';
import { EASY_NBITS, opened, TestGateway, type TestGatewayOptions } from './support/test-gateway.ts';
import type { TestMiner } from './support/test-miner.ts';

let gateway: TestGateway;
afterEach(() => gateway.stop());

/** The pool of the test pays to OP_TRUE. */
const POOL = '51';
/** Value of its jobs' coinbases. */
const VALUE = 0x01_01_01_01_01_01_01_01n;
const scriptOf = (letter: string) => Uint8Array.of(0x00, 0x14, ...new Array(20).fill(letter.charCodeAt(0)));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** `a`, `b` pay themselves; `a+5` gives 5 per cent to the pool; anything longer is an account of the pool. */
function decide(request: WantedChannel): OpenReply {
  const [name = '', percent = '0'] = request.identity.split('+');
  if (name.length > 1) return opened(request);
  return { ...opened(request), poolPercent: Number(percent), payoutScript: scriptOf(name) } as OpenReply;
}

async function start(options?: TestGatewayOptions, flags = 0): Promise<TestMiner> {
  gateway = await TestGateway.start(options);
  gateway.onOpen = decide;
  const miner = await gateway.miner();
  await miner.setup(flags);
  return miner;
}

/** What the outputs of a job's coinbase pay, the script in hexadecimal. */
function paidBy({ coinbaseTxPrefix, coinbaseTxSuffix }: NewExtendedMiningJob): [string, bigint][] {
  const coinbase = decodeTransaction(Buffer.concat([coinbaseTxPrefix, new Uint8Array(20), coinbaseTxSuffix]));
  return coinbase?.outputs.map(({ script, value }) => [hex(script), value]) ?? [];
}

/** Opens an extended channel and leaves its first job and tip unread. */
async function open(miner: TestMiner, userIdentity: string) {
  const answer = await miner.openExtended({ userIdentity });
  await miner.skip(2);
  return answer;
}

function share(sequenceNumber: number, overrides: Partial<SubmitSharesExtended> = {}): SubmitSharesExtended {
  return {
    channelId: 2,
    sequenceNumber,
    jobId: 16,
    nonce: sequenceNumber,
    ntime: gateway.nowSeconds,
    version: 0x20000000,
    extranonce: new Uint8Array(13).fill(1),
    ...overrides,
  };
}

async function storedChannels(): Promise<readonly (BatchChannel & { readonly shares: number })[]> {
  const reader = new ShareBatchReader();
  const stored = new Map<number, BatchChannel & { shares: number }>();
  for (const { payload } of await gateway.bus.read('SHARES', 1, 1_000)) {
    expect(reader.open(payload)).toBe(true);
    while (reader.next()) {
      const channel = reader.channels[reader.channelIndex]!;
      const before = stored.get(channel.channelKey) ?? { ...channel, shares: 0 };
      stored.set(channel.channelKey, { ...before, shares: before.shares + 1 });
    }
  }
  return [...stored.values()];
}

test('channels of one payout are a group; each group is told its own job, and the pool its usual one', async () => {
  const miner = await start();
  const groups = [];
  for (const userIdentity of ['pool.rig', 'a', 'b', 'a', 'a+5', 'pool.two']) {
    const { channelId, groupChannelId } = await open(miner, userIdentity);
    groups.push([channelId, groupChannelId]);
  }
  expect(groups).toEqual([
    [2, 1],
    [3, 4],
    [5, 6],
    [7, 4],
    [8, 9],
    [10, 1],
  ]);
  expect(gateway.gateway.payouts.size).toBe(3);

  await gateway.job({ jobId: 32, future: true });
  const jobs = [];
  for (let count = 0; count < 4; count += 1) jobs.push(await miner.expect(NewExtendedMiningJob));
  expect(jobs.map((job) => [job.channelId, job.jobId, paidBy(job)])).toEqual([
    [1, 32, [[POOL, VALUE]]],
    [4, 32, [[hex(scriptOf('a')), VALUE]]],
    [6, 32, [[hex(scriptOf('b')), VALUE]]],
    [
      9,
      32,
      [
        [POOL, (VALUE * 5n) / 100n],
        [hex(scriptOf('a')), VALUE - (VALUE * 5n) / 100n],
      ],
    ],
  ]);
  await gateway.tip(32, gateway.prevHash(2));
  for (const channelId of [1, 4, 6, 9])
    expect(await miner.expect(SetNewPrevHash)).toMatchObject({ channelId, jobId: 32 });
  await gateway.job({ jobId: 48, future: false, prevHash: gateway.prevHash(2) });
  for (const channelId of [1, 4, 6, 9])
    expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId, jobId: 48 });
  expect(await miner.silence()).toBe(true);
});

test('whom the blocks of a channel pay stands in the log of its opening, where it is not the pool', async () => {
  const miner = await start({ logLevel: 'debug' });
  for (const userIdentity of ['a+5', 'pool.rig']) await open(miner, userIdentity);
  const opens = gateway.logged.filter(({ msg }) => msg === 'channel opened');
  expect(opens[0]).toMatchObject({ pays: 'a+5', poolPercent: 5 });
  expect(Object.keys(opens[1] ?? {})).not.toContain('pays');
});

test('a job is made over once for a payout, on however many connections', async () => {
  const miner = await start();
  await open(miner, 'pool.rig');
  expect(gateway.counters.paidJobs).toBe(0);
  for (let count = 0; count < 3; count += 1) await open(miner, 'a');
  const other = await gateway.miner();
  await other.setup();
  await open(other, 'a');
  await other.openStandard({ userIdentity: 'b' });
  expect(gateway.counters.paidJobs).toBe(2);
  await gateway.job({ jobId: 32, future: true });
  await gateway.tip(32, gateway.prevHash(2));
  expect(gateway.counters.paidJobs).toBe(4);
});

test('the first channel of a payout is told the next job by its group, a later one by its own id', async () => {
  const miner = await start();
  await gateway.job({ jobId: 32, future: true });
  await miner.openExtended({ userIdentity: 'pool.rig' });
  await miner.skip(3);
  for (const [channelId, next] of [
    [3, 4],
    [5, 5],
  ]) {
    expect(await miner.openExtended({ userIdentity: 'a' })).toMatchObject({ channelId, groupChannelId: 4 });
    const first = await miner.expect(NewExtendedMiningJob);
    expect([first.channelId, first.jobId, paidBy(first)]).toEqual([channelId, 16, [[hex(scriptOf('a')), VALUE]]]);
    expect(await miner.expect(SetNewPrevHash)).toMatchObject({ channelId, jobId: 16 });
    expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId: next, jobId: 32 });
  }
});

test('shares count for the coinbase of their channel alone, and the stream says whom it pays', async () => {
  const miner = await start();
  await open(miner, 'a+5');
  const standard = await miner.openStandard({ userIdentity: 'b' });
  await miner.skip(2);
  const pool = await open(miner, 'pool.rig');
  miner.send(SubmitSharesExtended, share(1));
  await miner.expect(SubmitSharesSuccess);
  const { extranonce: _, ...fields } = share(1, { channelId: standard.channelId });
  miner.send(SubmitSharesStandard, fields);
  await miner.expect(SubmitSharesSuccess);
  miner.send(SubmitSharesExtended, share(1, { channelId: pool.channelId }));
  await miner.expect(SubmitSharesSuccess);
  expect(await storedChannels()).toMatchObject([
    { identity: 'a+5', poolPercent: 5, shares: 1 },
    { identity: 'b', poolPercent: 0, shares: 1 },
    { identity: 'pool.rig', poolPercent: PAYS_POOL, shares: 1 },
  ]);
});

test('a device for standard jobs only is told the merkle root of its own coinbase', async () => {
  const miner = await start({}, miningClientFlags.REQUIRES_STANDARD_JOBS);
  const { extranoncePrefix } = await miner.openStandard({ userIdentity: 'a' });
  const { merkleRoot } = await miner.expect(NewMiningJob);
  const [record] = await gateway.bus.read('JOBS', 1, 1);
  const job = JobRecord.decode(record?.payload ?? new Uint8Array());
  if (job.kind !== 'newJob') throw new Error('no job');
  const suffix = payMiner(job.coinbaseSuffix, { script: scriptOf('a'), poolPercent: 0 });
  const coinbase = Buffer.concat([job.coinbasePrefix, extranoncePrefix, suffix ?? new Uint8Array()]);
  const root = nobleSha256d.sha256d(coinbase);
  nobleSha256d.foldMerkle(root, job.merklePath, root);
  expect(hex(merkleRoot)).toBe(hex(root));
});

test.each(['standard', 'extended'])(
  'a block of a %s channel carries the coinbase that pays its miner',
  async (kind) => {
    const miner = await start({ nbits: EASY_NBITS });
    const solutions: Uint8Array[] = [];
    gateway.bus.subscribe('solution.now', (payload) => solutions.push(payload));
    const { extranonce, ...fields } = share(1);
    if (kind === 'standard') {
      await miner.openStandard({ userIdentity: 'a+5' });
      await miner.skip(2);
      miner.send(SubmitSharesStandard, fields);
    } else {
      await open(miner, 'a+5');
      miner.send(SubmitSharesExtended, { ...fields, extranonce });
    }
    await miner.expect(SubmitSharesSuccess);
    const solution = Solution.decode(solutions[0] as Uint8Array);
    expect(solution).toMatchObject({ jobId: 16, identity: 'a+5' });
    const coinbase = decodeTransaction(solution.coinbase);
    expect(coinbase?.outputs.map(({ script, value }) => [hex(script), value])).toEqual([
      [POOL, (VALUE * 5n) / 100n],
      [hex(scriptOf('a')), VALUE - (VALUE * 5n) / 100n],
    ]);
    const root = Uint8Array.from(coinbase?.txid ?? []);
    nobleSha256d.foldMerkle(root, [new Uint8Array(32).fill(0x55)], root);
    expect(hex(solution.header.subarray(36, 68))).toBe(hex(root));
  },
);

test('a share stays a duplicate when its job is given again under an easier target', async () => {
  gateway = await TestGateway.start();
  gateway.onOpen = (request) => ({ ...decide(request), firstTarget: 1n << 255n }) as OpenReply;
  const miner = await gateway.miner();
  await miner.setup();
  await open(miner, 'a');
  let nonce = 0;
  for (let accepted = false; !accepted; ) {
    nonce += 1;
    miner.send(SubmitSharesExtended, share(nonce));
    accepted = (await miner.next()).name === SubmitSharesSuccess.name;
  }
  const [channel] = [...gateway.gateway.connections.values()].flatMap(({ channels }) => [...channels]);
  const {
    counters,
    gateway: { fanOut },
  } = gateway;
  gateway.clock.advance(5_000);
  const lanes = { flush: () => undefined };
  new ChannelTargets({ fanOut, lanes, counters, log: silentLogger() }).apply(channel!, 1);
  await miner.expect(SetTarget);
  const again = await miner.expect(NewExtendedMiningJob);
  expect([again.channelId, again.jobId, paidBy(again)]).toEqual([2, 17, [[hex(scriptOf('a')), VALUE]]]);
  const ntime = gateway.nowSeconds - 5;
  miner.send(SubmitSharesExtended, share(nonce + 1, { jobId: 17, nonce, ntime }));
  expect(await miner.expect(SubmitSharesError)).toMatchObject({ errorCode: 'duplicate-share' });
});

test('a payout goes with its last channel, and its group with the last one of the connection', async () => {
  const miner = await start();
  await open(miner, 'a');
  await open(miner, 'a');
  const other = await gateway.miner();
  await other.setup();
  await other.openExtended({ userIdentity: 'a' });
  miner.send(CloseChannel, { channelId: 3, reasonCode: 'all of the group' });
  await miner.silence();
  expect([gateway.gateway.channels, gateway.gateway.payouts.size]).toEqual([1, 1]);
  miner.received.length = 0;
  expect(await miner.openExtended({ userIdentity: 'a' })).toMatchObject({ channelId: 5, groupChannelId: 6 });
  other.socket.destroy();
  miner.socket.destroy();
  await miner.silence();
  expect(gateway.gateway.payouts.size).toBe(0);
});

test('beyond the bound of payouts a channel is refused, and one of a payout that is there is not', async () => {
  const miner = await start({ limits: { payouts: 1 } });
  await open(miner, 'a');
  miner.send(OpenExtendedMiningChannel, { minExtranonceSize: 4, ...miner.openMessage({ userIdentity: 'a+5' }) });
  expect(await miner.expect(OpenMiningChannelError)).toMatchObject({ errorCode: 'channel-capacity-exhausted' });
  await open(miner, 'a');
  await miner.openExtended({ userIdentity: 'pool.rig' });
  expect(gateway.gateway.channels).toBe(3);
});

test('a job that cannot be paid out reaches those who mine for the pool, and the others are given nothing any more', async () => {
  const miner = await start();
  await open(miner, 'a');
  await open(miner, 'pool.rig');
  await gateway.job({ jobId: 32, future: true, coinbaseSuffix: Uint8Array.of(1, 2, 3) });
  await gateway.tip(32, gateway.prevHash(2));
  await gateway.job({ jobId: 48, future: false, prevHash: gateway.prevHash(2) });
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId: 1, jobId: 32 });
  expect(await miner.expect(SetNewPrevHash)).toMatchObject({ channelId: 1, jobId: 32 });
  expect(await miner.expect(NewExtendedMiningJob)).toMatchObject({ channelId: 1, jobId: 48 });
  expect(await miner.silence()).toBe(true);
});
