import { targetFromBytes } from '@sluice/bitcoin/target';
import { encodeWorkerIdentity, extensionTypes } from '@sluice/sv2/extensions';
import { encodeFrame } from '@sluice/sv2/frames';
import { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { afterEach, expect, test } from 'vitest';
import { hashOf } from '../miners/fake-farm.ts';
import type { Sv2Miner, Sv2Work, WantedShare } from './support/sv2-miner.ts';
import { TestSv2Server } from './support/test-sv2-server.ts';

const ROLLED = Uint8Array.of(9, 8, 7, 6);
const servers: TestSv2Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

interface Rig {
  readonly server: TestSv2Server;
  readonly miner: Sv2Miner;
  readonly work: Sv2Work;
  readonly target: bigint;
}

async function standardRig(...options: ConstructorParameters<typeof TestSv2Server>): Promise<Rig> {
  const server = new TestSv2Server(...options);
  servers.push(server);
  const miner = await server.miner();
  const { target } = await miner.openStandard();
  return { server, miner, work: await miner.standardWork(), target: targetFromBytes(target) };
}

async function extendedRig(): Promise<Rig> {
  const server = new TestSv2Server();
  servers.push(server);
  const miner = await server.miner();
  const { target, extranoncePrefix } = await miner.openExtended();
  const work = await miner.extendedWork(Buffer.concat([extranoncePrefix, ROLLED]));
  return { server, miner, work, target: targetFromBytes(target) };
}

const fields = ({ channelId, jobId, ntime, version }: Sv2Work, sequenceNumber: number, nonce: number) => ({
  ...{ channelId, sequenceNumber, jobId, nonce, ntime, version },
});

/** Sends a share of a standard channel; returns its hash. */
function submit({ miner, work, target }: Rig, sequenceNumber: number, wanted: WantedShare): Uint8Array {
  const { nonce, hash } = miner.find(work, wanted, target);
  miner.send(SubmitSharesStandard, fields(work, sequenceNumber, nonce));
  return hash;
}

test.each(['standard', 'extended'] as const)(
  '%s: what is kept is acknowledged, what goes up is the same header',
  async (kind) => {
    const rig = await (kind === 'standard' ? standardRig() : extendedRig());
    const { server, miner, work, target } = rig;
    const send = (sequenceNumber: number, nonce: number) => {
      if (kind === 'standard') miner.send(SubmitSharesStandard, fields(work, sequenceNumber, nonce));
      else miner.send(SubmitSharesExtended, { ...fields(work, sequenceNumber, nonce), extranonce: ROLLED });
    };
    send(1, miner.find(work, 'kept', target).nonce);
    const { channelId } = work;
    expect(await miner.expect(SubmitSharesSuccess)).toEqual({
      ...{ channelId, lastSequenceNumber: 1, newSubmitsAcceptedCount: 1, newSharesSum: 0n },
    });
    expect(server.upstream.shares).toEqual([]);
    const { nonce, hash } = miner.find(work, 'forwarded', target);
    send(2, nonce);
    await expect.poll(() => server.upstream.shares.length).toBe(1);
    const [up] = server.upstream.shares;
    expect(hashOf(up!)).toEqual(hash);
    expect(up!.worker).toEqual(encodeWorkerIdentity('rig'));
    expect(miner.received).toEqual([]);
    up!.owner?.answered(up!.request, '');
    expect(await miner.expect(SubmitSharesSuccess)).toMatchObject({
      lastSequenceNumber: 2,
      newSubmitsAcceptedCount: 1,
    });
  },
);

test('an accepted share waits for those before it, a refused one does not', async () => {
  const rig = await standardRig();
  const { server, miner, work } = rig;
  const { shares } = server.upstream;
  submit(rig, 1, 'forwarded');
  submit(rig, 2, 'kept');
  submit(rig, 3, 'forwarded');
  submit(rig, 4, 'kept');
  await expect.poll(() => server.server.waitingShares).toBe(4);
  shares[1]!.owner?.answered(shares[1]!.request, 'stale-share');
  const { channelId } = work;
  expect(await miner.expect(SubmitSharesError)).toEqual({ channelId, sequenceNumber: 3, errorCode: 'stale-share' });
  shares[0]!.owner?.answered(shares[0]!.request, '');
  expect(await miner.expect(SubmitSharesSuccess)).toMatchObject({ lastSequenceNumber: 4, newSubmitsAcceptedCount: 3 });
  expect(server.server.waitingShares).toBe(0);
});

test('what is wrong with a share is said by its code', async () => {
  const { server, miner, work, target } = await standardRig();
  const { nonce } = miner.find(work, 'kept', target);
  const good = fields(work, 1, nonce);
  miner.send(SubmitSharesStandard, good);
  await miner.expect(SubmitSharesSuccess);
  for (const [errorCode, changed] of [
    ['duplicate-share', {}],
    ['invalid-job-id', { jobId: 999 }],
    ['invalid-channel-id', { channelId: 99 }],
    ['invalid-share', { ntime: work.ntime - 1 }],
    ['invalid-non-rollable-version-bit', { version: work.version ^ 1 }],
  ] as const) {
    miner.send(SubmitSharesStandard, { ...good, ...changed, sequenceNumber: 5 });
    expect(await miner.expect(SubmitSharesError)).toMatchObject({ sequenceNumber: 5, errorCode });
    expect(server.counters.shareErrors[errorCode]).toBe(1);
  }
  miner.send(SubmitSharesExtended, { ...good, sequenceNumber: 6, extranonce: ROLLED });
  expect(await miner.expect(SubmitSharesError)).toMatchObject({ sequenceNumber: 6, errorCode: 'invalid-channel-id' });
});

test('an extranonce of another size, and one with a worker of its own where that was agreed on', async () => {
  const { server, miner, work, target } = await extendedRig();
  const share = () => ({ ...fields(work, 1, miner.find(work, 'forwarded', target).nonce), extranonce: ROLLED });
  miner.send(SubmitSharesExtended, { ...share(), extranonce: Uint8Array.of(1) });
  expect((await miner.expect(SubmitSharesError)).errorCode).toBe('bad-extranonce-size');
  const named = encodeWorkerIdentity('shelf.7');
  // Without the extension what stands behind a message is nobody's name.
  miner.send(SubmitSharesExtended, share(), named);
  await expect.poll(() => server.upstream.shares.length).toBe(1);
  miner.send(RequestExtensions, { requestId: 1, requestedExtensions: [extensionTypes.workerHashrateTracking] });
  await miner.expect(RequestExtensionsSuccess);
  miner.send(SubmitSharesExtended, share(), named);
  miner.send(SubmitSharesExtended, share());
  await expect.poll(() => server.upstream.shares.length).toBe(3);
  const rig = encodeWorkerIdentity('rig');
  expect(server.upstream.shares.map(({ worker }) => worker)).toEqual([rig, named, rig]);
});

test('a connection whose shares wait beyond the bound ends, and so does one that sends half a share', async () => {
  const rig = await standardRig({ waitingShares: 2 });
  for (const sequenceNumber of [1, 2, 3]) submit(rig, sequenceNumber, 'forwarded');
  await rig.miner.untilClosed();
  expect(rig.server.counters.closed['too-many-waiting']).toBe(1);
  const other = await rig.server.miner();
  const whole = encodeFrame(SubmitSharesStandard, fields(rig.work, 1, 1));
  const half = whole.slice(0, whole.length - 4);
  half[3] = half.length - 6;
  other.sendFrame(half);
  await other.untilClosed();
  expect(rig.server.counters.closed['malformed-message']).toBe(1);
});

test('a drain closes each connection after what it sent was answered', async () => {
  const rig = await standardRig();
  const { server, miner } = rig;
  submit(rig, 1, 'forwarded');
  await expect.poll(() => server.upstream.shares.length).toBe(1);
  const [up] = server.upstream.shares;
  const drained = server.server.startDrain({ keep: 0, deadlineMs: 5_000 }).done;
  up!.owner?.answered(up!.request, '');
  await drained;
  expect((await miner.expect(SubmitSharesSuccess)).lastSequenceNumber).toBe(1);
  await miner.untilClosed();
  expect(server.counters.closed.drained).toBe(1);
});

test('a drain sends a Reconnect to vendors of the list alone', async () => {
  const server = new TestSv2Server({}, ['follower']);
  const [follower, other] = [await server.connect(), await server.connect()];
  await follower.setUp(0, { vendor: 'follower' });
  await other.setUp(0, { vendor: 'follower 2' });
  await server.server.startDrain({ keep: 0, deadlineMs: 1_000 }).done;
  expect(await follower.expect(Reconnect)).toEqual({ newHost: '', newPort: 0 });
  await follower.untilClosed();
  await other.untilClosed();
  expect(other.received).toEqual([]);
});

test('when the upstream is gone the connection stays, and shares are refused', async () => {
  const rig = await standardRig();
  rig.server.upstream.isOpen = false;
  submit(rig, 1, 'kept');
  expect((await rig.miner.expect(SubmitSharesError)).errorCode).toBe('share-not-stored');
});
