// The proxy as a process on a pool that has nothing but Stratum V1: alone, behind a pool of ours, and before one.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalPool } from '../support/local-pool.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import type { Sv1Miner } from '../support/sv1-miner.ts';
import { Sv1Pool } from '../support/sv1-pool.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { makeTlsPair } from '../support/tls-certificate.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
/** 1,718 hashes. */
const DIFFICULTY = 4e-7;
const FAIL_OVER_MS = 2_000;
const BLACK_HOLE_MS = 10_000;
const RETURN_SECONDS = 2;
const USER = 'farm.all';

const sumOf = (miners: readonly Sv1Miner[], value: (miner: Sv1Miner) => number) =>
  miners.reduce((sum, miner) => sum + value(miner), 0);

/** Shares are accepted of each miner from now on. */
async function allAccepted(miners: readonly Sv1Miner[]): Promise<void> {
  const before = miners.map(({ accepted }) => accepted);
  await waitFor(() => miners.every(({ accepted }, index) => accepted > (before[index] ?? 0)));
}

/** Milliseconds from then to the job on this tip that came to a miner last. */
async function untilAllOn(miners: readonly Sv1Miner[], tip: Uint8Array, sinceMs: number): Promise<number> {
  const jobSince = ({ jobs }: Sv1Miner) =>
    jobs.find(({ prevHash, atMs }) => atMs >= sinceMs && Buffer.compare(prevHash, tip) === 0);
  await waitFor(() => miners.every((miner) => jobSince(miner) !== undefined));
  return Math.max(...miners.map((miner) => jobSince(miner)?.atMs ?? Infinity)) - sinceMs;
}

describe('the proxy on a pool of Stratum V1', () => {
  test('what it says of shares is what the pool says, and every one is checked there', async () => {
    const pool = await Sv1Pool.start({ difficulty: DIFFICULTY });
    const flags = ['--shares-per-minute', '60'];
    const proxy = await ProxyProcess.start({ upstreams: [{ url: pool.urlFor(USER) }], identity: 'farm', flags });
    try {
      const miners = await proxy.connect(10, 8_000);
      const accepted = () => pool.accepted.get(USER) ?? 0;
      await waitFor(async () => accepted() > 50);
      pool.newTransactions();
      await waitFor(async () => accepted() > 150 && (await proxy.metric('shares_kept_total')) > 20);
      await proxy.pause();
      expect(pool.refused).toEqual([]);
      expect(miners.flatMap(({ rejections }) => rejections)).toEqual([]);
      const [kept, forwarded] = [await proxy.metric('shares_kept_total'), await proxy.metric('shares_forwarded_total')];
      expect(sumOf(miners, (miner) => miner.accepted)).toBe(kept + forwarded);
      expect(await proxy.metric('upstream_shares_accepted_total')).toBe(forwarded);
      expect([...pool.accepted]).toEqual([[USER, forwarded]]);
      // On the next tip as well, with version bits and with other extranonces.
      const since = performance.now();
      pool.newTip();
      await untilAllOn(miners, pool.tip, since);
      for (const miner of miners) miner.hashrate = 8_000;
      await allAccepted(miners);
      await proxy.pause();
      expect(pool.refused).toEqual([]);
      expect(accepted()).toBe(await proxy.metric('upstream_shares_accepted_total'));
    } finally {
      await proxy.stop();
      await pool.stop();
    }
  });

  test.each<[string, string, Parameters<typeof Sv1Pool.start>[0]]>([
    ['leaves too few bytes', '4 bytes of extranonce2, where 6 are needed', { difficulty: 1, extranonce2Size: 4 }],
    ['does not know the farm', 'upstream-channel-refused', { difficulty: 1, isKnown: () => false }],
  ])('one that %s is not used, and readiness says why', async (_, why, options) => {
    const pool = await Sv1Pool.start(options);
    const proxy = await ProxyProcess.launch({ upstreams: [{ url: pool.urlFor(USER) }], identity: 'farm' });
    try {
      await waitFor(async () => (await proxy.readiness()).includes(why));
    } finally {
      await proxy.stop();
      await pool.stop();
    }
  });
});

