// A miner of Stratum V1 on SRI's published sv1_api, on the proxy in front of a pool of ours: plain and over TLS, and down to bitcoind.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { targetOfDifficulty } from '@sluice/bitcoin/target';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bitcoind } from '../support/bitcoind.ts';
import { freePort } from '../support/free-port.ts';
import { inCi } from '../support/in-ci.ts';
import { LocalPool } from '../support/local-pool.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { readCredits } from '../support/share-audit.ts';
import { buildSriPeer, whyNoSriPeer } from '../support/sri.ts';
import { makeTlsPair } from '../support/tls-certificate.ts';
import { waitFor } from '../support/wait-for.ts';

const MAX_BUILD_MS = 1_800_000;
/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
/** With which a share takes 256 hashes at first. */
const SHARES = 60;
const HASHRATE = 8_000;
const PROXY_SHARES_PER_MINUTE = 600;
/** The pool asks for shares as often as the proxy does, so that some of the 120 go up. */
const POOL_DIFFICULTY = {
  ...{ sharesPerMinute: PROXY_SHARES_PER_MINUTE, unknownHashrate: HASHRATE, trustedHashrate: 1e16 },
  ...{ easiestTarget: targetOfDifficulty(1e-9), hardestTarget: targetOfDifficulty(1e15) },
};
/** On regtest each share is a block, so that the next one is found when its tip is everywhere. */
const BLOCKS = 4;
const BLOCK_HASHRATE = 400;

interface Event {
  readonly event: string;
  readonly prevHash?: string;
  readonly clean?: boolean;
  readonly hash?: string;
  readonly isBlock?: boolean;
  readonly reason?: string;
  readonly accepted?: number;
  readonly refused?: number;
}

/** One of its processes. */
class Sv1Peer {
  readonly process: PeerProcess;

  constructor(program: string, options: Readonly<Record<string, string | number>>) {
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.process = new PeerProcess(program, ['sv1', ...args]);
  }

  get events(): readonly Event[] {
    return this.process.lines.map((line): Event => JSON.parse(line));
  }

  of(kind: string): readonly Event[] {
    return this.events.filter(({ event }) => event === kind);
  }

  /** What it says at its end: every share that it sent has its answer. */
  async done(): Promise<Event | undefined> {
    expect(await this.process.exit, this.process.tail()).toBe(0);
    return this.events.at(-1);
  }
}

const missing = whyNoSriPeer();
if (missing !== undefined) {
  if (inCi) throw new Error(missing);
  console.log(`skipped: ${missing}`);
}

