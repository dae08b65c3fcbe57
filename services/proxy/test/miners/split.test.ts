// A farm that several upstreams share: whom each miner works for, and when it goes to another.
import { describe, expect, it } from 'vitest';
import { BALANCE_MS } from '../../src/miners/farm.ts';
import type { UpstreamWork } from '../../src/upstream/upstream-work.ts';
import { FakeFarm, type FakeMiner, FakeUpstream, UPSTREAM_TARGET } from './fake-farm.ts';

describe('several upstreams at a time', () => {
  /** At work for two, with so many miners of the same hashrate. */
  function split(count: number) {
    const fake = new FakeFarm();
    const upstreams = [new FakeUpstream(), new FakeUpstream(), new FakeUpstream()] as const;
    const works = upstreams.map((upstream, place) => upstream.work(place, 0xa1));
    const use = (weights: Readonly<Record<number, number>>) =>
      fake.farm.use(
        Object.entries(weights).map(([place, weight]) => ({
          ...{ place: Number(place), weight, work: works[Number(place)] as UpstreamWork },
        })),
      );
    use({ 0: 70, 1: 30 });
    const miners = Array.from({ length: count }, () => fake.join());
    const sizes = () => upstreams.map((_, place) => fake.farm.minersOf(place));
    return { fake, upstreams, use, miners, sizes };
  }

  it('have the miners that come by their weights', () => {
    const { fake, sizes } = split(20);
    expect(sizes()).toEqual([14, 6, 0]);
    expect(fake.farm.hashrateOf(0) / fake.farm.hashrate).toBeCloseTo(0.7, 5);
    expect(fake.farm.nominalHashrateOf(1)).toBe(fake.farm.hashrateOf(1));
    // One that is not in use would have all.
    expect(fake.farm.nominalHashrateOf(2)).toBe(fake.farm.hashrate);
  });

  it('have the shares of their own miners alone, with the same extranonce', () => {
    const { upstreams, miners } = split(10);
    for (const miner of miners) expect(miner.forwarded()).toBeUndefined();
    expect(upstreams.map(({ shares }) => shares.length)).toEqual([7, 3, 0]);
    const places = upstreams.flatMap(({ shares }) => shares.map(({ extranonce }) => extranonce[5]));
    expect(new Set(places).size).toBe(10);
  });

  it('lose their miners to the others when they fail, by a clean job for these and none for those that were there', () => {
    const { use, upstreams, miners, sizes } = split(10);
    const jobs = miners.map((miner) => miner.jobs.length);
    upstreams[0].isOpen = false;
    use({ 1: 30 });
    expect(sizes()).toEqual([0, 10, 0]);
    const moved = miners.filter((miner, index) => miner.jobs.length > (jobs[index] ?? 0));
    expect(moved).toHaveLength(7);
    expect(moved.every((miner) => miner.jobs.at(-1)?.clean)).toBe(true);
    expect(new Set(moved.map(({ job }) => job.id)).size).toBe(1);
    for (const miner of miners) miner.forwarded();
    expect(upstreams[1].shares).toHaveLength(10);
  });

  it('have them again by few moves, whose earlier jobs are still good on the same tip', () => {
    const { use, upstreams, miners, sizes } = split(10);
    use({ 1: 30 });
    const before = miners.map(({ job }) => job);
    use({ 0: 70, 1: 30 });
    expect(sizes()).toEqual([7, 3, 0]);
    const moved = miners.filter(({ job }, index) => job !== before[index]);
    expect(moved).toHaveLength(7);
    expect(moved.some((miner) => miner.jobs.at(-1)?.clean)).toBe(false);
    // A share on its way goes where its job is from.
    const [first] = moved;
    first?.forwarded(before[miners.indexOf(first)]);
    first?.forwarded();
    expect(upstreams.map(({ shares }) => shares.length)).toEqual([1, 1, 0]);
  });

  it('know what a miner found before it went and came back', () => {
    const { use, upstreams, miners } = split(1);
    const [miner] = miners as [FakeMiner];
    const old = miner.find(miner.job, { meets: UPSTREAM_TARGET });
    expect(miner.submit(old)).toBeUndefined();
    use({ 1: 30 });
    use({ 0: 70 });
    expect(miner.job.id).toBeGreaterThan(old.job.id);
    expect(miner.submit(old, { jobId: miner.job.id })).toBe('duplicate-share');
    expect(upstreams[0].shares).toHaveLength(1);
  });

  it('change miners when the parts are off by more than the tolerance, and only then', () => {
    const { fake, miners, sizes } = split(10);
    fake.pass(BALANCE_MS / 1_000);
    expect(sizes()).toEqual([7, 3, 0]);
    const ofFirst = miners.filter((_, index) => [...fake.farm.all()][index]?.feed.place === 0);
    for (const miner of ofFirst.slice(0, 4)) miner.miner.close();
    expect(sizes()).toEqual([3, 3, 0]);
    fake.pass(BALANCE_MS / 1_000 + 1);
    expect(sizes()).toEqual([4, 2, 0]);
  });
});
