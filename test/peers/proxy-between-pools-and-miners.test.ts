// Miners of every kind on the proxy at the same time, on each kind of pool: what the pool has counted itself is what the proxy says.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openAuthorityKey } from '@sluice/cli/authority-keystore';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { inCi } from '../support/in-ci.ts';
import { LocalPool } from '../support/local-pool.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { type ProxyPlan, ProxyProcess } from '../support/proxy-process.ts';
import { SriPool } from '../support/sri-pool.ts';
import { buildSriProgram, type SriProgram, whyNoSriProgram } from '../support/sri-programs.ts';
import { Sv1Pool } from '../support/sv1-pool.ts';
import { TemplateServer } from '../support/template-server.ts';
import { waitFor } from '../support/wait-for.ts';

const MAX_BUILD_MS = 3_600_000;
/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
/** 1,718 hashes. */
const SV1_DIFFICULTY = 4e-7;
const HASHRATE = 4_000;
/** Of each miner, before all of them stop. */
const SHARES = 5;
const cli = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));

interface CountedPool {
  readonly upstream: ProxyPlan['upstreams'][number];
  /** Shares that it accepted, as it counts them. */
  accepted(): Promise<number>;
  stop(): Promise<void>;
}

async function ofOurs(): Promise<CountedPool> {
  const pool = await LocalPool.start({ nbits: HARD_NBITS });
  const accepted = async () =>
    [...(await pool.credits())].reduce((sum, [name, { shares }]) => sum + (name.startsWith('farm.') ? shares : 0), 0);
  return { upstream: pool, accepted, stop: () => pool.stop() };
}

async function ofSri(): Promise<CountedPool> {
  const templateServer = await TemplateServer.start({ simulatedNbits: '1d00ffff' });
  const program = await buildSriProgram('pool_sv2');
  const pool = await SriPool.start({ program, templateServer, payout: 'raw(51)', sharesPerMinute: 600 });
  return {
    upstream: { address: `127.0.0.1:${pool.port}`, authorityKey: pool.authorityKey },
    accepted: () => pool.sharesAccepted(),
    stop: async () => {
      await pool.stop();
      await templateServer.stop();
    },
  };
}

async function ofStratumV1(): Promise<CountedPool> {
  const pool = await Sv1Pool.start({ difficulty: SV1_DIFFICULTY });
  return {
    upstream: { url: pool.urlFor('farm.all') },
    accepted: async () => pool.accepted.get('farm.all') ?? 0,
    stop: () => pool.stop(),
  };
}

/** A miner of Stratum V2 by its output, and the name of its worker. */
interface Sv2Peer {
  readonly worker: string;
  readonly process: PeerProcess;
  /** Shares that it has sent, and that it was told are accepted. */
  sent(): number;
  accepted(): number;
}

function ourMiner(worker: string, port: number, authorityKey: string, flags: readonly string[]): Sv2Peer {
  const pool = ['--pool', `stratum2+tcp://127.0.0.1:${port}/${authorityKey}`, '--identity', `farm.${worker}`];
  // A pool of Stratum V1 takes fewer bits than Stratum V2 lets a miner roll.
  const own = ['--hashrate', String(HASHRATE), '--fixed-version', '--json', '--once', '--log-level', 'error'];
  const process_ = new PeerProcess(process.execPath, [cli, 'miner', ...pool, ...own, ...flags]);
  const events = (kind: string): readonly { readonly count?: number }[] =>
    process_.lines.filter((line) => line.startsWith(`{"event":"${kind}"`)).map((line) => JSON.parse(line));
  return {
    ...{ worker, process: process_ },
    sent: () => events('submitted').length,
    accepted: () => events('accepted').reduce((sum, { count = 0 }) => sum + count, 0),
  };
}

