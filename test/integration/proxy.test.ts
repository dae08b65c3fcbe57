// The proxy as a process between miners of Stratum V1 and whole pools of ours: both sides of it are counted, its pools are taken away and
// given back.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { LocalPool } from '../support/local-pool.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { readLedger } from '../support/share-ledger.ts';
import { Sv1Miner } from '../support/sv1-miner.ts';
import { Sv2Relay } from '../support/sv2-relay.ts';
import { TwoPools } from '../support/two-pools.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
/** A block takes 4,096 hashes. */
const EASY_NBITS = 0x1f0f_ffff;
const TIP_TO_MINERS_MS = 1_000;
const FAIL_OVER_MS = 2_000;
const BLACK_HOLE_MS = 10_000;
const RETURN_SECONDS = 2;

const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, number) => total + number, 0);
const sumOf = (miners: readonly Sv1Miner[], value: (miner: Sv1Miner) => number) => sum(miners.map(value));

/** Credited shares by `account.worker`, in order of the names. */
async function credited(pool: LocalPool, account: string): Promise<readonly (readonly [string, number])[]> {
  const ours = [...(await pool.credits())].filter(([name]) => name.startsWith(`${account}.`));
  return ours.map(([name, { shares }]) => [name, shares] as const).sort(([a], [b]) => (a < b ? -1 : 1));
}

describe('the proxy on a pool', () => {
  let pool: LocalPool;
  let relay: Sv2Relay;
  let proxy: ProxyProcess;

  beforeAll(async () => {
    pool = await LocalPool.start({ nbits: HARD_NBITS });
    relay = await Sv2Relay.start('farm', pool);
    proxy = await ProxyProcess.start({ upstreams: [relay], identity: 'farm', flags: ['--shares-per-minute', '60'] });
  });
  afterEach(() => {
    for (const miner of proxy.miners.splice(0)) miner.stop();
  });
  afterAll(async () => {
    await proxy?.stop();
    await relay?.stop();
    await pool?.stop();
  });

  test('what miners are told is accepted is what went up and what stayed, and each is credited by its name for what went up', async () => {
    const miners = await proxy.connect(10, 8_000);
    const wentUp = () => readLedger(relay.log).accepted.length;
    await waitFor(async () => wentUp() > 300 && (await proxy.metric('shares_kept_total')) > 100);
    await proxy.pause();
    const accepted = sumOf(miners, (miner) => miner.accepted);
    expect(miners.flatMap(({ rejections }) => rejections)).toEqual([]);
    expect(accepted).toBe(await proxy.metric('shares_good_total'));
    const [kept, forwarded] = [await proxy.metric('shares_kept_total'), await proxy.metric('shares_forwarded_total')];
    expect(kept + forwarded).toBe(accepted);
    expect(await proxy.metric('upstream_shares_accepted_total')).toBe(forwarded);
    const ledger = readLedger(relay.log);
    expect({ ...ledger, accepted: ledger.accepted.length }).toEqual({
      ...{ sent: forwarded, accepted: forwarded, refused: [], unanswered: 0, faults: [] },
    });
    const due = new Map<string, number>();
    for (const { name } of ledger.accepted) due.set(name, (due.get(name) ?? 0) + 1);
    expect(due.size).toBe(10);
    await waitFor(async () => sum((await credited(pool, 'farm')).map(([, shares]) => shares)) === forwarded);
    expect(await credited(pool, 'farm')).toEqual([...due].sort(([a], [b]) => (a < b ? -1 : 1)));
  });

  test('a block of somebody else is one job for each miner within a second', async () => {
    const miners = await proxy.connect(50, 0);
    await waitFor(() => miners.every(({ jobs }) => jobs.length > 0));
    const from = performance.now();
    const hash = Uint8Array.from(pool.chain.mineBlock());
    await waitFor(() => miners.every((miner) => miner.hasTip(hash)));
    for (const { jobs } of miners) {
      const onTip = jobs.filter(({ prevHash }) => Buffer.compare(prevHash, hash) === 0);
      expect((onTip[0]?.atMs ?? Infinity) - from).toBeLessThan(TIP_TO_MINERS_MS);
      expect(onTip.map(({ clean }) => clean)).toEqual([true, ...Array(onTip.length - 1).fill(false)]);
    }
    // Extranonces are places in the farm: all another one, and nothing of the pool's.
    expect(new Set(miners.map(({ extranonce1 }) => extranonce1.toString('hex'))).size).toBe(50);
    expect(miners.map(({ extranonce1 }) => extranonce1.length)).toEqual(Array(50).fill(2));
  });

  test('ends on SIGTERM when the miners have been moved away', async () => {
    const [miner] = await proxy.connect(1, 8_000);
    expect(await proxy.process.kill('SIGTERM')).toBe(0);
    await waitFor(() => miner?.isOpen === false);
  });
});

test('a block that a miner finds is in the chain, and accepted', async () => {
  const pool = await LocalPool.start({ nbits: EASY_NBITS });
  // After that block shares are easier than blocks again.
  pool.chain.setNbits(HARD_NBITS);
  const proxy = await ProxyProcess.start({ upstreams: [pool], identity: 'finder' });
  try {
    const { height } = pool.chain;
    const [miner] = await proxy.connect(1, 50_000);
    await waitFor(() => pool.chain.height > height && (miner?.blocks.length ?? 0) > 0);
    expect(await pool.chain.isInChain(miner?.blocks[0] as Uint8Array)).toBe(true);
    expect(await proxy.metric('blocks_total')).toBeGreaterThan(0);
  } finally {
    await proxy.stop();
    await pool.stop();
  }
});

