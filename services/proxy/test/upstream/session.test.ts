// One connection, with an upstream that does right and with one that does wrong. Time is the test's.
import { targetFromBytes, targetToBytes } from '@sluice/bitcoin/target';
import { hashesOfTarget } from '@sluice/mining/vardiff-difficulty';
import { ManualClock } from '@sluice/runtime/clock';
import { encodeWorkerIdentity } from '@sluice/sv2/extensions';
import { miningClientFlags } from '@sluice/sv2/flags';
import { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { RequestExtensionsError } from '@sluice/sv2/messages/extensions/request-extensions-error';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { SetGroupChannel } from '@sluice/sv2/messages/mining/set-group-channel';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { describe, expect, it } from 'vitest';
import { authorityKey, FakeServer, modules } from '../../../../packages/client/test/support/fake-server.ts';
import { createCounters } from '../../src/counters.ts';
import type { UpstreamError } from '../../src/upstream/errors.ts';
import { PROBE_AFTER_MS, PROBE_ANSWER_MS } from '../../src/upstream/liveness.ts';
import { FIRST_WORK_MS, UpstreamSession } from '../../src/upstream/session.ts';
import type { UpstreamWork } from '../../src/upstream/upstream-work.ts';
import { CHANNEL, EXTRANONCE_SIZE, GROUP, newJob, newTip, opened, TIME } from './told-work.ts';
import { turns, until } from './until.ts';

const HASHRATE = 5e12;
const WORKER = encodeWorkerIdentity('rig-1');

/** A server that does all that it is asked for, unless `script` says otherwise. */
async function connected(script: (server: FakeServer) => void = () => undefined) {
  const server = new FakeServer();
  server.on(RequestExtensions, ({ requestId, requestedExtensions }) =>
    server.send(RequestExtensionsSuccess, { requestId, supportedExtensions: requestedExtensions }),
  );
  server.on(OpenExtendedMiningChannel, () => {
    server.send(OpenExtendedMiningChannelSuccess, opened());
    server.send(NewExtendedMiningJob, newJob(1));
    server.send(SetNewPrevHash, newTip(1, 0xa1));
  });
  script(server);
  const clock = new ManualClock();
  const counters = createCounters();
  const works: UpstreamWork[] = [];
  const ends: { readonly reason: UpstreamError; readonly reconnect: Reconnect | undefined }[] = [];
  const session = await UpstreamSession.open(
    server.stream,
    {
      url: { host: 'pool.example', port: 3333, authorityKey },
      ...{ identity: 'farm', workerIdentity: '{account}.{worker}', minExtranonceSize: 6, hashrate: HASHRATE },
    },
    {
      onWork: (work) => void works.push(work),
      onClosed: (reason, reconnect) => void ends.push({ reason, reconnect }),
    },
    { ...modules, clock, counters },
  );
  const ended = async () => {
    await until(() => ends.length > 0);
    return ends[0]?.reason.code;
  };
  return { server, session, clock, counters, works, ends, ended };
}

async function working() {
  const all = await connected();
  await until(() => all.works.length === 1);
  return all;
}

const extranonce = new Uint8Array(EXTRANONCE_SIZE).fill(3);
const share = (work: UpstreamWork | undefined, changes = {}) => ({
  ...{ work: work as UpstreamWork, extranonce, nonce: 5, ntime: TIME, version: 0x2000_0000, worker: WORKER },
  ...changes,
});

describe('UpstreamSession', () => {
  it('sets up with version rolling, asks for worker names and opens one extended channel', async () => {
    const { server, works } = await working();
    expect(server.all(SetupConnection)).toMatchObject([
      { flags: miningClientFlags.REQUIRES_VERSION_ROLLING, endpointHost: 'pool.example', endpointPort: 3333 },
    ]);
    expect(server.all(RequestExtensions)).toMatchObject([{ requestedExtensions: [2] }]);
    const [open] = server.all(OpenExtendedMiningChannel);
    expect(open).toMatchObject({ userIdentity: 'farm', minExtranonceSize: 6 });
    expect(open?.nominalHashRate).toBeCloseTo(HASHRATE, -6);
    // Of all miners together a share a second at most.
    expect(hashesOfTarget(targetFromBytes(open?.maxTarget ?? new Uint8Array(32)))).toBeCloseTo(HASHRATE, -6);
    expect(works[0]).toMatchObject({ jobId: 1 });
  });

  it('tells each work once, for the channel and for its group, also for the one it is moved to', async () => {
    const { server, session, works } = await working();
    server.send(NewExtendedMiningJob, newJob(2, { channelId: GROUP, minNtime: TIME }));
    server.send(NewExtendedMiningJob, newJob(3, { channelId: 99 }));
    server.send(SetGroupChannel, { groupChannelId: 50, channelIds: [CHANNEL] });
    server.send(NewExtendedMiningJob, newJob(4, { channelId: 50 }));
    server.send(SetTarget, { channelId: 50, maximumTarget: targetToBytes(77n) });
    server.send(SetNewPrevHash, newTip(4, 0xa2, { channelId: 50 }));
    await until(() => works.length === 3);
    expect(works.map(({ jobId }) => jobId)).toEqual([1, 2, 4]);
    expect(works[2]?.target.value).toBe(77n);
    expect(session.work).toBe(works[2]);
  });

  it('sends a share once, with its worker, and hands the answers on', async () => {
    const { server, session, works, counters } = await working();
    const answers: string[] = [];
    const owner = {
      answered: (request: string, answer: string) => void answers.push(`${request}:${answer}`),
      refusedLate: (code: string) => void answers.push(`late:${code}`),
    };
    server.on(SubmitSharesExtended, ({ sequenceNumber }) => {
      if (sequenceNumber === 1)
        server.send(SubmitSharesError, { channelId: CHANNEL, sequenceNumber, errorCode: 'stale-share' });
      else {
        const counts = { newSubmitsAcceptedCount: 1, newSharesSum: 1n };
        server.send(SubmitSharesSuccess, { channelId: CHANNEL, lastSequenceNumber: sequenceNumber, ...counts });
      }
    });
    works[0]?.link.submit(share(works[0]), owner, 'a');
    works[0]?.link.submit(share(works[0], { nonce: 6 }), owner, 'b');
    await until(() => answers.length === 2);
    expect(answers).toEqual(['a:stale-share', 'b:']);
    expect(server.all(SubmitSharesExtended)).toMatchObject([
      { channelId: CHANNEL, sequenceNumber: 1, jobId: 1, nonce: 5, ntime: TIME, extranonce },
      { sequenceNumber: 2, nonce: 6 },
    ]);
    expect(counters).toMatchObject({ sharesForwarded: 2, upstreamAccepted: 1 });
    expect(session.sharesInFlight).toBe(0);
  });

  it('loses what is under way with the connection, and sends nothing any more', async () => {
    const { server, session, works, counters, ended } = await working();
    const answers: string[] = [];
    const owner = {
      answered: (request: string, answer: string) => void answers.push(`${request}:${answer}`),
      refusedLate: (code: string) => void answers.push(`late:${code}`),
    };
    works[0]?.link.submit(share(works[0]), owner, 'a');
    server.close();
    expect(await ended()).toBe('upstream-connection-closed');
    expect(session.isOpen).toBe(false);
    works[0]?.link.submit(share(works[0]), owner, 'b');
    expect(answers).toEqual(['a:share-not-stored']);
    expect(counters).toMatchObject({ sharesForwarded: 1, upstreamUnanswered: 1 });
  });

  it('mines without names where the upstream has no such extension', async () => {
    const { server, works } = await connected((scripted) =>
      scripted.on(RequestExtensions, ({ requestId }) =>
        scripted.send(RequestExtensionsError, { requestId, unsupportedExtensions: [2], requiredExtensions: [] }),
      ),
    );
    await until(() => works.length === 1);
    works[0]?.link.submit(share(works[0]), undefined, '');
    await until(() => server.all(SubmitSharesExtended).length === 1);
  });

  it('tells the upstream of a farm that has grown, not often', async () => {
    const { server, session, clock } = await working();
    session.tick(HASHRATE * 2);
    clock.advance(5_000);
    session.tick(HASHRATE * 2);
    session.tick(HASHRATE * 4);
    await until(() => server.all(UpdateChannel).length > 0);
    const updates = server.all(UpdateChannel);
    expect(updates).toHaveLength(1);
    expect(updates[0]?.nominalHashRate).toBeCloseTo(2 * HASHRATE, -6);
    expect(hashesOfTarget(targetFromBytes(updates[0]?.maximumTarget ?? new Uint8Array(32)))).toBeCloseTo(
      2 * HASHRATE,
      -6,
    );
  });

  it('asks an upstream that says nothing, and gives up one that does not answer', async () => {
    const { server, session, clock, ends, ended } = await working();
    clock.advance(PROBE_AFTER_MS);
    session.tick(HASHRATE);
    await until(() => server.all(RequestExtensions).length === 2);
    // Until its answer has come.
    await turns();
    server.on(RequestExtensions, () => undefined);
    clock.advance(PROBE_AFTER_MS);
    session.tick(HASHRATE);
    await until(() => server.all(RequestExtensions).length === 3);
    clock.advance(PROBE_ANSWER_MS - 1);
    session.tick(HASHRATE);
    expect(ends).toEqual([]);
    clock.advance(1);
    session.tick(HASHRATE);
    expect(await ended()).toBe('upstream-silent');
  });

  it('gives up one that has no work in time', async () => {
    const { session, clock, ended } = await connected((server) =>
      server.on(OpenExtendedMiningChannel, () => undefined),
    );
    clock.advance(FIRST_WORK_MS);
    session.tick(HASHRATE);
    expect(await ended()).toBe('upstream-silent');
  });

  it.each<[string, string, (server: FakeServer) => void]>([
    [
      'refuses the setup',
      'upstream-setup-refused',
      (server) =>
        server.on(SetupConnection, () =>
          server.send(SetupConnectionError, { flags: 0, errorCode: 'unsupported-protocol' }),
        ),
    ],
    [
      'has another version',
      'upstream-fault',
      (server) => server.on(SetupConnection, () => server.send(SetupConnectionSuccess, { usedVersion: 3, flags: 0 })),
    ],
    [
      'refuses the channel',
      'upstream-channel-refused',
      (server) =>
        server.on(OpenExtendedMiningChannel, ({ requestId }) =>
          server.send(OpenMiningChannelError, { requestId, errorCode: 'unknown-user' }),
        ),
    ],
    [
      'leaves five bytes of extranonce',
      'upstream-extranonce-too-small',
      (server) =>
        server.on(OpenExtendedMiningChannel, () =>
          server.send(OpenExtendedMiningChannelSuccess, opened({ extranonceSize: 5 })),
        ),
    ],
    [
      'gives an extranonce that is too long',
      'upstream-fault',
      (server) =>
        server.on(OpenExtendedMiningChannel, () =>
          server.send(OpenExtendedMiningChannelSuccess, opened({ extranonceSize: 30 })),
        ),
    ],
    [
      'opens a channel that nobody asked for',
      'upstream-fault',
      (server) =>
        server.on(OpenExtendedMiningChannel, () =>
          server.send(OpenExtendedMiningChannelSuccess, opened({ requestId: 2 })),
        ),
    ],
    [
      'names a job that was not sent',
      'upstream-fault',
      (server) =>
        server.on(OpenExtendedMiningChannel, () => {
          server.send(OpenExtendedMiningChannelSuccess, opened());
          server.send(SetNewPrevHash, newTip(1, 1));
        }),
    ],
    [
      'closes the channel',
      'upstream-channel-closed',
      (server) =>
        server.on(OpenExtendedMiningChannel, () => {
          server.send(OpenExtendedMiningChannelSuccess, opened());
          server.send(CloseChannel, { channelId: CHANNEL, reasonCode: 'enough' });
        }),
    ],
  ])('ends with an upstream that %s', async (_, code, script) => {
    const { ended } = await connected(script);
    expect(await ended()).toBe(code);
  });

  it('ends when it is asked to connect elsewhere, and says where', async () => {
    const { server, ends, ended } = await working();
    server.send(Reconnect, { newHost: 'other.example', newPort: 3334 });
    expect(await ended()).toBe('upstream-reconnect');
    expect(ends[0]?.reconnect).toEqual({ newHost: 'other.example', newPort: 3334 });
  });
});
