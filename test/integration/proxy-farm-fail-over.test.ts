// Fail-over under load: a farm of two thousand miners of Stratum V1 at five hundred shares a second, on two whole pools in processes of their
// own. The first is killed, hangs, and flaps; every share is followed to the records of both pools.
import { setTimeout as sleep } from 'node:timers/promises';
import { ShareBatchReader } from '@sluice/bus/payloads/share-batch';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PoolProcesses } from '../support/pool-processes.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { records } from '../support/share-audit.ts';
import { Starvation } from '../support/starvation.ts';
import { type FarmJob, type FarmMiner, Sv1Farm, shareKey } from '../support/sv1-farm.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { waitFor } from '../support/wait-for.ts';

const MINERS = 2_000;
const SHARES_PER_SECOND = 500;
/** Of a share of the difficulty that all miners begin with, 2^-24. */
const SHARE_HASHES = 256;
/** Shares come as they are found, and slower on a machine that is busy. */
const PACE_TOLERANCE = 0.8;
const MEASURED_MS = 5_000;

const FAIL_OVER_MS = 2_000;
const BLACK_HOLE_MS = 10_000;
const RETURN_SECONDS = 1;
/** A pool that fails within so many return times of a return has come back too soon (decision 10). */
const SOON_MS = 10 * RETURN_SECONDS * 1_000;

const FLAPS = 5;
const DOWN_MS = 2_000;
const UP_MS = 3_000;
/** It must be up for 1, 2, 4… return times, as it fails soon after each return: so often that fits into the time that it is up. */
const FLAP_RETURNS = Math.floor(Math.log2(UP_MS / (RETURN_SECONDS * 1_000))) + 1;
/** Away from it at first, and back and away with each return. */
const FLAP_SWITCHES = 1 + 2 * FLAP_RETURNS;

/** What each pool's coinbases pay to: by that a job tells whose it is. */
const PAYOUTS = ['0451750a1151', '0451750a2251'] as const;
type Place = 0 | 1;
const isOf = (place: Place, { coinbaseSuffix }: FarmJob) =>
  Buffer.from(coinbaseSuffix).includes(Buffer.from(PAYOUTS[place], 'hex'));

/** Place and extranonce2 of a miner, at the end of the extranonce of a share that went up. */
const FARM_EXTRANONCE_BYTES = 6;