function sriDevice(program: string, worker: string, port: number, authorityKey: string): Sv2Peer {
  const pool = ['--address-pool', `127.0.0.1:${port}`, '--pubkey-pool', authorityKey, '--id-user', `farm.${worker}`];
  const pace = ['--cores', '1', '--handicap', '1000', '--nonces-per-call', '1000'];
  const process_ = new PeerProcess(program, [...pool, ...pace, '--nominal-hashrate-multiplier', '0.02']);
  const count = (text: string) => process_.lines.filter((line) => line.includes(text)).length;
  return {
    ...{ worker, process: process_ },
    // It does not say what it sends.
    sent: () => Infinity,
    accepted: () => count('Received SubmitSharesSuccess'),
  };
}

const programs: readonly SriProgram[] = ['pool_sv2', 'mining_device'];
const missing = programs.map(whyNoSriProgram).find((why) => why !== undefined);
if (missing !== undefined) {
  if (inCi) throw new Error(missing);
  console.log(`skipped: ${missing}`);
}

describe.skipIf(missing !== undefined)('the proxy between pools and miners', () => {
  let directory: string;
  let device: string;
  let keyFile: string;
  let authorityKey: string;
  const cleanUps: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    for (const program of programs) await buildSriProgram(program);
    device = await buildSriProgram('mining_device');
    directory = mkdtempSync(join(tmpdir(), 'sluice-proxy-between-'));
    keyFile = join(directory, 'authority.key');
    authorityKey = openAuthorityKey(keyFile).text;
  }, MAX_BUILD_MS);
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each<[string, () => Promise<CountedPool>]>([
    ['a pool of ours', ofOurs],
    ["SRI's pool", ofSri],
    ['a pool of Stratum V1', ofStratumV1],
  ])("miners of Stratum V1, ours of Stratum V2 and SRI's device, on %s", async (_name, start) => {
    const pool = await start();
    cleanUps.push(() => pool.stop());
    const port = await freePort();
    const proxy = await ProxyProcess.start({
      ...{ upstreams: [pool.upstream], identity: 'farm' },
      flags: ['--listen-sv2', `127.0.0.1:${port}`, '--authority-secret-file', keyFile, '--shares-per-minute', '120'],
    });
    cleanUps.push(() => proxy.stop());
    const rigs = await proxy.connect(2, HASHRATE);
    const peers = [
      ourMiner('standard', port, authorityKey, []),
      ourMiner('extended', port, authorityKey, ['--extended']),
      sriDevice(device, 'device', port, authorityKey),
    ];
    cleanUps.push(async () => {
      await Promise.all(peers.map((peer) => peer.process.stop()));
    });

    for (const peer of peers) await peer.process.until(() => peer.accepted() >= SHARES);
    await waitFor(() => rigs.every(({ accepted }) => accepted >= SHARES));
    await waitFor(async () => (await proxy.metric('upstream_shares_accepted_total')) >= SHARES);
    await Promise.all(peers.map((peer) => peer.process.stop()));
    await waitFor(async () => (await proxy.metric('sv2_connections')) === 0);
    await proxy.pause();

    const numbers = ['good', 'kept', 'unserved', 'forwarded'].map((name) => proxy.metric(`shares_${name}_total`));
    const [good = 0, kept = 0, unserved = 0, forwarded = 0] = await Promise.all(numbers);
    expect(unserved).toBe(0);
    expect(kept + forwarded).toBe(good);
    expect(await proxy.metric('upstream_shares_accepted_total')).toBe(forwarded);
    await waitFor(async () => (await pool.accepted()) === forwarded);

    // What each miner was told; a device that is stopped does not hear of its last shares.
    const { workers } = (await proxy.api('/workers')) as {
      readonly workers: readonly { readonly name: string; readonly shares_accepted: number }[];
    };
    const acceptedOf = new Map(workers.map(({ name, shares_accepted }) => [name, shares_accepted]));
    for (const [index, rig] of rigs.entries()) {
      expect(rig.rejections).toEqual([]);
      expect(acceptedOf.get(`rig-${index}`)).toBe(rig.accepted);
    }
    for (const peer of peers) {
      expect(acceptedOf.get(peer.worker)).toBeGreaterThanOrEqual(peer.accepted());
      expect(acceptedOf.get(peer.worker)).toBeLessThanOrEqual(peer.sent());
    }
    expect([...acceptedOf.values()].reduce((sum, shares) => sum + shares, 0)).toBe(good);
  });
});
