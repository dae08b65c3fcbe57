// `npm run load` on a pool of processes, with what each of them used read from its CSV.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PoolProcesses } from '../../support/pool-processes.ts';
import { run } from '../../support/run.ts';

const program = join(import.meta.dirname, '../../load/main.ts');
/** As those of `npm run load:compare`: none of them is to be met. */
const LIMITS = ['--max-connections-per-address', '20000', '--connection-rate', '100000', '--message-rate', '1000000'];

export interface PoolRunOptions {
  readonly gateways: number;
  readonly load: readonly string[];
}

/** What a run reported. */
export class PoolRun {
  readonly #lines: readonly string[];

  constructor(csv: string) {
    this.#lines = csv.split('\n');
  }

  /** CPU µs of each of `count`, by service; `CPU s opening` or `CPU s measured`. */
  cpuMicros(column: string, count: number): ReadonlyMap<string, number> {
    const micros = new Map<string, number>();
    for (const line of this.#lines) {
      const [, table, process = '', title, value] = line.split(',');
      if (table !== 'Processes of the pool' || title !== column) continue;
      const service = process.replace(/-\d+$/, '');
      micros.set(service, (micros.get(service) ?? 0) + (Number(value) / count) * 1e6);
    }
    return micros;
  }
}

export async function runPool({ gateways, load }: PoolRunOptions): Promise<PoolRun> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-capacity-'));
  const chain = { simulated: { nbits: '1b00ffff', blockSeconds: 0 } };
  const easiest = { sharesPerMinute: 100_000, easiestDifficulty: 1e-10 };
  const pool = await PoolProcesses.start({ chain, gateways, gatewayFlags: LIMITS, ...easiest });
  try {
    const csv = join(directory, 'run.csv');
    const urls = Array.from({ length: gateways }, (_, index) => pool.gatewayPort(index)).flatMap((port) => [
      '--pool',
      `stratum2+tcp://127.0.0.1:${port}/${pool.authorityKey}`,
    ]);
    const pids = pool.services.flatMap(({ name, pid }) => ['--pids', `${name}=${pid}`]);
    const nats = ['--pids', `nats-server=${pool.nats.pid}`];
    await run(process.execPath, [program, ...urls, ...load, ...pids, ...nats, '--csv', csv]);
    return new PoolRun(readFileSync(csv, 'utf8'));
  } finally {
    await pool.stop();
    rmSync(directory, { recursive: true });
  }
}
