import { once } from 'node:events';
import { miningClientFlags, miningServerFlags } from '@sluice/sv2/flags';
import { encodeFrame } from '@sluice/sv2/frames';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { RequestExtensionsError } from '@sluice/sv2/messages/extensions/request-extensions-error';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SetGroupChannel } from '@sluice/sv2/messages/mining/set-group-channel';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { describe, expect, it } from 'vitest';
import { authorityKey, modules } from '../../../packages/client/test/support/fake-server.ts';
import { type ClientOptions, MinerClient } from '../src/client.ts';
import { extendedJob, FakePool, filled, GROUP, MIN_NTIME, newTip, standardJob, startWork } from './fake-pool.ts';

const request = { identity: 'account.worker', nominalHashrate: 1e6 };

function connect(pool: FakePool, options: Partial<ClientOptions> = {}): Promise<MinerClient> {
  return MinerClient.connect(pool.stream, { host: 'pool', port: 3333, authorityKey, ...options }, modules);
}

const coded = (code: string, message: string | RegExp = '') =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

/** Resolves when everything that was written has been read. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('setting up', () => {
  it('says who it is and where it connected to', async () => {
    const pool = new FakePool();
    await connect(pool, { flags: miningClientFlags.REQUIRES_STANDARD_JOBS });
    expect(pool.all(SetupConnection)).toEqual([
      expect.objectContaining({ protocol: 0, minVersion: 2, maxVersion: 2, flags: 1, vendor: 'Sluice' }),
    ]);
    expect(pool.all(SetupConnection)[0]).toMatchObject({ endpointHost: 'pool', endpointPort: 3333 });
  });

  it('refuses a server that the authority did not sign for', async () => {
    const stranger = modules.ec.xOnlyPublicKey(filled(5));
    const attempt = connect(new FakePool(), { authorityKey: stranger });
    await expect(attempt).rejects.toEqual(coded('miner-handshake-failed', 'certificate-untrusted'));
  });

  it('ends with the code of the pool when that refuses', async () => {
    const pool = new FakePool();
    pool.on(SetupConnection, () => pool.send(SetupConnectionError, { flags: 0, errorCode: 'unsupported-protocol' }));
    await expect(connect(pool)).rejects.toEqual(coded('miner-setup-refused', 'unsupported-protocol'));
    expect(pool.stream.writableEnded).toBe(true);
  });

  it('does not wait for ever', async () => {
    const pool = new FakePool();
    pool.on(SetupConnection, () => undefined);
    await expect(connect(pool, { answerDeadlineMs: 20 })).rejects.toEqual(coded('miner-timeout'));
  });

  it('ends when the pool closes instead of an answer', async () => {
    const pool = new FakePool();
    pool.on(SetupConnection, () => pool.close());
    await expect(connect(pool)).rejects.toEqual(coded('miner-connection-closed'));
  });

  it('does not roll versions where it needs to and must not', async () => {
    const pool = new FakePool();
    const flags = miningServerFlags.REQUIRES_FIXED_VERSION;
    pool.on(SetupConnection, () => pool.send(SetupConnectionSuccess, { usedVersion: 2, flags }));
    const attempt = connect(pool, { flags: miningClientFlags.REQUIRES_VERSION_ROLLING });
    await expect(attempt).rejects.toEqual(coded('miner-setup-refused', 'fixed version'));
  });
});

describe('channels', () => {
  it('open with what the pool gives them, and work begins with a tip', async () => {
    const pool = new FakePool();
    pool.serveChannels((channelId) => startWork(pool, channelId, 10 + channelId));
    const client = await connect(pool);
    const [standard, extended] = await Promise.all([
      client.openStandardChannel(request),
      client.openExtendedChannel(request),
    ]);
    expect([standard.kind, standard.id, standard.groupId]).toEqual(['standard', 2, GROUP]);
    expect([extended.kind, extended.extranonceSize]).toEqual(['extended', 12]);
    await settled();
    expect([standard.work?.job.jobId, extended.work?.job.jobId]).toEqual([12, 13]);
  });

  it('are refused with the code of the pool, and the connection stays', async () => {
    const pool = new FakePool();
    pool.on(OpenStandardMiningChannel, ({ requestId }) =>
      pool.send(OpenMiningChannelError, { requestId, errorCode: 'unknown-user' }),
    );
    const client = await connect(pool);
    await expect(client.openStandardChannel(request)).rejects.toEqual(coded('miner-channel-refused', 'unknown-user'));
    expect(client.closed).toBeUndefined();
  });

  it('of a group all take the job, tip and target of the group', async () => {
    const pool = new FakePool();
    pool.serveChannels((channelId) => startWork(pool, channelId, channelId));
    const client = await connect(pool);
    const channels = [];
    for (let count = 0; count < 3; count++) channels.push(await client.openStandardChannel(request));
    pool.send(SetGroupChannel, { groupChannelId: 99, channelIds: [channels[2]!.id] });
    pool.send(SetTarget, { channelId: GROUP, maximumTarget: filled(0x01) });
    pool.send(NewExtendedMiningJob, extendedJob(GROUP, 50));
    pool.send(SetNewPrevHash, newTip(GROUP, 50, filled(0x88)));
    await settled();
    expect(channels.map(({ work }) => work?.job.jobId)).toEqual([50, 50, 4]);
    expect(channels.map(({ work }) => work?.target[0])).toEqual([1, 1, 0xff]);
    expect(channels[0]?.work?.tip.prevHash).toEqual(filled(0x88));
  });

  it('end when the pool closes them, and their work with them', async () => {
    const pool = new FakePool();
    pool.serveChannels((channelId) => startWork(pool, channelId, 1));
    const client = await connect(pool);
    const channel = await client.openStandardChannel(request);
    const closed = once(client, 'channelClosed');
    pool.send(CloseChannel, { channelId: channel.id, reasonCode: 'by operator' });
    expect(await closed).toEqual([channel, 'by operator']);
    expect([client.channels.size, channel.work]).toEqual([0, undefined]);
  });
});

describe('shares', () => {
  it('go out in the form of their channel and come back by sequence number', async () => {
    const pool = new FakePool();
    pool.serveChannels((channelId) => startWork(pool, channelId, 1));
    const client = await connect(pool);
    const standard = await client.openStandardChannel(request);
    const extended = await client.openExtendedChannel(request);
    await settled();
    const share = { nonce: 7, ntime: MIN_NTIME, version: 0x2000_0020 };
    pool.on(SubmitSharesStandard, ({ channelId, sequenceNumber }) =>
      pool.send(SubmitSharesSuccess, {
        ...{ channelId, lastSequenceNumber: sequenceNumber, newSubmitsAcceptedCount: 1, newSharesSum: 1n },
      }),
    );
    pool.on(SubmitSharesExtended, ({ channelId, sequenceNumber }) =>
      pool.send(SubmitSharesError, { channelId, sequenceNumber, errorCode: 'stale-share' }),
    );
    const accepted = once(client, 'accepted');
    expect(client.submit({ work: standard.work!, ...share, extranonce: new Uint8Array(0) })).toBe(1);
    expect(await accepted).toEqual([expect.objectContaining({ channelId: standard.id, lastSequenceNumber: 1 })]);
    const rejected = once(client, 'rejected');
    client.submit({ work: extended.work!, ...share, extranonce: filled(4, 12) });
    expect(await rejected).toEqual([expect.objectContaining({ channelId: extended.id, errorCode: 'stale-share' })]);
    expect(pool.all(SubmitSharesStandard)).toEqual([{ channelId: 2, sequenceNumber: 1, jobId: 1, ...share }]);
    expect(pool.all(SubmitSharesExtended)[0]).toMatchObject({ ...share, extranonce: filled(4, 12) });
  });
});

describe('extensions', () => {
  it('are those that the pool grants, and none where it refuses', async () => {
    const pool = new FakePool();
    const client = await connect(pool);
    pool.on(RequestExtensions, ({ requestId }) =>
      pool.send(RequestExtensionsSuccess, { requestId, supportedExtensions: [2] }),
    );
    expect(await client.requestExtensions([2, 9])).toEqual([2]);
    pool.on(RequestExtensions, ({ requestId }) =>
      pool.send(RequestExtensionsError, { requestId, unsupportedExtensions: [9], requiredExtensions: [] }),
    );
    expect(await client.requestExtensions([9])).toEqual([]);
  });
});

describe('a pool out of order', () => {
  const faults: [string, (pool: FakePool) => void, RegExp][] = [
    ['an active job before any tip', (pool) => pool.send(NewMiningJob, standardJob(2, 1, MIN_NTIME)), /before any tip/],
    ['a tip for a job that was never sent', (pool) => pool.send(SetNewPrevHash, newTip(2, 44)), /not sent/],
    [
      'an answer to nothing',
      (pool) => pool.send(OpenMiningChannelError, { requestId: 99, errorCode: 'unknown-user' }),
      /nothing that was asked/,
    ],
    [
      'a message that is cut off',
      (pool) => {
        const frame = encodeFrame(SetNewPrevHash, newTip(2, 1)).subarray(0, 20);
        frame[3] = 14;
        pool.sendFrame(frame);
      },
      /SetNewPrevHash/,
    ],
  ];
  it.each(faults)('ends the connection: %s', async (_name, misbehave, reason) => {
    const pool = new FakePool();
    pool.serveChannels(() => undefined);
    const client = await connect(pool);
    await client.openStandardChannel(request);
    const closed = once(client, 'closed');
    misbehave(pool);
    expect(await closed).toEqual([coded('miner-protocol-fault', reason)]);
  });

  it('may send messages of extensions that nobody knows', async () => {
    const pool = new FakePool();
    const client = await connect(pool);
    pool.sendFrame(Uint8Array.of(0x34, 0x12, 0x7f, 2, 0, 0, 1, 2));
    await settled();
    expect(client.closed).toBeUndefined();
  });
});