describe.skipIf(missing !== undefined)("a client on SRI's sv1_api on the proxy", () => {
  let program: string;
  let directory: string;
  const cleanUps: (() => Promise<unknown> | undefined)[] = [];

  beforeAll(async () => {
    program = await buildSriPeer();
    directory = mkdtempSync(join(tmpdir(), 'sluice-proxy-sv1-peer-'));
  }, MAX_BUILD_MS);
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function begin(options: Readonly<Record<string, string | number>>): Sv1Peer {
    const peer = new Sv1Peer(program, options);
    cleanUps.push(() => peer.process.stop());
    return peer;
  }

  test('mines over plain TCP and over TLS, over a new tip; what it counts is what the proxy and the pool count', async () => {
    const pool = await LocalPool.start({ nbits: HARD_NBITS, difficulty: POOL_DIFFICULTY });
    cleanUps.push(() => pool.stop());
    const { certificate, key } = makeTlsPair();
    const files = { certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') };
    writeFileSync(files.certificate, certificate);
    writeFileSync(files.key, key, { mode: 0o600 });
    const tlsPort = await freePort();
    const proxy = await ProxyProcess.start({
      ...{ upstreams: [pool], identity: 'farm' },
      flags: [
        ...['--listen-tls', `127.0.0.1:${tlsPort}`, '--shares-per-minute', String(PROXY_SHARES_PER_MINUTE)],
        ...['--tls-certificate-file', files.certificate, '--tls-key-file', files.key],
      ],
    });
    cleanUps.push(() => proxy.stop());

    const work = { shares: SHARES, hashrate: HASHRATE };
    const peers = [
      begin({ address: `127.0.0.1:${proxy.port}`, user: 'farm.plain', ...work }),
      begin({ address: `127.0.0.1:${tlsPort}`, user: 'farm.tls', trust: files.certificate, ...work }),
    ];
    for (const peer of peers) await peer.process.until(() => peer.of('accepted').length > SHARES / 6);
    const tip = Buffer.from(pool.chain.mineBlock()).swap32().toString('hex');
    const done = await Promise.all(peers.map((peer) => peer.done()));

    for (const peer of peers) {
      const jobs = peer.of('job');
      expect(jobs[0]?.clean).toBe(true);
      const onTip = jobs.filter(({ prevHash }) => prevHash === tip);
      expect(onTip.map(({ clean }) => clean)).toEqual([true, ...Array(onTip.length - 1).fill(false)]);
      const { events } = peer;
      const first = events.findIndex(({ prevHash }) => prevHash === tip);
      expect(events.slice(first).filter(({ event }) => event === 'accepted').length).toBeGreaterThan(SHARES / 6);
      // Refused is only what crossed the tip on its way.
      for (const { reason } of peer.of('refused')) expect(reason).toContain('21');
    }
    const places = peers.map((peer) => peer.of('ready')[0]);
    expect(places).toMatchObject([
      { extranonce2Size: 4, versionMask: '1fffe000' },
      { extranonce2Size: 4, versionMask: '1fffe000' },
    ]);
    expect(await proxy.metric('sv1_tls_handshakes_total')).toBe(1);

    const accepted = done.reduce((sum, each) => sum + (each?.accepted ?? 0), 0);
    expect(accepted).toBe(2 * SHARES);
    const [kept, taken] = [
      await proxy.metric('shares_kept_total'),
      await proxy.metric('upstream_shares_accepted_total'),
    ];
    expect(kept + taken).toBe(accepted);
    const credited = async () => {
      const credits = await pool.credits();
      return ['farm.plain', 'farm.tls'].reduce((sum, name) => sum + (credits.get(name)?.shares ?? 0), 0);
    };
    expect(taken).toBeGreaterThan(0);
    await waitFor(async () => (await credited()) === taken);
    // A few shares go up: of one of the two there may be none.
    expect(['farm.plain', 'farm.tls']).toEqual(expect.arrayContaining([...(await pool.credits()).keys()]));
  });

  test('finds blocks that bitcoind accepts', async () => {
    const bitcoind = await Bitcoind.start();
    cleanUps.push(() => bitcoind.stop());
    await bitcoind.generate(1);
    const pool = await PoolProcesses.start({
      ...{ chain: { bitcoinds: [bitcoind] }, sharesPerMinute: 60, easiestDifficulty: 1e-10 },
    });
    cleanUps.push(() => pool.stop());
    const upstream = { address: `127.0.0.1:${pool.gatewayPort()}`, authorityKey: pool.authorityKey };
    const proxy = await ProxyProcess.start({ upstreams: [upstream], identity: 'farm' });
    cleanUps.push(() => proxy.stop());
    const bus = await pool.bus();
    cleanUps.push(() => bus.close());

    const height = async (): Promise<number> => (await bitcoind.rpc('getblockcount')) as number;
    const before = await height();
    const peer = begin({
      ...{ address: `127.0.0.1:${proxy.port}`, user: 'farm.finder' },
      ...{ shares: BLOCKS, hashrate: BLOCK_HASHRATE },
    });
    expect(await peer.done()).toMatchObject({ accepted: BLOCKS });

    const accepted = peer.of('accepted');
    expect(accepted.map(({ isBlock }) => isBlock)).toEqual(Array(BLOCKS).fill(true));
    // A share that comes after the next tip may be a block all the same, and of two on one tip only the first is in the chain.
    const found = [...accepted, ...peer.of('refused')];
    expect(await proxy.metric('blocks_total')).toBe(found.length);
    const inChain = async (): Promise<number> => {
      const headers = found.map(async ({ hash }) => bitcoind.rpc('getblockheader', [hash]));
      return (await Promise.all(headers)).filter(({ confirmations }) => confirmations > 0).length;
    };
    await waitFor(async () => (await height()) > before && (await inChain()) === (await height()) - before);
    const taken = await proxy.metric('upstream_shares_accepted_total');
    const credited = async () => (await readCredits(bus)).identities.get('farm.finder')?.shares ?? 0;
    await waitFor(async () => (await credited()) === taken);
  });
});
