// Upstreams that say anything: what makes no sense ends the connection, nothing throws, and whatever work comes of it can be mined on.

import { ManualClock } from '@sluice/runtime/clock';
import { encodeFrame } from '@sluice/sv2/frames';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SetExtranoncePrefix } from '@sluice/sv2/messages/mining/set-extranonce-prefix';
import { SetGroupChannel } from '@sluice/sv2/messages/mining/set-group-channel';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { authorityKey, FakeServer, modules } from '../../../../packages/client/test/support/fake-server.ts';
import { UpstreamSession } from '../../src/upstream/session.ts';
import { FakeFarm } from '../miners/fake-farm.ts';
import { CHANNEL, GROUP, newJob, newTip, opened } from './told-work.ts';

const RUNS = 150;
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const channelId = fc.constantFrom(CHANNEL, GROUP, 99);
const jobId = fc.nat(3);
const u32 = fc.nat(0xffff_ffff);
const nbits = fc.oneof(u32, fc.constantFrom(0x1d00_ffff, 0x207f_ffff, 0, 0x0180_0000));
const option = fc.option(u32, { nil: undefined });

const frames = fc.oneof(
  fc
    .record({ channelId, jobId, minNtime: option, version: u32, versionRollingAllowed: fc.boolean() })
    .chain((fields) => fc.uint8Array({ maxLength: 90 }).map((coinbaseTxPrefix) => ({ ...fields, coinbaseTxPrefix })))
    .map((changes) => encodeFrame(NewExtendedMiningJob, newJob(changes.jobId, changes))),
  fc
    .record({ channelId, jobId, minNtime: u32, nbits, prevHash: bytes(32) })
    .map((changes) => encodeFrame(SetNewPrevHash, newTip(changes.jobId, 1, changes))),
  fc
    .record({ channelId, maximumTarget: fc.oneof(bytes(32), fc.constant(new Uint8Array(32))) })
    .map((value) => encodeFrame(SetTarget, value)),
  fc
    .record({ channelId, extranoncePrefix: fc.uint8Array({ maxLength: 32 }) })
    .map((value) => encodeFrame(SetExtranoncePrefix, value)),
  fc
    .record({ groupChannelId: channelId, channelIds: fc.array(channelId, { maxLength: 3 }) })
    .map((value) => encodeFrame(SetGroupChannel, value)),
  fc
    .record({ channelId, lastSequenceNumber: u32, newSubmitsAcceptedCount: u32, newSharesSum: fc.constant(0n) })
    .map((value) => encodeFrame(SubmitSharesSuccess, value)),
  fc
    .record({ channelId, sequenceNumber: fc.nat(3), errorCode: fc.string({ maxLength: 20 }) })
    .map((value) => encodeFrame(SubmitSharesError, value)),
  fc.record({ channelId: fc.constant(99), reasonCode: fc.string() }).map((value) => encodeFrame(CloseChannel, value)),
  fc
    .record({ requestId: fc.nat(2), extranonceSize: fc.nat(0xffff), extranoncePrefix: bytes(4) })
    .map((changes) => encodeFrame(OpenExtendedMiningChannelSuccess, opened(changes))),
  // Bytes of any length where a message should be.
  fc
    .tuple(fc.constantFrom(NewExtendedMiningJob, SetNewPrevHash, SetTarget), fc.uint8Array({ maxLength: 60 }))
    .map(([declared, payload]) => {
      const { length } = payload;
      return Uint8Array.of(0, 0x80, declared.type, length, 0, 0, ...payload);
    }),
);

it('never throws, and ends with a reason or goes on', async () => {
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(frames, { maxLength: 12 }), async (told) => {
      const server = new FakeServer();
      const ready = new Promise<void>((resolve) => {
        server.on(OpenExtendedMiningChannel, () => {
          server.send(OpenExtendedMiningChannelSuccess, opened());
          server.send(NewExtendedMiningJob, newJob(1));
          server.send(SetNewPrevHash, newTip(1, 0xa1));
          resolve();
        });
      });
      const fake = new FakeFarm();
      const miner = fake.join();
      const closed = Promise.withResolvers<string>();
      const session = await UpstreamSession.open(
        server.stream,
        {
          url: { host: 'pool.example', port: 1, authorityKey },
          ...{ identity: 'farm', workerIdentity: '{account}.{worker}', minExtranonceSize: 6, hashrate: 1 },
        },
        {
          onWork: (work) => fake.farm.setWork(0, work),
          onClosed: ({ code }) => closed.resolve(code),
        },
        { ...modules, clock: new ManualClock(), counters: fake.counters },
      );
      await ready;
      for (const frame of told) server.sendFrame(frame);
      server.close();
      outcomes.add(await closed.promise);
      expect(session.isOpen).toBe(false);
      expect(miner.jobs.length).toBeGreaterThan(0);
      // A share on whatever it was given is judged.
      const { job } = miner;
      miner.miner.submit(job.id, new Uint8Array(4), job.ntime, 1, job.version, 'last');
      expect(miner.answers.has('last')).toBe(true);
      fake.pass(1);
    }),
    { numRuns: RUNS },
  );
  expect([...outcomes]).toEqual(expect.arrayContaining(['upstream-connection-closed', 'upstream-fault']));
});
