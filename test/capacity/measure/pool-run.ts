// A load on a pool of processes, with what each of them used.
import { gatewayBounds } from '../../load/compare/pools.ts';
import type { LoadConfig } from '../../load/config.ts';
import { loadConfigOf } from '../../load/load-config.ts';
import { processesOf } from '../../load/pool-cpu/moments.ts';
import { rateFailures, verdictOf } from '../../load/report/verdict.ts';
import type { RunResult } from '../../load/results.ts';
import { LoadRun } from '../../load/run.ts';
import { cpuBetween, type Mark } from '../../load/server-record.ts';
import { PoolProcesses } from '../../support/pool-processes.ts';

export interface PoolRunOptions {
  readonly gateways: number;
  /** Flags of `npm run load`, without those that name the pool. */
  readonly load: readonly string[];
}

/** CPU µs by service, of several processes of one their sum: of each opening, and of each share that was acknowledged. */
export interface PoolRunFigures {
  readonly anOpen: ReadonlyMap<string, number>;
  readonly aShare: ReadonlyMap<string, number>;
}

/** @throws Error: something of the run did not hold. */
export async function runPool({ gateways, load }: PoolRunOptions): Promise<PoolRunFigures> {
  const chain = { simulated: { nbits: '1b00ffff', blockSeconds: 0 } };
  const easiest = { sharesPerMinute: 100_000, easiestDifficulty: 1e-10 };
  const pool = await PoolProcesses.start({ chain, gateways, gatewayFlags: gatewayBounds, ...easiest });
  try {
    const result = await new LoadRun(loadOn(pool, gateways, load)).run();
    const failures = [...verdictOf(result).failures, ...rateFailures(result)];
    if (failures.length > 0) throw new Error(failures.join('; '));
    const shares = result.shares?.latency.count ?? Number.NaN;
    return {
      anOpen: cpuMicros(result, 'start', 'opened', result.open.opened),
      aShare: cpuMicros(result, 'begin', 'end', shares),
    };
  } finally {
    await pool.stop();
  }
}

function loadOn(pool: PoolProcesses, gateways: number, load: readonly string[]): LoadConfig {
  const urls = Array.from({ length: gateways }, (_, index) => pool.gatewayPort(index)).flatMap((port) => [
    '--pool',
    `stratum2+tcp://127.0.0.1:${port}/${pool.authorityKey}`,
  ]);
  const pids = processesOf(pool).flatMap(({ name, pid }) => ['--pids', `${name}=${pid}`]);
  return loadConfigOf([...urls, ...load, ...pids]);
}

function cpuMicros({ servers }: RunResult, from: Mark, to: Mark, count: number): ReadonlyMap<string, number> {
  const micros = new Map<string, number>();
  let all = 0;
  for (const server of servers) {
    const each = (cpuBetween(server, from, to) * 1e6) / count;
    micros.set(server.name, (micros.get(server.name) ?? 0) + each);
    all += each;
  }
  return micros.set('all', all);
}
