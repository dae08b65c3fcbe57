// Shares that were read together are hashed together: they, and all that they bring about, are to come out as those that come one by one do.
import { MAX_TARGET } from '@sluice/bitcoin/target';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeFarm, FakeUpstream, type FoundShare, UPSTREAM_TARGET } from './fake-farm.ts';

const shareKinds = ['kept', 'forwarded', 'weak', 'again', 'unknown-job'] as const;
const events = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom(...shareKinds), miner: fc.nat(1) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('job', 'tip', 'turn'), miner: fc.constant(0) }) },
  ),
  { minLength: 10, maxLength: 40 },
);
type Event = typeof events extends fc.Arbitrary<(infer E)[]> ? E : never;

/** @param together shares wait until a turn ends, or there are four */
function outcome(sequence: readonly Event[], together: boolean): object {
  const fake = new FakeFarm();
  const tasks: (() => void)[] = [];
  if (together) fake.later = (task) => void tasks.push(task);
  const upstream = new FakeUpstream();
  let [jobId, block] = [1, 0xa1];
  fake.farm.setWork(0, upstream.work(jobId, block));
  const miners = [fake.join('farm.rig-1'), fake.join('farm.rig-2')] as const;
  const last: (FoundShare | undefined)[] = [];
  for (const { kind, miner: index } of sequence) {
    const miner = miners[index] ?? miners[0];
    const found = (): FoundShare => {
      if (kind === 'forwarded') return miner.find(miner.job, { meets: UPSTREAM_TARGET });
      if (kind === 'weak') return miner.find(miner.job, { meets: MAX_TARGET, misses: miner.target });
      return miner.find(miner.job, { meets: miner.target, misses: UPSTREAM_TARGET });
    };
    if (kind === 'turn') for (const task of tasks.splice(0)) task();
    else if (kind === 'job' || kind === 'tip') {
      jobId += 1;
      block += Number(kind === 'tip');
      fake.farm.setWork(0, upstream.work(jobId, block));
    } else {
      const share = kind === 'again' ? last[index] : found();
      last[index] = share;
      if (share !== undefined) miner.submit(share, kind === 'unknown-job' ? { jobId: 9_999 } : {});
    }
  }
  for (const task of tasks.splice(0)) task();
  const { sharesGood, sharesKept, sharesRefused } = fake.counters;
  return {
    answers: miners.map(({ answers }) => [...answers]),
    sentUp: upstream.shares.map(({ work, nonce, extranonce, request }) => [
      work.jobId,
      nonce,
      [...extranonce],
      request,
    ]),
    counters: { sharesGood, sharesKept, sharesRefused: { ...sharesRefused } },
  };
}

it('answers and sends up the same, in the same order, whether shares are read together or one by one', () => {
  fc.assert(
    fc.property(events, (sequence) => {
      expect(outcome(sequence, true)).toEqual(outcome(sequence, false));
    }),
    { numRuns: 40 },
  );
});