describe('the proxy on a pool of Stratum V1 by TLS', () => {
  const pair = makeTlsPair();
  let directory: string;
  let trust: readonly string[];
  let pool: Sv1Pool;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-pool-tls-'));
    writeFileSync(join(directory, 'ca.crt'), pair.certificate);
    trust = ['--upstream-ca-file', join(directory, 'ca.crt')];
    pool = await Sv1Pool.start({ difficulty: DIFFICULTY, tls: { cert: pair.certificate, key: pair.key } });
  });
  afterAll(async () => {
    await pool?.stop();
    rmSync(directory, { recursive: true });
  });

  test('shares arrive, and a connection that is cut comes again', async () => {
    const way = await TcpRelay.start(pool.port);
    const url = pool.urlFor(USER).replace(String(pool.port), String(way.port));
    const flags = [...trust, '--shares-per-minute', '600'];
    const proxy = await ProxyProcess.start({ upstreams: [{ url }], identity: 'farm', flags });
    try {
      const miners = await proxy.connect(5, 8_000);
      const accepted = () => proxy.metric('upstream_shares_accepted_total');
      await waitFor(async () => (await accepted()) > 0);
      way.cut();
      way.restore();
      await waitFor(async () => (await proxy.metric('upstream_ups_total')) === 2);
      const before = await accepted();
      await allAccepted(miners);
      await waitFor(async () => (await accepted()) > before);
      await proxy.pause();
      expect(pool.refused).toEqual([]);
      // Of what was on its way when the connection was cut nobody but the pool knows whether it had arrived.
      const [answered, unanswered] = [await accepted(), await proxy.metric('upstream_shares_unanswered_total')];
      expect(pool.accepted.get(USER)).toBeGreaterThanOrEqual(answered);
      expect(pool.accepted.get(USER)).toBeLessThanOrEqual(answered + unanswered);
      expect(miners.map(({ isOpen }) => isOpen)).toEqual(miners.map(() => true));
    } finally {
      await proxy.stop();
      await way.stop();
    }
  });

  test('what is wrong with its certificate stands in the history', async () => {
    const plain = createServer((socket) => socket.once('data', () => socket.end('{"id":null}\n')));
    await once(plain.listen(0, '127.0.0.1'), 'listening');
    const { port } = plain.address() as AddressInfo;
    const upstreams = [{ url: pool.urlFor(USER, 'localhost') }, { url: `stratum+ssl://${USER}:x@127.0.0.1:${port}` }];
    const proxy = await ProxyProcess.launch({ upstreams, identity: 'farm', flags: trust });
    const stranger = await ProxyProcess.launch({ upstreams: [{ url: pool.urlFor(USER) }], identity: 'farm' });
    const reasons = async (of: ProxyProcess) => {
      const told = await of.api('/upstreams').catch(() => undefined);
      return (told as { upstreams: readonly { down_reason: string }[] } | undefined)?.upstreams.map(
        ({ down_reason }) => down_reason,
      );
    };
    try {
      const told = ['upstream-name-mismatch', 'upstream-not-tls'];
      await waitFor(async () => String(await reasons(proxy)) === String(told));
      await waitFor(async () => String(await reasons(stranger)) === 'upstream-authority-unknown');
      expect(await proxy.readiness()).toContain('localhost');
    } finally {
      await proxy.stop();
      await stranger.stop();
      plain.close();
    }
  });
});

test('behind a pool of ours it takes over within two seconds, and gives back; nobody is disconnected, and no share counted twice', async () => {
  const ours = await LocalPool.start({ nbits: HARD_NBITS });
  const way = await TcpRelay.start(Number(ours.address.split(':')[1]));
  const other = await Sv1Pool.start({ difficulty: DIFFICULTY });
  const proxy = await ProxyProcess.start({
    upstreams: [{ address: `127.0.0.1:${way.port}`, authorityKey: ours.authorityKey }, { url: other.urlFor(USER) }],
    identity: 'farm',
    flags: ['--shares-per-minute', '600', '--return-after', String(RETURN_SECONDS)],
  });
  try {
    const miners = await proxy.connect(20, 4_000);
    await allAccepted(miners);
    await waitFor(async () => (await proxy.metric('upstream_up')) === 2);
    expect(other.accepted.size).toBe(0);
    way.cut();
    expect(await untilAllOn(miners, other.tip, way.brokenAt)).toBeLessThan(FAIL_OVER_MS);
    await allAccepted(miners);
    await waitFor(() => (other.accepted.get(USER) ?? 0) > 20);
    const restored = performance.now();
    way.restore();
    expect(await untilAllOn(miners, ours.chain.tipHash, restored)).toBeGreaterThan(RETURN_SECONDS * 1_000);
    await allAccepted(miners);
    await proxy.pause();
    expect(miners.map(({ isOpen }) => isOpen)).toEqual(miners.map(() => true));
    expect(other.refused.filter((code) => code === 'duplicate-share')).toEqual([]);
    const [good, kept, unserved, forwarded, accepted, refused, unanswered] = await Promise.all(
      [
        ...['shares_good_total', 'shares_kept_total', 'shares_unserved_total', 'shares_forwarded_total'],
        ...['accepted', 'refused', 'unanswered'].map((name) => `upstream_shares_${name}_total`),
      ].map((name) => proxy.metric(name)),
    );
    expect(good).toBe((kept ?? 0) + (unserved ?? 0) + (forwarded ?? 0));
    expect(forwarded).toBe((accepted ?? 0) + (refused ?? 0) + (unanswered ?? 0));
  } finally {
    await proxy.stop();
    await other.stop();
    await way.stop();
    await ours.stop();
  }
});

test('one that hangs is left within ten seconds, and one that sends elsewhere is connected to where it was', async () => {
  const first = await Sv1Pool.start({ difficulty: DIFFICULTY });
  const ours = await LocalPool.start({ nbits: HARD_NBITS });
  const proxy = await ProxyProcess.start({
    upstreams: [{ url: first.urlFor(USER) }, ours],
    identity: 'farm',
    flags: ['--shares-per-minute', '600', '--return-after', '1'],
  });
  try {
    const miners = await proxy.connect(10, 4_000);
    await allAccepted(miners);
    await waitFor(async () => (await proxy.metric('upstream_up')) === 2);
    const silentAt = performance.now();
    first.isSilent = true;
    expect(await untilAllOn(miners, ours.chain.tipHash, silentAt)).toBeLessThan(BLACK_HOLE_MS);
    first.isSilent = false;
    await untilAllOn(miners, first.tip, performance.now());
    await waitFor(async () => (await proxy.metric('upstream_up')) === 2);
    const downs = await proxy.metric('upstream_downs_total');
    // Nobody vouches for another host: it is connected to where it was.
    first.reconnect({ host: '127.0.0.2', port: 1 });
    await waitFor(async () => (await proxy.metric('upstream_downs_total')) === downs + 1);
    await untilAllOn(miners, first.tip, performance.now());
    await allAccepted(miners);
    expect(miners.map(({ isOpen }) => isOpen)).toEqual(miners.map(() => true));
    expect(first.connections).toBe(1);
  } finally {
    await proxy.stop();
    await first.stop();
    await ours.stop();
  }
});
