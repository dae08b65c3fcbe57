// A pool of processes with ten thousand connections, all of it on one core beside its node, as `npm run load:compare` has a thousand and five thousand.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contest } from '../../load/compare/contest.ts';
import { contestOf } from '../../load/compare/contest-of.ts';
import { shareCpuByProcess } from '../../load/compare/figures.ts';
import { Pinning } from '../../load/compare/pinning.ts';
import type { Row } from '../../load/compare/rows.ts';
import type { LatencyHistogram } from '../../load/measure/latency-histogram.ts';
import type { Table } from '../../load/report/table.ts';
import { rateFailures, verdictOf } from '../../load/report/verdict.ts';
import type { RunResult } from '../../load/results.ts';
import { LoadRun } from '../../load/run.ts';
import { largePoolRows, tables } from '../table-titles.ts';

const CONNECTIONS = 10_000;
/** As in that comparison. */
const OPTIONS = { seconds: 15, warmUpSeconds: 30, workers: 1, tips: 20, warmUpTips: 20 } as const;
const REST_MS = 2_000;
const PACED = ['--mode', 'paced', '--rate', '1000'];
const TIPS = ['--mode', 'new-tip', '--timed-connections', '100'];

export async function measureLargePool(say: (text: string) => void): Promise<Table> {
  const pinning = new Pinning(false);
  const contest = contestOf('pool', false);
  say('a node with a filled mempool');
  await pinning.amongServers(() => contest.open(false));
  try {
    say(`${CONNECTIONS} connections, 1,000 shares a second`);
    const paced = await measure(rowOf('shares', PACED), contest, pinning);
    say(`${CONNECTIONS} connections, new tips`);
    const told = await measure(rowOf('tips', TIPS), contest, pinning);
    return tableOf(paced, told);
  } finally {
    await contest.close();
  }
}

function rowOf(group: Row['group'], flags: readonly string[]): Row {
  const kind = ['--kind', 'standard'];
  return {
    ...{ name: `capacity-${group}`, group, title: group, connections: CONNECTIONS, sriBatch: 1 },
    flags: [...kind, ...flags],
  };
}

async function measure(row: Row, contest: Contest, pinning: Pinning): Promise<RunResult> {
  const pool = await pinning.amongServers(() => contest.start('ours', row));
  try {
    pinning.check(pool.processes.map(({ pid }) => pid));
    await sleep(REST_MS);
    const result = await new LoadRun(contest.load(row, pool, OPTIONS), pool.hooks).run();
    const failures = [...verdictOf(result).failures, ...rateFailures(result)];
    if (failures.length > 0) throw new Error(`${row.name}: ${failures.join('; ')}\n${pool.logs()}`);
    return result;
  } finally {
    await pool.stop();
    await contest.settle();
  }
}

function tableOf(paced: RunResult, told: RunResult): Table {
  const gateway = shareCpuByProcess(paced).find(({ process }) => process === 'connection-gateway');
  const row = (name: string, latency: LatencyHistogram | undefined, micros?: number) =>
    [name, latency?.quantile(0.5), latency?.quantile(0.99), latency?.max, micros] as const;
  return {
    title: `${tables.largePool}, standard channels, the load on one core and all of the pool on the other`,
    columns: ['load', 'p50, ms', 'p99, ms', 'max, ms', 'CPU µs each, gateway'],
    rows: [
      row(largePoolRows.shares, paced.shares?.latency, gateway?.micros),
      row(largePoolRows.tip, told.tips?.fromFirst),
    ],
  };
}