describe('a farm on two pools', () => {
  let pools: readonly PoolProcesses[] = [];
  let way: TcpRelay;
  let proxy: ProxyProcess;
  let farm: Sv1Farm;

  beforeAll(async () => {
    pools = await Promise.all(
      PAYOUTS.map((script) =>
        PoolProcesses.start({
          chain: { simulated: { nbits: '1d00ffff', blockSeconds: 0 } },
          ...{ payouts: [`raw(${script})`], sharesPerMinute: 600, easiestDifficulty: 1e-10 },
        }),
      ),
    );
    const [first, second] = pools as [PoolProcesses, PoolProcesses];
    way = await TcpRelay.start(first.gatewayPort());
    proxy = await ProxyProcess.start({
      upstreams: [
        { address: `127.0.0.1:${way.port}`, authorityKey: first.authorityKey },
        { address: `127.0.0.1:${second.gatewayPort()}`, authorityKey: second.authorityKey },
      ],
      identity: 'farm',
      flags: [
        ...['--shares-per-minute', String((SHARES_PER_SECOND * 60) / MINERS)],
        ...['--return-after', String(RETURN_SECONDS)],
      ],
    });
    farm = await Sv1Farm.connect({
      ...{ port: proxy.port, count: MINERS, account: 'farm' },
      hashrate: SHARES_PER_SECOND * SHARE_HASHES,
    });
    await waitFor(async () => (await proxy.metric('upstream_up')) === 2);
  });
  afterAll(async () => {
    farm?.stop();
    await proxy?.stop();
    await way?.stop();
    await Promise.all(pools.map((pool) => pool.stop()));
  });

  /** Resolves when all have a job of that pool that came since then; prints and returns how long the last one waited. */
  async function untilAllOn(place: Place, sinceMs: number, what: string): Promise<number> {
    const jobSince = ({ heard }: FarmMiner) => heard.find(({ job, atMs }) => atMs >= sinceMs && isOf(place, job));
    await waitFor(() => farm.miners.every((miner) => jobSince(miner) !== undefined), 60_000);
    const times = farm.miners.map((miner) => (jobSince(miner)?.atMs ?? Infinity) - sinceMs).sort((a, b) => a - b);
    const at = (part: number) => (times[Math.ceil(times.length * part) - 1] ?? Infinity).toFixed(0);
    console.info(`${what}: job to ${times.length} miners p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} ms`);
    return times.at(-1) ?? Infinity;
  }

  /** Of those whose time it is: what they wait for a core from now on is not the fail-over's. */
  const starvation = () => new Starvation([proxy.process.pid, process.pid]);

  async function expectConnected(): Promise<void> {
    expect(farm.disconnected).toBe(0);
    expect(await proxy.metric('sv1_connections')).toBe(MINERS);
    expect(await proxy.metric('sv1_connections_closed_total')).toBe(0);
  }

  /** Accepted shares a second for which the farm had a core. */
  async function pace(): Promise<number> {
    const { accepted } = farm;
    const [from, starved] = [performance.now(), new Starvation([process.pid])];
    await sleep(MEASURED_MS);
    return ((farm.accepted - accepted) * 1_000) / (performance.now() - from - starved.sinceMs);
  }

  test('mines at its pace', async () => {
    const rate = await pace();
    console.info(`${MINERS} miners: ${rate.toFixed(0)} shares a second`);
    expect(rate).toBeGreaterThan(SHARES_PER_SECOND * PACE_TOLERANCE);
    for (const { job } of farm.miners) expect(isOf(0, job as FarmJob)).toBe(true);
  });

  test('has work of the second pool within two seconds of the death of the first, and of the first when it lives again', async () => {
    const [first] = pools as [PoolProcesses, PoolProcesses];
    const [killedAt, starved] = [performance.now(), starvation()];
    await Promise.all(first.services.map((service) => service.kill('SIGKILL')));
    expect((await untilAllOn(1, killedAt, 'killed')) - starved.sinceMs).toBeLessThan(FAIL_OVER_MS);
    expect(await pace()).toBeGreaterThan(SHARES_PER_SECOND * PACE_TOLERANCE);
    await expectConnected();
    const launchedAt = performance.now();
    for (const service of first.services) service.launch();
    await Promise.all(first.services.map((service) => service.ready()));
    expect(await untilAllOn(0, launchedAt, 'back, with its start')).toBeGreaterThan(RETURN_SECONDS * 1_000);
    await expectConnected();
  });

  test('leaves within ten seconds a pool that hangs without closing', async () => {
    const starved = starvation();
    way.swallow();
    expect((await untilAllOn(1, way.brokenAt, 'black hole')) - starved.sinceMs).toBeLessThan(BLACK_HOLE_MS);
    await expectConnected();
    const restoredAt = performance.now();
    way.restore();
    await untilAllOn(0, restoredAt, 'back');
    await expectConnected();
  });

  test('does not flap with a pool that does', async () => {
    // Else it would pay for what it did before.
    await sleep(SOON_MS);
    const [switches, unanswered] = [
      await proxy.metric('upstream_switches_total'),
      await proxy.metric('upstream_shares_unanswered_total'),
    ];
    const { accepted, refused } = farm;
    for (let flap = 0; flap < FLAPS; flap++) {
      way.cut();
      await sleep(DOWN_MS);
      way.restore();
      await sleep(UP_MS);
    }
    const made = (await proxy.metric('upstream_switches_total')) - switches;
    const lost = (await proxy.metric('upstream_shares_unanswered_total')) - unanswered;
    const more = [...farm.refused].map(([text, count]) => `${count - (refused.get(text) ?? 0)} ${text}`);
    console.info(`${FLAPS} flaps: ${made} switches, ${farm.accepted - accepted} accepted, ${more.join(', ')}`);
    console.info(`shares whose pool went away before its answer: ${lost}`);
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThanOrEqual(FLAP_SWITCHES);
    await expectConnected();
    await untilAllOn(0, way.brokenAt, 'after the last flap');
  });

  test('each share is in the records of one pool at most, once, and in the books of the proxy', async () => {
    farm.hashrate = 0;
    await waitFor(() => farm.unanswered === 0);
    await waitFor(async () => (await proxy.metric('upstream_shares_in_flight')) === 0);
    const metrics = ['good', 'kept', 'unserved', 'forwarded'].map((name) => proxy.metric(`shares_${name}_total`));
    const [good = 0, kept = 0, unserved = 0, forwarded = 0] = await Promise.all(metrics);
    const ends = ['accepted', 'refused', 'unanswered'].map((name) => proxy.metric(`upstream_shares_${name}_total`));
    const [accepted = 0, refused = 0, unanswered = 0] = await Promise.all(ends);
    console.info(
      `${farm.shares.length} shares: ${kept} kept, ${forwarded} went up, of which ${accepted} were accepted, ` +
        `${refused} refused and ${unanswered} not answered; miners were refused ${JSON.stringify([...farm.refused])}`,
    );
    expect(kept + unserved + forwarded).toBe(good);
    expect(accepted + refused + unanswered).toBe(forwarded);
    expect(accepted).toBeGreaterThan(0);

    const told = new Map(farm.shares.map(({ key, answer }) => [key, answer]));
    expect(told.size).toBe(farm.shares.length);
    const stored = (await Promise.all(pools.map(readKeys))).flat();
    // No share twice, whichever the pool, and none that nobody found.
    expect(new Set(stored).size).toBe(stored.length);
    for (const key of stored) expect(told.has(key)).toBe(true);
    // What a pool took right before it went away is with it, and nobody here knows.
    expect(stored.length).toBeGreaterThanOrEqual(accepted);
    expect(stored.length).toBeLessThanOrEqual(accepted + unanswered);
    const refusedAndStored = stored.filter((key) => told.get(key) !== 'accepted');
    expect(refusedAndStored.length).toBeLessThanOrEqual(unanswered);
    expect(farm.accepted).toBeGreaterThanOrEqual(kept + accepted);
    expect(farm.accepted).toBeLessThanOrEqual(kept + forwarded);
    await expectConnected();
  });
});

/** Keys of the shares that a pool has stored, batches counted once. */
async function readKeys(pool: PoolProcesses): Promise<readonly string[]> {
  const keys: string[] = [];
  const batches = new Set<string>();
  const reader = new ShareBatchReader();
  const bus = await pool.bus();
  try {
    for await (const { payload } of records(bus, 'SHARES')) {
      if (!reader.open(payload)) throw new Error(`a record of SHARES is no batch: ${reader.fault}`);
      const batch = `${reader.incarnation}-${reader.batch}`;
      if (batches.has(batch)) continue;
      batches.add(batch);
      while (reader.next()) {
        const end = reader.extranonceOffset + reader.extranonceLength;
        const extranonce = Buffer.from(payload.subarray(end - FARM_EXTRANONCE_BYTES, end)).toString('hex');
        keys.push(shareKey(extranonce, reader.ntime, reader.nonce, reader.version));
      }
      if (reader.fault !== undefined) throw new Error(`a batch of SHARES is damaged: ${reader.fault}`);
    }
  } finally {
    await bus.close();
  }
  return keys;
}
