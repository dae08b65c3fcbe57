// Channels of single miners beside that of the farm on one connection, with an upstream that a test plays. Time is the test's.
import { targetFromBytes, targetToBytes } from '@sluice/bitcoin/target';
import { hashesOfTarget } from '@sluice/mining/vardiff-difficulty';
import { ManualClock } from '@sluice/runtime/clock';
import { encodeWorkerIdentity } from '@sluice/sv2/extensions';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { SetExtranoncePrefix } from '@sluice/sv2/messages/mining/set-extranonce-prefix';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { describe, expect, it } from 'vitest';
import { authorityKey, FakeServer, modules } from '../../../../packages/client/test/support/fake-server.ts';
import { createCounters } from '../../src/counters.ts';
import { OPENS_IN_FLIGHT } from '../../src/upstream/channels.ts';
import type { UpstreamError } from '../../src/upstream/errors.ts';
import { UpstreamSession } from '../../src/upstream/session.ts';
import { LEAVE_MS, type UpstreamChannel } from '../../src/upstream/upstream-channel.ts';
import type { UpstreamWork } from '../../src/upstream/upstream-work.ts';
import { CHANNEL, EXTRANONCE_SIZE, GROUP, newJob, newTip, opened, TIME } from './told-work.ts';
import { turns, until } from './until.ts';

const HASHRATE = 5e12;
const counts = { newSubmitsAcceptedCount: 1, newSharesSum: 1n };

/** One miner that has a channel of its own, or asks for one. */
class Asking {
  readonly works: UpstreamWork[] = [];
  readonly ends: UpstreamError[] = [];
  readonly field: Uint8Array | undefined;
  readonly channel: UpstreamChannel;
  hashrate = 1e12;

  constructor(session: UpstreamSession, name: string) {
    this.field = name === '' ? undefined : encodeWorkerIdentity(name);
    const channel = session.openChannel(
      { name, field: this.field, hashrate: () => this.hashrate },
      { onWork: (work) => void this.works.push(work), onClosed: (reason) => void this.ends.push(reason) },
    );
    if (channel === undefined) throw new Error('there is no work yet');
    this.channel = channel;
  }

  get work(): UpstreamWork {
    const work = this.works.at(-1);
    if (work === undefined) throw new Error('the channel has no work');
    return work;
  }

  submit(nonce: number, worker = this.field): string[] {
    const answers: string[] = [];
    const owner = {
      answered: (_: string, answer: string) => void answers.push(answer),
      refusedLate: () => undefined,
    };
    const extranonce = new Uint8Array(EXTRANONCE_SIZE);
    this.work.link.submit({ work: this.work, extranonce, nonce, ntime: TIME, version: 1, worker }, owner, 'r');
    return answers;
  }
}

/** A connection whose farm has work. Requests of miners are answered from the channel id 100 on, unless they are held. */
async function connected(identity = 'farm', workerIdentity = '{account}.{worker}') {
  const server = new FakeServer();
  const held: OpenExtendedMiningChannel[] = [];
  let isHolding = false;
  let channels = 0;
  const answer = ({ requestId }: OpenExtendedMiningChannel) => {
    const channelId = requestId === 1 ? CHANNEL : 100 + channels;
    channels += 1;
    server.send(
      OpenExtendedMiningChannelSuccess,
      opened({ requestId, channelId, extranoncePrefix: prefixOf(channelId) }),
    );
    server.send(NewExtendedMiningJob, newJob(1, { channelId }));
    server.send(SetNewPrevHash, newTip(1, 0xa1, { channelId }));
  };
  server.on(RequestExtensions, ({ requestId, requestedExtensions }) =>
    server.send(RequestExtensionsSuccess, { requestId, supportedExtensions: requestedExtensions }),
  );
  server.on(OpenExtendedMiningChannel, (request) => {
    if (isHolding) held.push(request);
    else answer(request);
  });
  const clock = new ManualClock();
  const counters = createCounters();
  const ends: UpstreamError[] = [];
  const session = await UpstreamSession.open(
    server.stream,
    {
      url: { host: 'pool.example', port: 3333, authorityKey },
      ...{ identity, workerIdentity, minExtranonceSize: 6, hashrate: HASHRATE },
    },
    { onWork: () => undefined, onClosed: (reason) => void ends.push(reason) },
    { ...modules, clock, counters },
  );
  await until(() => session.work !== undefined);
  const ask = async (name: string) => {
    const asking = new Asking(session, name);
    await until(() => asking.works.length > 0);
    return asking;
  };
  const hold = () => {
    isHolding = true;
  };
  return { server, session, clock, counters, ends, ask, hold, held, answer };
}

const prefixOf = (channelId: number) => Uint8Array.of(9, 8, channelId);
const lastOf = (bytes: Uint8Array | undefined) => bytes?.at(-1);

