// What the gateways of a run took, however many processes or threads they are, beside the figures of all processes.
import { readFileSync } from 'node:fs';
import type { RowGroup } from '../compare/rows.ts';
import type { RunResult } from '../results.ts';
import { cpuBetween, type Mark, rssAt } from '../server-record.ts';

export const GATEWAY = 'connection-gateway';
const KIB = 1_024;
const MIB = 1_048_576;

interface GatewayFigure {
  readonly title: string;
  of(result: RunResult): number;
}

/** Beside those of all processes. */
export const gatewayFigures: Readonly<Record<RowGroup, readonly GatewayFigure[]>> = {
  shares: [
    {
      title: 'CPU µs a share, gateways',
      of: (result) => (cpu(result, 'begin', 'settled') * 1e6) / (result.shares?.latency.count ?? Number.NaN),
    },
  ],
  opening: [
    {
      title: 'CPU ms an open, gateways',
      of: (result) => (cpu(result, 'start', 'opened') * 1_000) / result.open.opened,
    },
    { title: 'RSS MiB before, gateways', of: (result) => rss(result, 'start') / MIB },
    {
      title: 'RSS KiB a connection, gateways',
      of: (result) => (rss(result, 'end') - rss(result, 'start')) / KIB / result.open.opened,
    },
    {
      title: 'CPU without work, % of a core, gateways',
      of: (result) => (cpu(result, 'begin', 'end') * 100) / result.config.seconds,
    },
  ],
  tips: [
    {
      title: 'CPU µs a connection and tip, gateways',
      of: (result) => (cpu(result, 'begin', 'end') * 1e6) / (result.tips?.rounds.length ?? 0) / result.open.opened,
    },
  ],
};

const gatewaysOf = ({ servers }: RunResult) => servers.filter(({ name }) => name === GATEWAY);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const cpu = (result: RunResult, from: Mark, to: Mark) =>
  sum(gatewaysOf(result).map((server) => cpuBetween(server, from, to)));
const rss = (result: RunResult, mark: Mark) => sum(gatewaysOf(result).map((server) => rssAt(server, mark)));

/** Pages that no other process has mapped: of the programs on a machine Node itself is there once. */
export function privateBytes(pid: number): number {
  const lines = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm);
  return sum([...lines].map(([, kib]) => Number(kib))) * KIB;
}
