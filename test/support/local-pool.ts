// The whole pool of `sluice start` inside the test's process: every service on the in-process bus, state on disk, miners over real
// sockets. The chain is in the test's hands.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus } from '@sluice/bus/bus';
import { CreditBatch } from '@sluice/bus/payloads/credit';
import { openAuthorityKey } from '@sluice/cli/authority-keystore';
import { type DifficultyPolicy, openBus, startPool } from '@sluice/cli/start/pool';
import { fastestEc } from '@sluice/noise/fastest-ec';
import { systemClock } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { createLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { randomBytes, randomFraction } from '@sluice/runtime/random';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { Shutdown } from '@sluice/runtime/shutdown';
import { SimulatedChain } from '@sluice/template-provider/simulated-chain/simulated-chain';
import { freePort } from './free-port.ts';

const NETWORK = 'regtest';
const CREDIT_PAGE = 1_000;

export interface LocalPoolOptions {
  /** How hard blocks are: compact target. */
  readonly nbits: number;
  /** Blocks may pay the address that a miner's identity names; default: they pay the pool. */
  readonly payoutByIdentity?: boolean;
  /** How hard shares are; default: as for miners on a CPU. */
  readonly difficulty?: DifficultyPolicy;
  /** That wait for each block; default 12. */
  readonly transactions?: number;
}

/** What a worker of an account was credited with. */
export interface Credit {
  readonly shares: number;
  /** Expected hashes. */
  readonly work: bigint;
}

export class LocalPool {
  readonly bus: Bus;
  readonly chain: SimulatedChain;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** Base58check, for miners. */
  readonly authorityKey: string;
  /** Of every service, as an operator scrapes them. */
  readonly metrics: MetricsRegistry;
  readonly #shutdown: Shutdown;
  readonly #directory: string;

  private constructor(
    parts: Pick<LocalPool, 'bus' | 'chain' | 'address' | 'authorityKey' | 'metrics'>,
    shutdown: Shutdown,
    directory: string,
  ) {
    this.bus = parts.bus;
    this.chain = parts.chain;
    this.address = parts.address;
    this.authorityKey = parts.authorityKey;
    this.metrics = parts.metrics;
    this.#shutdown = shutdown;
    this.#directory = directory;
  }

  static async start({
    nbits,
    payoutByIdentity = false,
    difficulty,
    transactions,
  }: LocalPoolOptions): Promise<LocalPool> {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-local-pool-'));
    const log = createLogger({ name: 'pool', level: 'error', format: 'json', destination: process.stderr });
    const shutdown = new Shutdown(log);
    const metrics = new MetricsRegistry();
    const modules = { clock: systemClock, log, metrics, health: new Health(), shutdown };
    const listen = { host: '127.0.0.1', port: await freePort() };
    const chain = simulatedChain(nbits, transactions);
    const authority = openAuthorityKey(join(directory, 'authority.key'));
    const options = {
      listen,
      directory,
      payoutByIdentity,
      ...(difficulty === undefined ? {} : { difficulty }),
      chain: { nodes: [chain], network: NETWORK, simulated: true, label: 'simulated chain', tune: () => {} },
      authoritySecret: authority.secret,
      ec: fastestEc(findSecp256k1Wasm(), randomBytes),
    } as const;
    const bus = await openBus(directory, modules);
    const address = `${listen.host}:${listen.port}`;
    const pool = new LocalPool({ bus, chain, address, authorityKey: authority.text, metrics }, shutdown, directory);
    try {
      await startPool(options, bus, modules);
      return pool;
    } catch (error) {
      await pool.stop();
      throw error;
    }
  }

  /** By `account.worker`, over everything that the share-validator has judged so far; fails on any finding. */
  async credits(): Promise<ReadonlyMap<string, Credit>> {
    const credits = new Map<string, Credit>();
    const { firstSequence, lastSequence } = await this.bus.state('CREDITS');
    for (let next = firstSequence; next <= lastSequence; ) {
      const page = await this.bus.read('CREDITS', next, CREDIT_PAGE);
      for (const { subject, payload, sequence } of page) {
        next = sequence + 1;
        if (!subject.startsWith('credit.')) throw new Error(`the share-validator reports: ${subject}`);
        for (const { identity, worker, shares, work } of CreditBatch.decode(payload).credits) {
          const before = credits.get(`${identity}.${worker}`) ?? { shares: 0, work: 0n };
          credits.set(`${identity}.${worker}`, { shares: before.shares + shares, work: before.work + work });
        }
      }
      if (page.length === 0) break;
    }
    return credits;
  }

  /** Stops every service and removes what they stored. */
  async stop(): Promise<void> {
    await this.#shutdown.run();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function simulatedChain(nbits: number, transactions = 12): SimulatedChain {
  return new SimulatedChain(
    {
      network: NETWORK,
      nbits,
      reserve: { outputsSize: 200, outputsSigops: 8 },
      transactions,
      transactionFiller: 100,
      templateSeconds: 10,
    },
    {
      clock: systemClock,
      random: randomFraction,
      schedule: (ms, task) => {
        const timer = setTimeout(task, ms);
        return () => clearTimeout(timer);
      },
    },
  );
}
