// The way of jobs to miners, and of their shares to upstreams, with real hashes.
import { meetsTarget, targetOfDifficulty } from '@sluice/bitcoin/target';
import { shareTarget } from '@sluice/mining/share-target';
import { encodeWorkerIdentity } from '@sluice/sv2/extensions';
import { describe, expect, it } from 'vitest';
import { PLACES_BOUND } from '../../src/miners/places.ts';
import { TIME } from '../upstream/told-work.ts';
import { FakeFarm, type FakeMiner, FakeUpstream, FIRST_DIFFICULTY, hashOf, UPSTREAM_TARGET } from './fake-farm.ts';

/** At work for an upstream, with one miner. */
function working() {
  const fake = new FakeFarm();
  const upstream = new FakeUpstream();
  fake.farm.setWork(0, upstream.work(1, 0xa1));
  return { ...fake, fake, upstream, miner: fake.join() };
}

describe('jobs', () => {
  it('come with a target at once, or as soon as there is an upstream, and not before a miner is authorized', () => {
    const fake = new FakeFarm();
    const early = fake.join();
    const silent = fake.open();
    expect(early.jobs).toEqual([]);
    fake.farm.setWork(0, new FakeUpstream().work(1, 0xa1));
    const late = fake.join();
    for (const { jobs, targets } of [early, late]) {
      expect(jobs.map(({ clean }) => clean)).toEqual([true]);
      expect(targets.map(({ value }) => value)).toEqual([targetOfDifficulty(FIRST_DIFFICULTY)]);
    }
    expect(silent.jobs).toEqual([]);
    // One object for all: its line is made once.
    expect(late.job).toBe(early.job);
  });

  it('leave a miner the same extranonce on every upstream', () => {
    const { farm, miner, fake } = working();
    const before = [miner.miner.extranonce1, miner.miner.extranonce2Size];
    const { coinbasePrefix } = miner.job;
    expect([...coinbasePrefix.slice(-7)]).toEqual([9, 8, 7, 0, 0, 0, 0]);
    const other = new FakeUpstream();
    farm.use([
      { place: 1, weight: 1, work: other.work(5, 0xa1, { coinbasePrefix: Uint8Array.of(1, 2), extranonceSize: 6 }) },
    ]);
    expect([...miner.job.coinbasePrefix]).toEqual([1, 2]);
    expect([miner.miner.extranonce1, miner.miner.extranonce2Size]).toEqual(before);
    expect([...fake.open().miner.extranonce1]).toEqual([0, 2]);
    expect(miner.forwarded()).toBeUndefined();
    expect(other.shares[0]?.extranonce.length).toBe(6);
  });

  it('void the earlier ones on another tip alone', () => {
    const { farm, miner, upstream } = working();
    const first = miner.job;
    farm.setWork(0, upstream.work(2, 0xa1, { minNtime: TIME + 1 }));
    expect(miner.jobs.at(-1)?.clean).toBe(false);
    expect(miner.kept(first)).toBe('');
    farm.setWork(0, upstream.work(3, 0xa2));
    expect(miner.jobs.at(-1)?.clean).toBe(true);
    expect(miner.kept(first)).toBe('stale-share');
    farm.setWork(0, upstream.work(4, 0xa3));
    expect(miner.kept(first)).toBe('invalid-job-id');
    expect(miner.kept()).toBe('');
    expect(new Set(miner.jobs.map(({ job }) => job.id)).size).toBe(4);
  });

  it('say which bits of the version may be rolled', () => {
    const { farm, miner, upstream } = working();
    expect(miner.job.versionMask).toBe(0x1fff_ffe0);
    farm.setWork(0, upstream.work(2, 0xa2, { versionRollingAllowed: false }));
    expect(miner.job.versionMask).toBe(0);
  });
});

