// The two proxies, each with new processes in front of a new pool of ours: one channel for all miners, whose shares are so easy that a few hashes
// find one, and so hard for the pool that next to none goes up.
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { targetOfHashes } from '@sluice/mining/vardiff-difficulty';
import { freePort } from '../../support/free-port.ts';
import { listens } from '../../support/listens.ts';
import { LocalPoolProcess } from '../../support/local-pool-process.ts';
import { PeerProcess } from '../../support/peer-process.ts';
import { buildSriProgram } from '../../support/sri-programs.ts';
import { SriTranslator } from '../../support/sri-translator.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { NamedProcess } from '../measure/server-processes.ts';
import type { Contender, Observation } from './contest.ts';
import { Parts, started } from './parts.ts';
import { TipWatcher } from './tip-watcher.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
/** Merkle paths of 12 levels, as on the main network. */
export const POOL_TRANSACTIONS = 2_100;
/** What a share of the pool takes, whatever the channel does. */
export const POOL_HASHES = 2 ** 20;
/** What a share of a miner takes at first: the easiest that ours can be told to give. */
export const MINER_HASHES = 4;
const poolTarget = targetOfHashes(POOL_HASHES);
const poolDifficulty = {
  sharesPerMinute: 6,
  hardestTarget: poolTarget,
  easiestTarget: poolTarget,
  unknownHashrate: 1e6,
  trustedHashrate: 1e15,
  accounts: undefined,
} as const;

/** A power of two near it, as a difficulty of Stratum V1, is 4 hashes. */
const EASY_DIFFICULTY = '1e-9';
/** So many that nobody's shares become harder under the load. */
const SHARES_PER_MINUTE = 100_000;
export const proxyFlags = [
  ...['--first-difficulty', EASY_DIFFICULTY, '--easiest-difficulty', EASY_DIFFICULTY],
  ...['--shares-per-minute', String(SHARES_PER_MINUTE)],
] as const;
/** Bounds against a single peer, which the load is. */
export const proxyBounds = [
  ...['--max-connections-per-address', '20000'],
  ...['--connection-rate', '100000', '--message-rate', '100000'],
] as const;
const SRI_SHARES_PER_MINUTE = 6;

/** Also says how many shares the pool has credited. */
export interface ProxyContender extends Contender {
  credited(): Promise<number>;
}

/** The pool in front of which a proxy is started. */
export interface UpstreamOptions {
  /** Of each block. */
  readonly transactions: number;
  /** Nice value of its process, which shares a core with the proxy. */
  readonly nice: number;
}

export const startSriProxy = (upstream: UpstreamOptions): Promise<ProxyContender> =>
  started(new Parts(), (parts) => startSri(parts, upstream));

export const startSluiceProxy = (upstream: UpstreamOptions, observation?: Observation): Promise<ProxyContender> =>
  started(new Parts(observation), (parts) => startSluice(parts, upstream));

async function startSri(parts: Parts, options: UpstreamOptions): Promise<ProxyContender> {
  const upstream = await startUpstream(parts, options);
  const translator = await SriTranslator.start({
    program: await buildSriProgram('translator_sv2'),
    upstreams: [upstream.pool],
    aggregate: true,
    minerHashrate: (MINER_HASHES * SRI_SHARES_PER_MINUTE) / 60,
    sharesPerMinute: SRI_SHARES_PER_MINUTE,
    vardiff: false,
    quiet: true,
  });
  parts.ends(() => translator.stop());
  await translator.listens();
  const counted = { name: 'translator_sv2', pid: translator.process.pid ?? 0 };
  return contender(parts, upstream, translator.port, counted, () => translator.process.tail());
}

async function startSluice(parts: Parts, options: UpstreamOptions): Promise<ProxyContender> {
  const upstream = await startUpstream(parts, options);
  const port = await freePort();
  const proxy = await parts.service('proxy', [
    ...['--listen', `127.0.0.1:${port}`, '--identity', 'farm'],
    ...['--upstream', `stratum2+tcp://${upstream.pool.address}/${upstream.pool.authorityKey}`, '--drain-seconds', '1'],
    ...proxyFlags,
    ...proxyBounds,
  ]);
  await proxy.ready();
  return contender(parts, upstream, port, { name: 'proxy', pid: proxy.pid ?? 0 }, () => parts.logs());
}

/** What Node's sockets cost by themselves: every miner is told the same bytes. */
export const startFloor = (upstream: UpstreamOptions): Promise<ProxyContender> =>
  started(new Parts(), async (parts) => {
    const at = await startUpstream(parts, upstream);
    const port = await freePort();
    const [, poolPort = ''] = at.pool.address.split(':');
    const program = fileURLToPath(new URL('floor-server.ts', import.meta.url));
    const floor = new PeerProcess(process.execPath, [program, String(port), poolPort, at.pool.authorityKey]);
    parts.ends(() => floor.stop());
    await waitFor(() => listens(port));
    return contender(parts, at, port, { name: 'floor', pid: floor.pid ?? 0 }, () => floor.tail());
  });

interface Upstream {
  readonly pool: LocalPoolProcess;
  readonly watcher: TipWatcher;
}

async function startUpstream(parts: Parts, { transactions, nice }: UpstreamOptions): Promise<Upstream> {
  const pool = await LocalPoolProcess.start({ nbits: HARD_NBITS, difficulty: poolDifficulty, transactions });
  parts.ends(() => pool.stop());
  // Before the proxy, so that it is told first.
  const watcher = await TipWatcher.start(Number(pool.address.split(':')[1]), pool.authorityKey);
  parts.ends(() => watcher.stop());
  // A pool is on another machine. Here it comes behind the proxy on their core, else its next template would be in the way of each tip.
  setPriority(pool.pid, nice);
  return { pool, watcher };
}

function contender(
  parts: Parts,
  { pool, watcher }: Upstream,
  port: number,
  counted: NamedProcess,
  logs: () => string,
): ProxyContender {
  return {
    url: `stratum+tcp://127.0.0.1:${port}`,
    processes: [counted],
    loadFlags: [],
    hooks: {
      async newBlock() {
        const hash = await pool.newBlock();
        return { hash, announcedAt: await watcher.toldAt(hash) };
      },
    },
    credited: () => pool.credited(),
    logs,
    stop: () => parts.stop(),
  };
}
