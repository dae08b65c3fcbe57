import type { SocketWriter } from '@sluice/server/socket-writer';
import { encodeFrame } from '@sluice/sv2/frames';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCounters } from '../src/counters.ts';
import { JobWriter } from '../src/job-writer.ts';

const u32 = fc.nat(2 ** 32 - 1);
const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const jobs = fc.record({
  ...{ jobId: u32, height: u32, version: u32, versionRollingAllowed: fc.boolean() },
  merklePath: fc.array(bytes(32, 32), { maxLength: 13 }),
  ...{ coinbasePrefix: bytes(0, 300), coinbaseSuffix: bytes(0, 300) },
  ...{ provider: fc.constant('a'), templateId: fc.constant(1n) },
});
const calls = fc.array(
  fc.record({
    kind: fc.constantFrom('extended' as const, 'standard' as const, 'tip' as const),
    ...{ job: fc.nat(2), channelId: u32, jobId: u32 },
    minNtime: fc.option(u32, { nil: undefined }),
    ...{ root: bytes(32, 32), nbits: u32 },
  }),
  { maxLength: 30 },
);

test('frames that are used again say what those say that are made anew, in whatever order', () => {
  fc.assert(
    fc.property(fc.tuple(jobs, jobs, jobs), calls, (three, told) => {
      const written: Uint8Array[] = [];
      const writer = { write: (frame: Uint8Array) => written.push(frame.slice()) } as unknown as SocketWriter;
      const jobWriter = new JobWriter(createCounters());
      const expected = told.map(({ kind, job: index, channelId, jobId, minNtime, root, nbits }) => {
        const job = three[index] ?? three[0];
        const { version, versionRollingAllowed, merklePath } = job;
        if (kind === 'tip') {
          const tip = { feed: 1, prevHash: root, nbits, minNtime: minNtime ?? 0, networkTarget: root };
          jobWriter.tip(writer, channelId, jobId, tip);
          return encodeFrame(SetNewPrevHash, { channelId, jobId, prevHash: root, minNtime: tip.minNtime, nbits });
        }
        if (kind === 'standard') {
          jobWriter.standardJob(writer, channelId, job, jobId, minNtime, root);
          return encodeFrame(NewMiningJob, { channelId, jobId, minNtime, version, merkleRoot: root });
        }
        jobWriter.extendedJob(writer, channelId, job, jobId, minNtime);
        const coinbase = { coinbaseTxPrefix: job.coinbasePrefix, coinbaseTxSuffix: job.coinbaseSuffix };
        const fields = { channelId, jobId, minNtime, version, versionRollingAllowed, merklePath, ...coinbase };
        return encodeFrame(NewExtendedMiningJob, fields);
      });
      expect(written).toEqual(expected.map((frame) => frame.slice()));
    }),
  );
});
