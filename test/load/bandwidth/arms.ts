// The ways to the pool that are measured in the same hour: their servers, their miners, and the port whose connections are counted.
import { parseServerUrl } from '@sluice/client/server-url';
import type { PoolProcesses } from '../../support/pool-processes.ts';
import { Sv1Pool } from '../../support/sv1-pool.ts';
import type { ChannelKind } from '../orders.ts';
import { Farm, SHARE_DIFFICULTY } from './farm.ts';
import { JobFeed } from './job-feed.ts';
import type { Ledger } from './ledger.ts';
import { RelayedProxy } from './relayed-proxy.ts';

/** Miners' shares to one that goes up, for sixty a minute of a thousand miners that send six each. */
const SHARES_TO_ONE_UP = 100;

export const armNames = ['sv1', 'standard', 'group', 'aggregated', 'aggregated-60'] as const;
export type ArmName = (typeof armNames)[number];

export interface Arm {
  readonly name: ArmName;
  /** The server's, on loopback. */
  readonly port: number;
  readonly farm: Farm;
  /** What was said on the connections of that port. */
  ledger(): Ledger;
  /** Shares of each worker that went up, where a proxy stands between. */
  readonly sharesByWorker: ReadonlyMap<string, number> | undefined;
}

export class Arms {
  readonly all: Arm[] = [];
  readonly feed: JobFeed;
  readonly #pool: PoolProcesses;
  readonly #miners: number;
  readonly #sv1Pool: Sv1Pool;
  readonly #proxies: RelayedProxy[] = [];

  /** Each has a gateway of its own but for that of Stratum V1. */
  static readonly gateways = armNames.length - 1;

  private constructor(pool: PoolProcesses, sv1Pool: Sv1Pool, miners: number) {
    this.#pool = pool;
    this.#sv1Pool = sv1Pool;
    this.#miners = miners;
    this.feed = new JobFeed(sv1Pool);
  }

  /** Starts their servers; no miner is connected yet. */
  static async start(pool: PoolProcesses, miners: number): Promise<Arms> {
    const arms = new Arms(pool, await Sv1Pool.start({ difficulty: SHARE_DIFFICULTY }), miners);
    arms.#addSv1();
    arms.#addSv2('standard', 0, 'standard', 1);
    arms.#addSv2('group', 1, 'group', miners);
    await arms.#addProxy('aggregated', 2, SHARE_DIFFICULTY);
    await arms.#addProxy('aggregated-60', 3, SHARE_DIFFICULTY * SHARES_TO_ONE_UP);
    return arms;
  }

  get poolRefusals(): readonly string[] {
    return this.#sv1Pool.refused;
  }

  /** What to read when something failed. */
  logs(): string {
    return this.#proxies.map(({ process }) => `--- ${process.name}\n${process.log(20)}`).join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map(({ farm }) => farm.close()));
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
    await this.#sv1Pool.stop();
  }

  #addSv1(): void {
    const { port } = this.#sv1Pool;
    const farm = new Farm({ server: { host: '127.0.0.1', port, protocol: 'stratum-v1' }, miners: this.#miners });
    this.all.push({ name: 'sv1', port, farm, ledger: () => farm.ledger, sharesByWorker: undefined });
  }

  #addSv2(name: ArmName, gateway: number, kind: ChannelKind, channels: number): void {
    const port = this.#pool.gatewayPort(gateway);
    const server = parseServerUrl(`stratum2+tcp://127.0.0.1:${port}/${this.#pool.authorityKey}`);
    if (server === undefined) throw new Error('the gateway has no URL');
    const farm = new Farm({ server, miners: this.#miners, kind, channels });
    this.all.push({ name, port, farm, ledger: () => farm.ledger, sharesByWorker: undefined });
  }

  async #addProxy(name: ArmName, gateway: number, difficulty: number): Promise<void> {
    // One of the channels tells the pool of Stratum V1 its jobs.
    const listener = name === 'aggregated' ? { listener: this.feed } : {};
    const proxy = await RelayedProxy.start({ name, pool: this.#pool, gateway, difficulty, ...listener });
    this.#proxies.push(proxy);
    const { relay } = proxy;
    const farm = new Farm({ server: proxy.server, miners: this.#miners });
    this.all.push({ name, port: relay.port, farm, ledger: () => relay.ledger, sharesByWorker: relay.sharesByWorker });
  }
}
