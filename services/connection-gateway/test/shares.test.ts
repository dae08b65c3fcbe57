import { blockHash } from '@sluice/bitcoin/block';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import { ShareBatchReader } from '@sluice/bus/payloads/share-batch';
import { Solution } from '@sluice/bus/payloads/solution';
import { encodeWorkerIdentity } from '@sluice/sv2/extensions';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { RequestExtensionsError } from '@sluice/sv2/messages/extensions/request-extensions-error';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { afterEach, expect, test } from 'vitest';
import { createFaultyBus } from './support/faulty-bus.ts';
import { EASY_NBITS, INCARNATION, TestGateway } from './support/test-gateway.ts';
import type { TestMiner } from './support/test-miner.ts';

let gateway: TestGateway;
afterEach(() => gateway.stop());

const VERSION = 0x20000000;

async function extendedMiner(test: TestGateway): Promise<TestMiner> {
  const miner = await test.miner();
  await miner.setup();
  await miner.openExtended();
  await miner.skip(2);
  return miner;
}

function share(sequenceNumber: number, overrides: Partial<SubmitSharesExtended> = {}): SubmitSharesExtended {
  return {
    channelId: 2,
    sequenceNumber,
    jobId: 16,
    nonce: sequenceNumber,
    ntime: gateway.nowSeconds,
    version: VERSION,
    extranonce: new Uint8Array(13).fill(1),
    ...overrides,
  };
}

async function storedShares(): Promise<{ batch: bigint; sequenceNumber: number; worker: string; nonce: number }[]> {
  const reader = new ShareBatchReader();
  const shares = [];
  for (const { payload } of await gateway.bus.read('SHARES', 1, 1_000)) {
    expect(reader.open(payload)).toBe(true);
    expect(reader.incarnation).toBe(INCARNATION);
    while (reader.next()) {
      const { batch, sequenceNumber, nonce } = reader;
      shares.push({ batch, sequenceNumber, nonce, worker: reader.channels[reader.channelIndex]?.worker ?? '' });
    }
    expect(reader.fault).toBeUndefined();
  }
  return shares;
}

test('a share is acknowledged when the stream has it', async () => {
  gateway = await TestGateway.start();
  const miner = await extendedMiner(gateway);
  miner.send(SubmitSharesExtended, share(5));
  expect(await miner.expect(SubmitSharesSuccess)).toMatchObject({
    channelId: 2,
    lastSequenceNumber: 5,
    newSubmitsAcceptedCount: 1,
  });
  expect(await storedShares()).toEqual([{ batch: 1n, sequenceNumber: 5, nonce: 5, worker: 'rig' }]);
});

test('shares that come together are acknowledged together', async () => {
  gateway = await TestGateway.start({ limits: { shareWindowMs: 1_000 } });
  const miner = await extendedMiner(gateway);
  for (let number = 1; number <= 20; number++) miner.send(SubmitSharesExtended, share(number));
  expect(await miner.expect(SubmitSharesSuccess)).toMatchObject({
    lastSequenceNumber: 20,
    newSubmitsAcceptedCount: 20,
  });
  expect(await storedShares()).toHaveLength(20);
  expect(gateway.counters.sharesStored).toBe(20);
});

test('a standard channel of a group mines the group job', async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  await miner.setup();
  await miner.openStandard();
  await miner.skip(2);
  const { extranonce: _, ...fields } = share(1);
  miner.send(SubmitSharesStandard, fields);
  expect(await miner.expect(SubmitSharesSuccess)).toMatchObject({ lastSequenceNumber: 1 });
});

test('a share is accepted once, and also under its own channel only', async () => {
  gateway = await TestGateway.start();
  const miner = await extendedMiner(gateway);
  miner.send(SubmitSharesExtended, share(1));
  await miner.expect(SubmitSharesSuccess);
  miner.send(SubmitSharesExtended, share(1));
  expect(await miner.expect(SubmitSharesError)).toMatchObject({ errorCode: 'duplicate-share', sequenceNumber: 1 });
});

test('the worker that a proxy names is credited', async () => {
  gateway = await TestGateway.start();
  const miner = await gateway.miner();
  await miner.setup();
  miner.send(RequestExtensions, { requestId: 1, requestedExtensions: [1, 2, 3] });
  expect(await miner.expect(RequestExtensionsSuccess)).toEqual({ requestId: 1, supportedExtensions: [2] });
  await miner.openExtended();
  await miner.skip(2);
  miner.send(SubmitSharesExtended, share(1), encodeWorkerIdentity('barn-7'));
  miner.send(SubmitSharesExtended, share(2));
  miner.send(SubmitSharesExtended, share(3), encodeWorkerIdentity('bad\u0007'));
  miner.send(SubmitSharesExtended, share(4), encodeWorkerIdentity(''));
  // They may be read, and stored, one after the other.
  let acknowledged = 0;
  while (acknowledged < 4) acknowledged += (await miner.expect(SubmitSharesSuccess)).newSubmitsAcceptedCount;
  expect((await storedShares()).map(({ worker }) => worker)).toEqual(['barn-7', 'rig', 'rig', 'rig']);
  // The last answer holds: what follows a share says nothing any more.
  miner.send(RequestExtensions, { requestId: 2, requestedExtensions: [3] });
  await miner.expect(RequestExtensionsError);
  miner.send(SubmitSharesExtended, share(5), encodeWorkerIdentity('barn-8'));
  await miner.expect(SubmitSharesSuccess);
  expect((await storedShares()).at(-1)?.worker).toBe('rig');
});

