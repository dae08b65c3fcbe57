// Kills each part of a pool again and again, at random moments under a steady load of shares, and counts both sides at the end. The
// chain is simulated and hard: what is sent are shares, not blocks. Two gateways: one is killed like the rest, the other never, so that
// its miners show what everybody feels when any part dies.
import { setTimeout as sleep } from 'node:timers/promises';
import { PoolProcesses } from '../support/pool-processes.ts';
import {
  type Comparison,
  type Credits,
  compare,
  readCredits,
  readShares,
  type StoredShares,
  uncredited,
} from '../support/share-audit.ts';
import { type LoadTotals, type Loss, ShareLoad, totals } from '../support/share-load.ts';

const KILLED_GATEWAY = 'connection-gateway-0';
const NATS = 'nats-server';

/** Every part that is killed. */
export const chaosParts = [
  'template-provider-0',
  'job-distributor-0',
  'channel-manager-0',
  KILLED_GATEWAY,
  'share-validator-0',
  NATS,
] as const;
export type ChaosPart = (typeof chaosParts)[number];

/** Difficulty 1: no share of a test is a block. */
const NBITS = '1d00ffff';
const LONGEST_DOWN_MS = 6_000;
const RESUME_TIMEOUT_MS = 20_000;
const CREDIT_TIMEOUT_MS = 120_000;

export interface ChaosOptions {
  /** Kills of each part. */
  readonly rounds: number;
  /** Default: all. */
  readonly parts?: readonly ChaosPart[];
  readonly connections: number;
  readonly sharesPerSecond: number;
  /** Of the order of parts and of every moment. */
  readonly seed: number;
  log(line: string): void;
}

export interface Kill {
  readonly part: ChaosPart;
  /** From the start of the new process to its readiness. */
  readonly readyMs: number;
  /** From readiness until every connection has an acknowledgement of a share that it sent after that. */
  readonly resumedMs: number;
}

/** What a run was asked to do. */
export interface ChaosPlan {
  readonly parts: readonly ChaosPart[];
  /** Kills of each of them. */
  readonly rounds: number;
  readonly sharesPerSecond: number;
}

export interface ChaosReport {
  readonly plan: ChaosPlan;
  readonly kills: readonly Kill[];
  readonly seconds: number;
  /** Connections of the gateway that was never killed, which must be none, and of the other. */
  readonly lossesElsewhere: readonly Loss[];
  readonly lossesOfKilledGateway: number;
  /** Shares of connections that lived from the start to the end. */
  readonly surviving: LoadTotals;
  readonly all: LoadTotals;
  readonly comparison: Comparison;
  readonly stored: StoredShares;
  readonly credits: Credits;
  readonly uncredited: number;
  /** From sending to acknowledgement, over the whole run, in milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly p999: number };
}

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { connections, sharesPerSecond, rounds, parts = chaosParts, log } = options;
  const pool = await PoolProcesses.start({
    chain: { simulated: { nbits: NBITS, blockSeconds: 20 } },
    gateways: 2,
    sharesPerMinute: (60 * sharesPerSecond) / connections,
    easiestDifficulty: 1e-10,
  });
  const load = new ShareLoad({
    ports: [pool.gatewayPort(0), pool.gatewayPort(1)],
    authorityKey: pool.authorityKey,
    connections,
    sharesPerSecond,
  });
  try {
    await load.start();
    const startedAt = performance.now();
    const kills = await killInTurn(pool, load, { ...options, parts });
    const seconds = (performance.now() - startedAt) / 1_000;
    await load.finish(RESUME_TIMEOUT_MS);
    log('counting both sides');
    const counted = await count(pool, load);
    const elsewhere = pool.gatewayPort(1);
    return {
      plan: { parts, rounds, sharesPerSecond },
      kills,
      seconds,
      lossesElsewhere: load.losses.filter(({ port }) => port === elsewhere),
      lossesOfKilledGateway: load.losses.filter(({ port }) => port !== elsewhere).length,
      surviving: totals(load.records.filter(({ port }) => port === elsewhere)),
      all: totals(load.records),
      ...counted,
      latency: { p50: load.latency(0.5), p99: load.latency(0.99), p999: load.latency(0.999) },
    };
  } catch (error) {
    log(pool.logs());
    throw error;
  } finally {
    await load.close();
    await pool.stop();
  }
}

async function killInTurn(
  pool: PoolProcesses,
  load: ShareLoad,
  options: ChaosOptions & Pick<ChaosPlan, 'parts'>,
): Promise<Kill[]> {
  const random = seeded(options.seed);
  const kills: Kill[] = [];
  const order = shuffled(
    options.parts.flatMap((part) => Array.from({ length: options.rounds }, () => part)),
    random,
  );
  for (const [index, part] of order.entries()) {
    await sleep(200 + random() * 2_000);
    // Mostly short, as a supervisor's restart; now and then several seconds.
    const down = random() ** 3 * LONGEST_DOWN_MS;
    const kill = await killOnce(pool, load, part, down);
    kills.push(kill);
    const figures = `down ${down.toFixed(0)} ms, ready ${kill.readyMs.toFixed(0)} ms, acknowledged ${kill.resumedMs.toFixed(0)} ms later`;
    options.log(`${String(index + 1).padStart(3)}/${order.length} ${part.padEnd(22)} ${figures}`);
  }
  return kills;
}

async function killOnce(pool: PoolProcesses, load: ShareLoad, part: ChaosPart, downMs: number): Promise<Kill> {
  let launchedAt: number;
  if (part === NATS) {
    await pool.nats.kill();
    await sleep(downMs);
    launchedAt = performance.now();
    await pool.nats.launch();
  } else {
    const service = pool.service(part);
    await service.kill();
    await sleep(downMs);
    launchedAt = performance.now();
    service.launch();
    await service.ready();
  }
  const readyAt = performance.now();
  const resumedMs = await load.acknowledgedSince(readyAt, RESUME_TIMEOUT_MS);
  return { part, readyMs: readyAt - launchedAt, resumedMs };
}

async function count(pool: PoolProcesses, load: ShareLoad) {
  const bus = await pool.bus();
  try {
    const stored = await readShares(bus);
    const deadline = performance.now() + CREDIT_TIMEOUT_MS;
    let credits = await readCredits(bus);
    while (uncredited(stored, credits).length > 0 && performance.now() < deadline) {
      await sleep(1_000);
      credits = await readCredits(bus);
    }
    return {
      stored,
      credits,
      uncredited: uncredited(stored, credits).length,
      comparison: compare(load.records, stored),
    };
  } finally {
    await bus.close();
  }
}

/** Uniform in [0, 1), the same for a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const out = [...items];
  for (let index = out.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [out[index], out[other]] = [out[other] as T, out[index] as T];
  }
  return out;
}