describe('shares', () => {
  it('below what the upstream wants stay here, and are accepted', () => {
    const { miner, upstream, counters } = working();
    expect(miner.kept()).toBe('');
    expect(upstream.shares).toEqual([]);
    expect(counters).toMatchObject({ sharesGood: 1, sharesKept: 1 });
  });

  it('go up as the upstream will see them, named, and are answered when it has answered', () => {
    const { miner, upstream, counters } = working();
    expect(miner.forwarded()).toBeUndefined();
    const [share] = upstream.shares;
    expect(meetsTarget(hashOf(share!), shareTarget(UPSTREAM_TARGET).bytes)).toBe(true);
    expect([...share!.extranonce.slice(0, 6)]).toEqual([0, 0, 0, 0, 0, 1]);
    expect(share?.worker).toEqual(encodeWorkerIdentity('rig-1'));
    share?.owner?.answered(share.request, 'stale-share');
    expect([...miner.answers.values()]).toEqual(['stale-share']);
    expect(counters).toMatchObject({ sharesGood: 1, sharesKept: 0 });
  });

  it('have a rolled version and a later time go up with them', () => {
    const { miner, upstream } = working();
    const rolled = { version: 0x2000_0000 | 0x0aaa_a000, ntime: TIME + 30 };
    expect(miner.submit(miner.find(miner.job, { meets: UPSTREAM_TARGET, ...rolled }))).toBeUndefined();
    expect(upstream.shares).toMatchObject([rolled]);
    expect(meetsTarget(hashOf(upstream.shares[0]!), shareTarget(UPSTREAM_TARGET).bytes)).toBe(true);
  });

  it.each<[string, (miner: FakeMiner) => string | undefined]>([
    ['invalid-job-id', (miner) => miner.submit(good(miner), { jobId: 999 })],
    ['bad-extranonce-size', (miner) => miner.submit(good(miner), { extranonce2: new Uint8Array(3) })],
    ['invalid-non-rollable-version-bit', (miner) => miner.submit(good(miner), { version: 0x2000_0001 })],
    ['invalid-share', (miner) => miner.submit(good(miner), { ntime: TIME - 1 })],
    ['invalid-share', (miner) => miner.submit(good(miner), { ntime: TIME + 601 })],
    [
      'difficulty-too-low',
      (miner) => miner.submit(miner.find(miner.job, { meets: (1n << 256n) - 1n, misses: miner.target })),
    ],
    [
      'duplicate-share',
      (miner) => {
        const share = good(miner);
        miner.submit(share);
        return miner.submit(share);
      },
    ],
  ])('are refused with %s', (code, submit) => {
    const { miner, upstream, counters } = working();
    expect(submit(miner)).toBe(code);
    expect(counters.sharesRefused[code as keyof typeof counters.sharesRefused]).toBe(1);
    expect(upstream.shares.length).toBeLessThanOrEqual(1);
  });

  it('whose version is rolled where it may not be are refused', () => {
    const { farm, miner, upstream } = working();
    farm.setWork(0, upstream.work(2, 0xa2, { versionRollingAllowed: false }));
    const share = miner.find(miner.job, { meets: miner.target, version: 0x2000_2000 });
    expect(miner.submit(share)).toBe('version-rolling-not-allowed');
  });

  it('that are blocks go up although they are late or too easy for a share', () => {
    const { farm, miner, upstream, counters } = working();
    // A block takes two hashes.
    farm.setWork(0, upstream.work(2, 0xa2, { nbits: 0x207f_ffff }));
    const block = miner.find(miner.job, { meets: 1n << 254n, misses: miner.target });
    expect(miner.submit(block)).toBe('difficulty-too-low');
    const late = miner.find(miner.job, { meets: 1n << 254n });
    farm.setWork(0, upstream.work(3, 0xa3));
    expect(miner.submit(late)).toBe('stale-share');
    expect(upstream.shares.map(({ work, owner }) => [work.jobId, owner])).toEqual([
      [2, undefined],
      [2, undefined],
    ]);
    expect(counters.blocks).toBe(2);
  });

  it('that are blocks and below what the upstream wants go up, and are good here', () => {
    const { farm, miner, upstream, counters } = working();
    farm.setWork(0, upstream.work(2, 0xa2, { nbits: 0x207f_ffff }));
    expect(miner.kept()).toBe('');
    expect(upstream.shares.map(({ work, owner }) => [work.jobId, owner])).toEqual([[2, undefined]]);
    expect([counters.blocks, counters.sharesGood, counters.sharesKept]).toEqual([1, 1, 1]);
  });

  it('of a miner that has left are answered to nobody', () => {
    const { farm, miner, upstream } = working();
    miner.forwarded();
    miner.miner.close();
    miner.miner.close();
    expect(farm.miners).toBe(0);
    upstream.shares[0]?.owner?.answered(upstream.shares[0].request, '');
    expect(miner.submit(good(miner))).toBeUndefined();
    expect(miner.answers.size).toBe(0);
  });

  it('of a miner that was not authorized are refused', () => {
    const { fake } = working();
    const silent = fake.open();
    silent.miner.submit(1, new Uint8Array(4), TIME, 0, 0, 'r');
    expect(silent.answers.get('r')).toBe('invalid-job-id');
  });
});

