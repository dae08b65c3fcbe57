// What is compared, taken from a run.
import type { RunResult } from '../results.ts';
import { cpuBetween, type Mark, rssAt, systemBetween } from '../server-record.ts';
import type { Row, RowGroup } from './rows.ts';

const KIB = 1_024;
const MIB = 1_048_576;

export interface Figure {
  readonly title: string;
  /** Absent: neither is, both are to be what was wanted. */
  readonly better?: 'more' | 'less';
  of(result: RunResult): number;
  /** Absent: of every row of the group. */
  readonly onlyIf?: (row: Row) => boolean;
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const cpu = ({ servers }: RunResult, from: Mark, to: Mark) => total(servers.map((each) => cpuBetween(each, from, to)));
const rss = ({ servers }: RunResult, mark: Mark) => total(servers.map((each) => rssAt(each, mark)));

/** Up to where everything is credited: what a pool puts off costs the same as what it does at once. */
const shareCpu = (result: RunResult) => cpu(result, 'begin', 'settled');
const measuredShares = ({ shares }: RunResult) => shares?.latency.count ?? Number.NaN;
const sharesPerSecond = (run: RunResult) => measuredShares(run) / (run.shares?.seconds ?? Number.NaN);
const latency = (part: number) => (result: RunResult) => result.shares?.latency.quantile(part) ?? Number.NaN;
const bytesOf = (rows: RunResult['sent'], pattern: RegExp) =>
  total(rows.filter(({ name }) => pattern.test(name)).map(({ bytes }) => bytes));
const acknowledged = ({ shares }: RunResult) => shares?.counts.acknowledged ?? Number.NaN;

const ANSWERS = /^(SubmitShares\.(Success|Error)|answer to mining\.submit)$/;
const SUBMITS = /^(SubmitShares(Standard|Extended)|mining\.submit)$/;
const isAsFastAsItGoes = ({ name }: Row) => !name.includes('paced');

const figures: Readonly<Record<RowGroup, readonly Figure[]>> = {
  shares: [
    { title: 'shares per CPU-second', better: 'more', of: (run) => measuredShares(run) / shareCpu(run) },
    { title: 'CPU µs a share', better: 'less', of: (run) => (shareCpu(run) * 1e6) / measuredShares(run) },
    {
      title: 'shares/s',
      better: 'more',
      of: sharesPerSecond,
      onlyIf: isAsFastAsItGoes,
    },
    {
      title: 'shares/s that came',
      of: sharesPerSecond,
      onlyIf: (row) => !isAsFastAsItGoes(row),
    },
    { title: 'ack p50, ms', better: 'less', of: latency(0.5) },
    { title: 'ack p99, ms', better: 'less', of: latency(0.99) },
    { title: 'ack max, ms', better: 'less', of: ({ shares }) => shares?.latency.max ?? Number.NaN },
    { title: 'bytes sent a share', better: 'less', of: (run) => bytesOf(run.sent, SUBMITS) / acknowledged(run) },
    {
      title: 'bytes answered a share',
      better: 'less',
      of: (run) => bytesOf(run.received, ANSWERS) / acknowledged(run),
    },
  ],
  opening: [
    { title: 'opens/s', better: 'more', of: ({ open }) => open.opened / open.seconds },
    {
      title: 'CPU ms an open',
      better: 'less',
      of: (run) => (cpu(run, 'start', 'opened') * 1_000) / run.open.opened,
    },
    { title: 'open p50, ms', better: 'less', of: ({ open }) => open.phases.open.quantile(0.5) },
    { title: 'open p99, ms', better: 'less', of: ({ open }) => open.phases.open.quantile(0.99) },
    { title: 'open max, ms', better: 'less', of: ({ open }) => open.phases.open.max },
    { title: 'RSS MiB before', better: 'less', of: (run) => rss(run, 'start') / MIB },
    {
      title: 'RSS KiB a connection',
      better: 'less',
      of: (run) => (rss(run, 'end') - rss(run, 'start')) / KIB / run.open.opened,
    },
    {
      title: 'CPU without work, % of a core',
      better: 'less',
      of: (run) => (cpu(run, 'begin', 'end') * 100) / run.config.seconds,
    },
  ],
  tips: [
    { title: 'told after the announcement p50, ms', better: 'less', of: ({ tips }) => delay(tips?.fromZero, 0.5) },
    { title: 'p99, ms', better: 'less', of: ({ tips }) => delay(tips?.fromZero, 0.99) },
    { title: 'max, ms', better: 'less', of: ({ tips }) => tips?.fromZero.max ?? Number.NaN },
    { title: 'told after the first one p50, ms', better: 'less', of: ({ tips }) => delay(tips?.fromFirst, 0.5) },
    { title: 'p99, ms, of these', better: 'less', of: ({ tips }) => delay(tips?.fromFirst, 0.99) },
    { title: 'max, ms, of these', better: 'less', of: ({ tips }) => tips?.fromFirst.max ?? Number.NaN },
    {
      title: 'CPU µs a connection and tip, all else included',
      better: 'less',
      of: (run) => (cpu(run, 'begin', 'end') * 1e6) / (run.tips?.rounds.length ?? 0) / run.open.opened,
    },
  ],
};

function delay(histogram: { quantile(part: number): number } | undefined, part: number): number {
  return histogram?.quantile(part) ?? Number.NaN;
}

export const figuresOf = (row: Row) => figures[row.group].filter(({ onlyIf }) => onlyIf?.(row) ?? true);

export interface ProcessCpu {
  readonly process: string;
  /** CPU µs a share or an opening, and how much of it in the kernel. */
  readonly micros: number;
  readonly systemMicros: number;
}

/** For the rows of shares. */
export const shareCpuByProcess = (run: RunResult) => cpuByProcess(run, 'begin', 'settled', measuredShares(run));

/** For the rows of openings. */
export const openingCpuByProcess = (run: RunResult) => cpuByProcess(run, 'start', 'opened', run.open.opened);

function cpuByProcess({ servers }: RunResult, from: Mark, to: Mark, count: number): readonly ProcessCpu[] {
  return servers.map((server) => ({
    process: server.name,
    micros: (cpuBetween(server, from, to) * 1e6) / count,
    systemMicros: (systemBetween(server, from, to) * 1e6) / count,
  }));
}