test('before a pool works nobody is let in, readiness says why, and the end is as orderly as ever', async () => {
  const nobody = await freePort();
  const proxy = await ProxyProcess.launch({
    upstreams: [{ address: `127.0.0.1:${nobody}`, authorityKey: '' }],
    identity: 'farm',
  });
  try {
    await waitFor(async () => (await proxy.readiness()).includes('upstream-unreachable'));
    expect(await proxy.readiness()).toContain(`127.0.0.1:${nobody}`);
    await expect(new Sv1Miner({ port: proxy.port, user: 'farm.rig', hashrate: 0 }).ready).rejects.toThrow();
    expect(await proxy.process.kill('SIGTERM')).toBe(0);
  } finally {
    await proxy.stop();
  }
});

describe('fail-over', () => {
  let two: TwoPools;
  let proxy: ProxyProcess;
  let miners: readonly Sv1Miner[];

  beforeAll(async () => {
    two = await TwoPools.start(HARD_NBITS);
    proxy = await ProxyProcess.start({
      upstreams: two.upstreams,
      identity: 'farm',
      flags: ['--shares-per-minute', '600', '--return-after', String(RETURN_SECONDS)],
    });
    miners = await proxy.connect(40, 2_000);
    await waitFor(() => miners.every(({ accepted }) => accepted > 0));
    await waitFor(async () => (await proxy.metric('upstream_up')) === 2);
  });
  afterAll(async () => {
    await proxy?.stop();
    await two?.stop();
  });

  /** Milliseconds from the break of a way to the job of the other pool that came to a miner last. */
  async function untilAllOn(place: 0 | 1, brokenAt: number): Promise<number> {
    const { tipHash } = two.pools[place].chain;
    const jobSince = ({ jobs }: Sv1Miner) =>
      jobs.find(({ prevHash, atMs }) => atMs >= brokenAt && Buffer.compare(prevHash, tipHash) === 0);
    await waitFor(() => miners.every((miner) => jobSince(miner) !== undefined));
    return Math.max(...miners.map((miner) => jobSince(miner)?.atMs ?? Infinity)) - brokenAt;
  }

  /** Shares are accepted of each miner from now on. */
  async function allAccepted(): Promise<void> {
    const before = miners.map(({ accepted }) => accepted);
    await waitFor(() => miners.every(({ accepted }, index) => accepted > (before[index] ?? 0)));
  }

  const connections = () => [...new Set(miners.map(({ isOpen }) => isOpen))];

  test('all mine for the second within two seconds of the end of the first, and for the first when it is back; none is disconnected', async () => {
    const [first] = two.ways;
    first.cut();
    expect(await untilAllOn(1, first.brokenAt)).toBeLessThan(FAIL_OVER_MS);
    await allAccepted();
    const restored = performance.now();
    first.restore();
    await untilAllOn(0, restored);
    expect(performance.now() - restored).toBeGreaterThan(RETURN_SECONDS * 1_000);
    await allAccepted();
    expect(connections()).toEqual([true]);
  });

  test('a pool that hangs is left within ten seconds', async () => {
    const [first] = two.ways;
    await waitFor(async () => (await proxy.metric('upstream_up')) === 2);
    first.swallow();
    expect(await untilAllOn(1, first.brokenAt)).toBeLessThan(BLACK_HOLE_MS);
    await allAccepted();
    expect(connections()).toEqual([true]);
  });

  test('while no pool is there miners stay, and their shares are refused until one is', async () => {
    const [, second] = two.ways;
    const refused = () => sumOf(miners, ({ rejections }) => rejections.length);
    const before = refused();
    second.cut();
    await waitFor(() => refused() > before + 100);
    second.restore();
    await allAccepted();
    expect(connections()).toEqual([true]);
  });

  test('no share was counted twice, and every one has its place in the books', async () => {
    await proxy.pause();
    const metrics = ['shares_good', 'shares_kept', 'shares_unserved', 'shares_forwarded'] as const;
    const [good, kept, unserved, forwarded] = await Promise.all(metrics.map((name) => proxy.metric(`${name}_total`)));
    expect((kept ?? 0) + (unserved ?? 0) + (forwarded ?? 0)).toBe(good);
    const ends = ['accepted', 'refused', 'unanswered'] as const;
    const [accepted = 0, refusedThere = 0, unanswered = 0] = await Promise.all(
      ends.map((name) => proxy.metric(`upstream_shares_${name}_total`)),
    );
    expect(accepted + refusedThere + unanswered).toBe(forwarded);
    const credits = async () =>
      sum((await Promise.all(two.pools.map((pool) => credited(pool, 'farm')))).flat().map(([, shares]) => shares));
    // What a pool took right before the way to it broke is credited, and nobody here knows.
    await waitFor(async () => (await credits()) >= accepted);
    expect(await credits()).toBeLessThanOrEqual(accepted + unanswered);
    expect(accepted).toBeGreaterThan(0);
  });
});