/** One that stays here. */
function good(miner: FakeMiner) {
  return miner.find(miner.job, { meets: miner.target, misses: UPSTREAM_TARGET });
}

describe('another upstream', () => {
  it('on the same tip leaves the shares on their way to the first, while that is there', () => {
    const { farm, miner, upstream } = working();
    const old = miner.job;
    const other = new FakeUpstream();
    farm.use([{ place: 1, weight: 1, work: other.work(9, 0xa1) }]);
    expect(miner.jobs.at(-1)?.clean).toBe(false);
    expect(miner.forwarded(old)).toBeUndefined();
    expect(upstream.shares).toHaveLength(1);
    expect(miner.forwarded()).toBeUndefined();
    expect(other.shares).toHaveLength(1);
  });

  it('voids the jobs of one that is gone', () => {
    const { farm, miner, upstream } = working();
    const old = miner.job;
    upstream.isOpen = false;
    const other = new FakeUpstream();
    farm.use([{ place: 1, weight: 1, work: other.work(9, 0xa1) }]);
    expect(miner.jobs.at(-1)?.clean).toBe(true);
    expect(miner.forwarded(old)).toBe('stale-share');
    expect(miner.kept()).toBe('');
  });

  it('is missed by shares: while there is none, all are refused and the miner stays', () => {
    const { miner, upstream, counters } = working();
    upstream.isOpen = false;
    expect(miner.kept()).toBe('share-not-stored');
    expect(miner.forwarded()).toBe('share-not-stored');
    expect(upstream.shares).toEqual([]);
    expect(counters).toMatchObject({ sharesGood: 2, sharesUnserved: 2, sharesKept: 0 });
  });

  it('that comes back with a job that miners have had knows its duplicates, and gives it another number', () => {
    const { farm, miner, upstream } = working();
    const work = upstream.work(1, 0xb1);
    farm.setWork(0, work);
    const old = miner.job;
    const share = miner.find(old, { meets: UPSTREAM_TARGET });
    expect(miner.submit(share)).toBeUndefined();
    farm.use([{ place: 1, weight: 1, work: new FakeUpstream().work(9, 0xb1) }]);
    farm.use([{ place: 0, weight: 1, work: work }]);
    expect(miner.job.id).not.toBe(old.id);
    expect(miner.job.ntime).toBeGreaterThan(old.ntime);
    expect(miner.submit(share, { jobId: miner.job.id })).toBe('duplicate-share');
    expect(upstream.shares).toHaveLength(1);
  });
});