describe('channels of single miners', () => {
  it('have the worker behind the identity, as far as the field holds it, and an easiest share of one a second of their miner', async () => {
    const { server, ask } = await connected();
    await ask('rig-1');
    await ask('');
    const [, named, nameless] = server.all(OpenExtendedMiningChannel);
    expect([named?.userIdentity, nameless?.userIdentity]).toEqual(['farm.rig-1', 'farm']);
    expect(named?.minExtranonceSize).toBe(6);
    expect(hashesOfTarget(targetFromBytes(named?.maxTarget ?? new Uint8Array(32)))).toBeCloseTo(1e12, -6);
    const long = await connected('x'.repeat(252));
    await long.ask('rig-1');
    expect(long.server.all(OpenExtendedMiningChannel)[1]?.userIdentity).toBe('x'.repeat(252));
  });

  it('are named as it is set, whatever stands in the names', async () => {
    const { server, ask } = await connected('fa$&rm', '{worker}@{account}');
    await ask('rig{account}$1');
    expect(server.all(OpenExtendedMiningChannel)[1]?.userIdentity).toBe('rig{account}$1@fa$&rm');
  });

  it('are asked for a few at a time, the others when these are answered', async () => {
    const { server, session, hold, held, answer } = await connected();
    hold();
    const asking = Array.from({ length: OPENS_IN_FLIGHT + 3 }, (_, index) => new Asking(session, `rig-${index}`));
    await until(() => held.length === OPENS_IN_FLIGHT);
    await turns();
    expect(held).toHaveLength(OPENS_IN_FLIGHT);
    expect(session.minerChannels).toEqual({ open: 0, opening: OPENS_IN_FLIGHT + 3 });
    // Its miner has gone meanwhile: nobody is asked for it.
    asking.at(-2)?.channel.leave();
    answer(held[0] as OpenExtendedMiningChannel);
    server.send(OpenMiningChannelError, { requestId: held[1]?.requestId ?? 0, errorCode: 'unknown-user' });
    await until(() => held.length === OPENS_IN_FLIGHT + 2);
    expect(held.slice(-2).map(({ userIdentity }) => userIdentity)).toEqual(
      [OPENS_IN_FLIGHT, OPENS_IN_FLIGHT + 2].map((index) => `farm.rig-${index}`),
    );
    expect(asking[1]?.ends.map(({ code, message }) => [code, message])).toEqual([
      ['upstream-channel-refused', 'unknown-user'],
    ]);
    expect(session.minerChannels.open).toBe(1);
  });

  it('have the jobs of their group, each with its own prefix, and those for them alone', async () => {
    const { server, session, ask } = await connected();
    const [first, second] = [await ask('rig-1'), await ask('rig-2')];
    expect([first, second].map(({ work }) => lastOf(work.coinbasePrefix))).toEqual([101, 102]);
    server.send(SetExtranoncePrefix, { channelId: 102, extranoncePrefix: Uint8Array.of(1, 2, 3) });
    server.send(SetTarget, { channelId: 101, maximumTarget: targetToBytes(77n) });
    server.send(NewExtendedMiningJob, newJob(2, { channelId: GROUP, minNtime: TIME }));
    server.send(NewExtendedMiningJob, newJob(3, { channelId: 101, minNtime: TIME }));
    await until(() => first.works.length === 3 && second.works.length === 2);
    expect(first.works.map(({ jobId }) => jobId)).toEqual([1, 2, 3]);
    expect(second.works.map(({ jobId }) => jobId)).toEqual([1, 2]);
    expect(first.work.target.value).toBe(77n);
    expect(second.work.target.value).not.toBe(77n);
    expect(lastOf(second.work.coinbasePrefix)).toBe(3);
    // That of the farm is in the group as well.
    expect(session.work?.jobId).toBe(2);
  });

  it('send shares under their own numbers, which name a worker only when it is another one, and get their own answers', async () => {
    const { server, counters, session, ask } = await connected();
    const [first, second] = [await ask('rig-1'), await ask('rig-2')];
    const answers = [first.submit(1), second.submit(2), second.submit(3, encodeWorkerIdentity('rig-9'))];
    await until(() => server.all(SubmitSharesExtended).length === 3);
    expect(
      server
        .all(SubmitSharesExtended)
        .map(({ channelId, sequenceNumber, nonce }) => [channelId, sequenceNumber, nonce]),
    ).toEqual([
      [101, 1, 1],
      [102, 1, 2],
      [102, 2, 3],
    ]);
    server.send(SubmitSharesError, { channelId: 102, sequenceNumber: 1, errorCode: 'stale-share' });
    server.send(SubmitSharesSuccess, { channelId: 102, lastSequenceNumber: 2, ...counts });
    await until(() => answers[2]?.length === 1);
    expect(answers).toEqual([[], ['stale-share'], ['']]);
    expect(session.sharesInFlight).toBe(1);
    expect(counters).toMatchObject({ sharesForwarded: 3, upstreamAccepted: 1 });
  });

  it('tell the hashrate of their miner', async () => {
    const { server, session, clock, ask } = await connected();
    const miner = await ask('rig-1');
    miner.hashrate = 3e12;
    clock.advance(5_000);
    session.tick(HASHRATE);
    await until(() => server.all(UpdateChannel).length > 0);
    expect(server.all(UpdateChannel)).toMatchObject([{ channelId: 101 }]);
    expect(server.all(UpdateChannel)[0]?.nominalHashRate).toBeCloseTo(3e12, -6);
  });

  it('that nobody works on any more are closed after a while, in which their shares are answered', async () => {
    const { server, session, clock, counters, ask } = await connected();
    const miner = await ask('rig-1');
    const [early, late] = [miner.submit(1), miner.submit(2)];
    miner.channel.leave();
    server.send(SubmitSharesSuccess, { channelId: 101, lastSequenceNumber: 1, ...counts });
    server.send(NewExtendedMiningJob, newJob(2, { channelId: GROUP, minNtime: TIME }));
    await until(() => early.length === 1 && session.work?.jobId === 2);
    expect(miner.works).toHaveLength(1);
    clock.advance(LEAVE_MS - 1);
    session.tick(HASHRATE);
    expect(miner.channel.isOpen).toBe(true);
    clock.advance(1);
    session.tick(HASHRATE);
    await until(() => server.all(CloseChannel).length === 1);
    expect(server.all(CloseChannel)).toMatchObject([{ channelId: 101 }]);
    expect([early, late, miner.ends]).toEqual([[''], [''], []]);
    expect(counters.upstreamUnanswered).toBe(1);
    expect(session.minerChannels.open).toBe(0);
  });

  it('that the upstream closes are gone alone, and their ids may be given again', async () => {
    const { server, session, counters, ends, ask } = await connected();
    const [first, second] = [await ask('rig-1'), await ask('rig-2')];
    const answers = first.submit(1);
    server.send(CloseChannel, { channelId: 101, reasonCode: 'enough' });
    await until(() => first.ends.length === 1);
    expect(first.ends[0]).toMatchObject({ code: 'upstream-channel-closed', message: 'enough' });
    expect(answers).toEqual(['share-not-stored']);
    expect(first.submit(2)).toEqual([]);
    expect(counters).toMatchObject({ sharesForwarded: 1, upstreamUnanswered: 1 });
    server.on(OpenExtendedMiningChannel, ({ requestId }) =>
      server.send(OpenExtendedMiningChannelSuccess, opened({ requestId, channelId: 101 })),
    );
    const again = new Asking(session, 'rig-1');
    await until(() => again.channel.groupId === GROUP);
    expect([second.ends, ends]).toEqual([[], []]);
  });

  it('that leave too few bytes are refused, and closed', async () => {
    const { server, session, ends } = await connected();
    server.on(OpenExtendedMiningChannel, ({ requestId }) =>
      server.send(OpenExtendedMiningChannelSuccess, opened({ requestId, channelId: 101, extranonceSize: 5 })),
    );
    const miner = new Asking(session, 'rig-1');
    await until(() => miner.ends.length === 1 && server.all(CloseChannel).length === 1);
    expect(miner.ends[0]?.code).toBe('upstream-extranonce-too-small');
    // A pool may give its id to the next one at once.
    const next = new Asking(session, 'rig-2');
    await until(() => next.ends.length === 1);
    expect(next.ends[0]?.code).toBe('upstream-extranonce-too-small');
    expect(ends).toEqual([]);
  });

  it('end with their connection, and so does the connection with that of the farm', async () => {
    const { server, session, ends, ask } = await connected();
    const miner = await ask('rig-1');
    server.send(CloseChannel, { channelId: CHANNEL, reasonCode: 'enough' });
    await until(() => ends.length === 1);
    expect(miner.ends.map(({ code }) => code)).toEqual(['upstream-channel-closed']);
    expect(miner.channel.isOpen).toBe(false);
    expect(() => new Asking(session, 'rig-2')).toThrow('there is no work yet');
  });

  it('that were opened twice are a fault of the upstream', async () => {
    const { server, session, ends } = await connected();
    server.on(OpenExtendedMiningChannel, ({ requestId }) =>
      server.send(OpenExtendedMiningChannelSuccess, opened({ requestId, channelId: CHANNEL })),
    );
    new Asking(session, 'rig-1');
    await until(() => ends.length === 1);
    expect(ends[0]?.code).toBe('upstream-fault');
  });
});