test('while the stream is away shares are held, and stored once when it is back', async () => {
  const bus = await createFaultyBus();
  gateway = await TestGateway.start({ bus });
  const miner = await extendedMiner(gateway);
  bus.away = true;
  miner.send(SubmitSharesExtended, share(1));
  expect(await miner.silence(50)).toBe(true);
  expect(gateway.gateway.batcher.stalled).toBe(true);
  miner.send(SubmitSharesExtended, share(2));
  bus.away = false;
  bus.loseAcknowledgements = true;
  bus.back();
  expect(await miner.expect(SubmitSharesSuccess)).toMatchObject({ lastSequenceNumber: 1 });
  expect(await miner.expect(SubmitSharesSuccess)).toMatchObject({ lastSequenceNumber: 2 });
  expect(gateway.counters.appendRetries).toBeGreaterThan(0);
  expect((await storedShares()).map(({ sequenceNumber }) => sequenceNumber)).toEqual([1, 2]);
});

test('a gateway that is closed while the stream is away leaves what it holds', async () => {
  const bus = await createFaultyBus();
  gateway = await TestGateway.start({ bus, logLevel: 'error' });
  const miner = await extendedMiner(gateway);
  bus.away = true;
  miner.send(SubmitSharesExtended, share(1));
  await expect.poll(() => gateway.gateway.batcher.stalled).toBe(true);
  gateway.gateway.batcher.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(gateway.logged).toEqual([]);
  expect(gateway.gateway.batcher.bytes).toBeGreaterThan(0);
});

test('a batch whose acknowledgement was lost is not stored twice', async () => {
  const bus = await createFaultyBus();
  gateway = await TestGateway.start({ bus });
  const miner = await extendedMiner(gateway);
  bus.loseAcknowledgements = true;
  miner.send(SubmitSharesExtended, share(1));
  expect(await miner.silence(50)).toBe(true);
  bus.back();
  expect(await miner.expect(SubmitSharesSuccess)).toMatchObject({ lastSequenceNumber: 1 });
  expect(await storedShares()).toHaveLength(1);
});

test('at the bound of the buffer shares are answered, not dropped', async () => {
  const bus = await createFaultyBus();
  gateway = await TestGateway.start({ bus, limits: { heldShareBytes: 400 } });
  const miner = await extendedMiner(gateway);
  bus.away = true;
  for (let number = 1; number <= 20; number++) miner.send(SubmitSharesExtended, share(number));
  const refused = await miner.expect(SubmitSharesError);
  expect(refused.errorCode).toBe('share-not-stored');
  await new Promise((resolve) => setTimeout(resolve, 20));
  bus.back();
  while (miner.received[0]?.name === SubmitSharesError.name) await miner.next();
  const stored = refused.sequenceNumber - 1;
  expect(await miner.expect(SubmitSharesSuccess)).toMatchObject({ lastSequenceNumber: stored });
  expect(await storedShares()).toHaveLength(stored);
  // One that was refused may come again.
  miner.send(SubmitSharesExtended, share(refused.sequenceNumber));
  expect(await miner.expect(SubmitSharesSuccess)).toMatchObject({ lastSequenceNumber: refused.sequenceNumber });
});

test('a block candidate goes out at once and is stored', async () => {
  gateway = await TestGateway.start({ nbits: EASY_NBITS });
  const now: Uint8Array[] = [];
  gateway.bus.subscribe('solution.now', (payload) => now.push(payload));
  const miner = await extendedMiner(gateway);
  miner.send(SubmitSharesExtended, share(1));
  await miner.expect(SubmitSharesSuccess);
  expect(now).toHaveLength(1);
  const solution = Solution.decode(now[0] as Uint8Array);
  expect(solution).toMatchObject({
    jobId: 16,
    provider: 'test',
    templateId: 16n,
    identity: 'account.rig',
    worker: 'rig',
  });
  expect(blockHash(solution.header)).toEqual(Uint8Array.from(solution.hash));
  const coinbase = decodeTransaction(solution.coinbase);
  expect(coinbase?.inputs).toHaveLength(1);
  const [stored] = await gateway.bus.read('SOLUTIONS', 1, 10);
  expect(stored?.payload).toEqual(now[0]);
});

test('a late share that is a block goes out although it is stale', async () => {
  gateway = await TestGateway.start({ nbits: EASY_NBITS });
  const miner = await extendedMiner(gateway);
  await gateway.job({ jobId: 32, future: true });
  await gateway.tip(32, gateway.prevHash(2));
  await miner.skip(2);
  miner.send(SubmitSharesExtended, share(1));
  miner.send(SubmitSharesExtended, share(1));
  expect(await miner.expect(SubmitSharesError)).toMatchObject({ errorCode: 'stale-share' });
  expect(await miner.expect(SubmitSharesError)).toMatchObject({ errorCode: 'stale-share' });
  expect(gateway.counters.solutions).toBe(1);
});