describe('a share that waits for others', () => {
  /** With a share of a miner that is not answered before something else happens to it. */
  function waiting() {
    const all = working();
    // The first of a job does not wait.
    expect(all.miner.kept()).toBe('');
    all.fake.later = () => {};
    expect(all.miner.kept()).toBeUndefined();
    return all;
  }

  it('is answered before its miner leaves', () => {
    const { farm, miner, counters } = waiting();
    miner.miner.close();
    expect([...miner.answers.values()]).toEqual(['', '']);
    expect(counters.sharesKept).toBe(2);
    expect(farm.miners).toBe(0);
  });

  it('goes up as it came, whatever the memory that it came in holds meanwhile', () => {
    const { miner, upstream } = waiting();
    const share = miner.find(miner.job, { meets: UPSTREAM_TARGET });
    expect(miner.submit(share)).toBeUndefined();
    share.extranonce2.fill(0xff);
    miner.miner.close();
    expect(upstream.shares).toHaveLength(1);
    expect(meetsTarget(hashOf(upstream.shares[0]!), shareTarget(UPSTREAM_TARGET).bytes)).toBe(true);
  });

  it('is no more after its answer has closed the miner, as that of a peer does which does not read', () => {
    for (const change of ['another name', 'a job', 'its end'] as const) {
      const { farm, miner, upstream, workers } = waiting();
      miner.onAnswered = () => miner.miner.close();
      const { length } = miner.jobs;
      if (change === 'another name') miner.miner.authorize('farm.rig-2');
      else if (change === 'a job') farm.setWork(0, upstream.work(2, 0xa2));
      else miner.miner.close();
      expect(miner.answers.size).toBe(2);
      expect(miner.jobs).toHaveLength(length);
      expect([...workers.all()].map(({ name, miners }) => [name, miners.size])).toEqual([['rig-1', 0]]);
      expect(farm.miners).toBe(0);
    }
  });

  it('counts before a wish for a difficulty, which is then too late', () => {
    const fake = new FakeFarm();
    fake.farm.setWork(0, new FakeUpstream().work(1, 0xa1));
    const [other, miner] = [fake.join('farm.rig-1'), fake.join('farm.rig-2')];
    expect(other.kept()).toBe('');
    fake.later = () => {};
    expect(miner.kept()).toBeUndefined();
    const { target } = miner;
    miner.miner.suggestDifficulty(FIRST_DIFFICULTY / 4);
    expect(miner.answers.size).toBe(1);
    fake.pass(1);
    // Not the easier one that it wishes.
    expect(miner.target).toBeLessThanOrEqual(target);
  });
});

describe('the same bytes again', () => {
  it('are another number for later times, their duplicates are known, and a share is for the job that it names', () => {
    const { farm, miner, upstream } = working();
    const old = miner.job;
    const share = miner.find(old, { meets: UPSTREAM_TARGET });
    expect(miner.submit(share)).toBeUndefined();
    farm.setWork(0, upstream.work(2, 0xa1, { minNtime: TIME + 5, target: shareTarget(2n * UPSTREAM_TARGET) }));
    expect(miner.jobs.at(-1)?.clean).toBe(false);
    expect(miner.job).toMatchObject({ ntime: TIME + 5, coinbasePrefix: old.coinbasePrefix });
    expect(miner.submit(share, { jobId: miner.job.id })).toBe('duplicate-share');
    miner.forwarded();
    miner.forwarded(old);
    expect(upstream.shares.map(({ work }) => work.jobId)).toEqual([1, 2, 1]);
    farm.setWork(0, upstream.work(3, 0xa1));
    expect(miner.job.ntime).toBe(TIME + 6);
  });

  it('are what a miner that comes later begins with', () => {
    const { fake, farm, miner, upstream } = working();
    farm.setWork(0, upstream.work(2, 0xa1, { minNtime: TIME + 5 }));
    const late = fake.join();
    expect(late.jobs).toEqual([{ job: miner.job, clean: true }]);
    late.forwarded();
    expect(upstream.shares.map(({ work }) => work.jobId)).toEqual([2]);
  });
});

