// A pool of real processes whose gateway is attacked, with honest miners beside the attackers: what they feel, what the gateway needs, and
// what it counts, before and meanwhile.
import { setTimeout as sleep } from 'node:timers/promises';
import { INSPECTED, Inspector } from '../support/inspector.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import { memoryInUse } from '../support/process-memory.ts';
import { ShareLoad } from '../support/share-load.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { waitFor } from '../support/wait-for.ts';
import { AttackerProcess, type AttackOn } from './attacker-process.ts';
import { BALANCER } from './attacks/storms.ts';
import { type Felt, type HostileTarget, LONGEST_STALL, residentMemory } from './hostile-target.ts';

/** Difficulty 1: no share of a test is a block. */
const NBITS = '1d00ffff';
const GATEWAY = 'connection-gateway-0';
const HONEST_MINERS = 20;
const SHARES_PER_SECOND = 400;
const ENDED_MS = 60_000;

export class HostilePool implements HostileTarget {
  readonly #pool: PoolProcesses;
  readonly #load: ShareLoad;
  readonly #inspector: Inspector;

  private constructor(pool: PoolProcesses, load: ShareLoad, inspector: Inspector) {
    this.#pool = pool;
    this.#load = load;
    this.#inspector = inspector;
  }

  static async start(gatewayFlags: readonly string[]): Promise<HostilePool> {
    const pool = await PoolProcesses.start({
      chain: { simulated: { nbits: NBITS, blockSeconds: 3 } },
      sharesPerMinute: (60 * SHARES_PER_SECOND) / HONEST_MINERS,
      easiestDifficulty: 1e-10,
      gatewayNodeFlags: INSPECTED,
      gatewayFlags: ['--proxy-protocol-from', BALANCER, ...gatewayFlags],
    });
    const load = new ShareLoad({
      ...{ ports: [pool.gatewayPort()], authorityKey: pool.authorityKey },
      ...{ connections: HONEST_MINERS, sharesPerSecond: SHARES_PER_SECOND },
    });
    await load.start();
    return new HostilePool(pool, load, await Inspector.open(pool.service(GATEWAY).log()));
  }

  get lost(): number {
    return this.#load.losses.length;
  }

  logs(): string {
    return this.#pool.logs();
  }

  async feel(ms: number): Promise<Felt> {
    this.#load.latencies.fill(0);
    await sleep(ms);
    const samples = this.#load.latencies.reduce((sum, count) => sum + count, 0);
    return { p50: this.#load.latency(0.5), p99: this.#load.latency(0.99), samples };
  }

  begin(attacks: readonly AttackOn[]): Promise<AttackerProcess> {
    const target = { port: this.#pool.gatewayPort(), authorityKey: this.#pool.authorityKey };
    return AttackerProcess.begin(target, attacks);
  }

  async newcomer(): Promise<void> {
    const { authorityKey } = this.#pool;
    const client = await Sv2Client.connect({ port: this.#pool.gatewayPort(), authorityKey });
    const channel = await client.openStandard({ identity: 'newcomer.1', hashRate: 1 });
    await waitFor(() => channel.job !== undefined);
    await client.close();
  }

  async metric(name: string, label = ''): Promise<number> {
    const value = await this.#pool.service(GATEWAY).metric(`sluice_gateway_${name}`, label);
    if (value === undefined) throw new Error(`the gateway has no metric sluice_gateway_${name}`);
    return value;
  }

  async longestStall(): Promise<number> {
    return 1_000 * ((await this.#pool.service(GATEWAY).metric(LONGEST_STALL)) ?? Number.NaN);
  }

  async alone(): Promise<void> {
    await waitFor(async () => (await this.metric('connections')) === HONEST_MINERS, ENDED_MS);
  }

  memoryInUse(): Promise<number> {
    return memoryInUse(this.#inspector);
  }

  get memory(): number {
    return residentMemory(this.#pool.service(GATEWAY).pid);
  }

  async stop(): Promise<void> {
    this.#inspector.close();
    await this.#load.close();
    await this.#pool.stop();
  }
}
