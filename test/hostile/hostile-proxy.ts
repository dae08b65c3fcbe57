// A proxy as a process in front of a pool in another one, with honest miners of Stratum V1 beside the attackers.
import { setTimeout as sleep } from 'node:timers/promises';
import { INSPECTED, Inspector } from '../support/inspector.ts';
import { LocalPoolProcess } from '../support/local-pool-process.ts';
import { memoryInUse } from '../support/process-memory.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { Sv1Miner } from '../support/sv1-miner.ts';
import { waitFor } from '../support/wait-for.ts';
import { AttackerProcess, type AttackOn } from './attacker-process.ts';
import { type Felt, type HostileTarget, LONGEST_STALL, residentMemory } from './hostile-target.ts';

/** A block takes 2^32 hashes: none is found here. */
const NBITS = 0x1d00_ffff;
const HONEST_MINERS = 20;
const HASHRATE = 4_000;
/** Some twenty a second of each miner would be found at the first difficulty. */
const SHARES_PER_MINUTE = '600';
const ENDED_MS = 60_000;

export class HostileProxy implements HostileTarget {
  readonly #pool: LocalPoolProcess;
  readonly #proxy: ProxyProcess;
  readonly #inspector: Inspector;
  readonly #latencies: number[];

  private constructor(pool: LocalPoolProcess, proxy: ProxyProcess, inspector: Inspector, latencies: number[]) {
    this.#pool = pool;
    this.#proxy = proxy;
    this.#inspector = inspector;
    this.#latencies = latencies;
  }

  static async start(flags: readonly string[]): Promise<HostileProxy> {
    const pool = await LocalPoolProcess.start({ nbits: NBITS });
    const proxy = await ProxyProcess.start({
      ...{ upstreams: [pool], identity: 'farm', nodeFlags: INSPECTED },
      flags: ['--shares-per-minute', SHARES_PER_MINUTE, ...flags],
    });
    const latencies: number[] = [];
    for (let index = 0; index < HONEST_MINERS; index++)
      proxy.miners.push(
        new Sv1Miner({
          ...{ port: proxy.port, user: `farm.rig-${index}`, hashrate: HASHRATE },
          onAnswered: (ms) => latencies.push(ms),
        }),
      );
    await Promise.all(proxy.miners.map(({ ready }) => ready));
    return new HostileProxy(pool, proxy, await Inspector.open(proxy.process.log()), latencies);
  }

  get lost(): number {
    return this.#proxy.miners.filter(({ isOpen }) => !isOpen).length;
  }

  get memory(): number {
    return residentMemory(this.#proxy.process.pid);
  }

  memoryInUse(): Promise<number> {
    return memoryInUse(this.#inspector);
  }

  async feel(ms: number): Promise<Felt> {
    this.#latencies.length = 0;
    await sleep(ms);
    const sorted = this.#latencies.slice().sort((a, b) => a - b);
    const at = (quantile: number) => Math.round(sorted[Math.floor(sorted.length * quantile)] ?? Number.NaN);
    return { p50: at(0.5), p99: at(0.99), samples: sorted.length };
  }

  begin(attacks: readonly AttackOn[]): Promise<AttackerProcess> {
    const target = { port: this.#proxy.port, authorityKey: this.#pool.authorityKey };
    return AttackerProcess.begin(target, attacks);
  }

  async newcomer(): Promise<void> {
    const miner = new Sv1Miner({ port: this.#proxy.port, user: 'farm.newcomer', hashrate: 0 });
    try {
      await miner.ready;
      await waitFor(() => miner.jobs.length > 0);
    } finally {
      miner.stop();
    }
  }

  async metric(name: string, label = ''): Promise<number> {
    const value = await this.#proxy.process.metric(`sluice_proxy_sv1_${name}`, label);
    if (value === undefined) throw new Error(`the proxy has no metric sluice_proxy_sv1_${name}`);
    return value;
  }

  async longestStall(): Promise<number> {
    return 1_000 * ((await this.#proxy.process.metric(LONGEST_STALL)) ?? Number.NaN);
  }

  async alone(): Promise<void> {
    await waitFor(async () => (await this.metric('connections')) === HONEST_MINERS, ENDED_MS);
  }

  logs(): string {
    return this.#proxy.process.log();
  }

  async stop(): Promise<void> {
    this.#inspector.close();
    await this.#proxy.stop();
    await this.#pool.stop();
  }
}
