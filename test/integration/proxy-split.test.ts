// The proxy between a hundred miners of unequal speed and two pools of ours that share them by weight. Jobs tell which pool they are of, so the
// miners know whom they worked for.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProxyProcess } from '../support/proxy-process.ts';
import type { Sv1Job, Sv1Miner } from '../support/sv1-miner.ts';
import { TwoPools } from '../support/two-pools.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
const MINERS = 100;
/** Hashes a second of the slowest; the fastest has ten times as many. */
const SLOWEST = 150;
const WEIGHTS = [70, 30] as const;
const RETURN_SECONDS = 2;
const FAIL_OVER_MS = 2_000;
/** What the balance leaves, and what is not known of the miners' speed. */
const PART_TOLERANCE = 0.08;
/** Accepted shares of a measurement. */
const SHARES = 1_500;

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

describe('two pools by weight', () => {
  let two: TwoPools;
  let proxy: ProxyProcess;
  let miners: readonly Sv1Miner[];

  beforeAll(async () => {
    two = await TwoPools.start(HARD_NBITS);
    proxy = await ProxyProcess.start({
      upstreams: two.upstreams.map(({ address, authorityKey }, place) => ({
        url: `stratum2+tcp://${address}/${authorityKey}?weight=${WEIGHTS[place]}`,
      })),
      identity: 'farm',
      flags: ['--shares-per-minute', '120', '--return-after', String(RETURN_SECONDS)],
    });
    await waitFor(async () => (await proxy.metric('upstream_active')) === 2);
    miners = await proxy.connect(MINERS, 0);
    for (const [index, miner] of miners.entries()) miner.hashrate = SLOWEST * (1 + (index % 10));
  });
  afterAll(async () => {
    await proxy?.stop();
    await two?.stop();
  });

  /** Of the miners' true hashrate, the part that works for the first pool. */
  async function partOfFirst(): Promise<number> {
    const { clients } = (await proxy.api('/clients?limit=1000')) as {
      readonly clients: readonly { readonly worker: string; readonly upstream: number }[];
    };
    const rates = clients.map(({ worker, upstream }) => ({
      upstream,
      hashrate: miners[Number(worker.split('-')[1])]?.hashrate ?? 0,
    }));
    const all = sum(rates.map(({ hashrate }) => hashrate));
    return sum(rates.filter(({ upstream }) => upstream === 1).map(({ hashrate }) => hashrate)) / all;
  }

  const isOfSecond = ({ prevHash }: Sv1Job) => Buffer.compare(prevHash, two.pools[1].chain.tipHash) === 0;
  const isRight = async () => Math.abs((await partOfFirst()) - 0.7) < PART_TOLERANCE;
  const accepted = () => sum(miners.map((miner) => miner.accepted));
  const connections = () => [...new Set(miners.map(({ isOpen }) => isOpen))];

  /** Expected hashes of the accepted shares so far, for the first pool and for the second. */
  function work(): readonly [number, number] {
    const hashesOf = ({ target }: Sv1Job) =>
      2 ** 256 / Number(BigInt(`0x${Buffer.from(target).reverse().toString('hex')}`));
    const all = miners.flatMap((miner) =>
      miner.jobs.map((job) => ({ job, hashes: (miner.acceptedOf.get(job.id) ?? 0) * hashesOf(job) })),
    );
    const second = sum(all.filter(({ job }) => isOfSecond(job)).map(({ hashes }) => hashes));
    return [sum(all.map(({ hashes }) => hashes)) - second, second];
  }

  /** The part of the work from now on that is the first pool's. */
  async function measured(): Promise<number> {
    const [before, from] = [work(), accepted()];
    await waitFor(() => accepted() > from + SHARES);
    const [first, second] = work().map((hashes, pool) => hashes - (before[pool] ?? 0)) as [number, number];
    return first / (first + second);
  }

  test('each gets its part of the work, and credits what went up to it', async () => {
    await waitFor(isRight);
    const part = await measured();
    expect(part).toBeGreaterThan(0.7 - PART_TOLERANCE);
    expect(part).toBeLessThan(0.7 + PART_TOLERANCE);
    for (const pool of two.pools) await waitFor(async () => (await pool.credits()).size > 0);
    expect(await proxy.metric('upstream_miners')).toBe(MINERS);
    expect(connections()).toEqual([true]);
  });

  test('when one fails its miners are with the other within two seconds, and back by weight when it is there again', async () => {
    const [first] = two.ways;
    first.cut();
    const { brokenAt } = first;
    const jobSince = ({ jobs }: Sv1Miner) => jobs.findLast((job) => isOfSecond(job) || job.atMs > brokenAt);
    await waitFor(() =>
      miners.every((miner) => jobSince(miner) !== undefined && isOfSecond(jobSince(miner) as Sv1Job)),
    );
    expect(performance.now() - brokenAt).toBeLessThan(FAIL_OVER_MS);
    expect(await partOfFirst()).toBe(0);
    const restored = performance.now();
    first.restore();
    await waitFor(isRight);
    expect(performance.now() - restored).toBeGreaterThan(RETURN_SECONDS * 1_000);
    const part = await measured();
    expect(part).toBeGreaterThan(0.7 - PART_TOLERANCE);
    expect(part).toBeLessThan(0.7 + PART_TOLERANCE);
    expect(connections()).toEqual([true]);
  });

  test('no share was counted twice, and the pools credit what went up to both', async () => {
    await proxy.pause();
    const ends = ['accepted', 'refused', 'unanswered'] as const;
    const forwarded = await proxy.metric('shares_forwarded_total');
    const [taken = 0, refused = 0, unanswered = 0] = await Promise.all(
      ends.map((name) => proxy.metric(`upstream_shares_${name}_total`)),
    );
    expect(taken + refused + unanswered).toBe(forwarded);
    // What was on its way when the first was cut may have come.
    await waitFor(async () => (await two.credited()) >= taken);
    expect(await two.credited()).toBeLessThanOrEqual(taken + unanswered);
  });
});