describe('places', () => {
  it('are given until all are taken, and again when one is free', () => {
    const fake = new FakeFarm();
    const first = fake.open();
    while (fake.farm.miners < PLACES_BOUND) fake.open();
    expect(() => fake.open()).toThrow('all places are taken');
    first.miner.close();
    expect([...fake.open().miner.extranonce1]).toEqual([0, 1]);
  });
});

describe('difficulty', () => {
  it('follows a miner that has too many shares, with the same job under another number', () => {
    const { fake, miner } = working();
    const before = miner.job;
    for (let share = 0; share < 12; share += 1) miner.kept();
    fake.pass(3);
    expect(miner.targets).toHaveLength(2);
    expect(miner.target).toBeLessThan(targetOfDifficulty(FIRST_DIFFICULTY));
    expect(miner.jobs.at(-1)?.clean).toBe(false);
    expect(miner.job).toMatchObject({ coinbasePrefix: before.coinbasePrefix, prevHash: before.prevHash });
    expect(miner.job.id).toBeGreaterThan(before.id);
    expect(miner.job.ntime).toBeGreaterThan(before.ntime);
    // A share for the old job needs the old target.
    expect(
      miner.submit(miner.find(before, { meets: targetOfDifficulty(FIRST_DIFFICULTY), misses: miner.target })),
    ).toBe('');
  });

  it('is never harder than the upstream, and eases with it at the next job', () => {
    const { fake, farm, miner, upstream } = working();
    for (let share = 0; share < 200; share += 1) miner.kept();
    fake.pass(5);
    expect(miner.target).toBeGreaterThanOrEqual(UPSTREAM_TARGET);
    const eased = 1n << 252n;
    farm.setWork(0, upstream.work(2, 0xa1, { target: shareTarget(eased) }));
    expect(miner.target).toBeGreaterThanOrEqual(eased);
    expect(miner.target).toBeLessThan(2n * eased);
  });

  it('begins with what a miner wishes, within bounds', () => {
    const { fake } = working();
    const wishing = (difficulty: number) => {
      const miner = fake.open();
      miner.miner.suggestDifficulty(difficulty);
      miner.miner.authorize('farm.x');
      return miner.target;
    };
    expect(wishing(2 ** -24)).toBe(targetOfDifficulty(2 ** -24));
    // The upstream's is a little easier than 2^-22.
    expect(wishing(1e9)).toBe(targetOfDifficulty(2 ** -23));
    expect(wishing(1e-15)).toBe(targetOfDifficulty(2 ** -30));
  });

  it('takes a wish once, until the first share', () => {
    const { fake } = working();
    const miner = fake.join();
    miner.miner.suggestDifficulty(2 ** -24);
    miner.miner.suggestDifficulty(2 ** -25);
    fake.pass(1);
    expect(miner.targets.map(({ value }) => value)).toEqual([FIRST_DIFFICULTY, 2 ** -24].map(targetOfDifficulty));
    expect(miner.jobs.map(({ clean }) => clean)).toEqual([true, false]);
    const [busy, other] = [fake.join(), fake.join()];
    busy.kept();
    other.kept();
    busy.miner.suggestDifficulty(2 ** -29);
    fake.pass(1);
    expect(busy.targets).toEqual(other.targets);
  });

  it('adds up to a hashrate, which without miners is that of one to come', () => {
    const fake = new FakeFarm();
    const one = fake.farm.hashrate;
    expect(one).toBeCloseTo(6.4, 1);
    fake.farm.setWork(0, new FakeUpstream().work(1, 0xa1));
    fake.join();
    expect(fake.farm.hashrate).toBeCloseTo(one, 5);
    fake.join();
    expect(fake.farm.hashrate).toBeCloseTo(2 * one, 5);
  });
});
