// What the pool's CPU time of shares is written down as.
import { markdownOf, show, type Table } from '../report/table.ts';
import type { PoolCpuConfig } from './config.ts';
import { HASHES_A_SHARE, microsAShare, microsOf, PROXY, poolUse, type RateFigures } from './figures.ts';
import { type WayName, ways } from './ways.ts';

/** Of one way: what every round has found, at every rate. */
export interface WayRecord {
  readonly name: WayName;
  readonly measured: RateFigures[];
}

export interface PoolCpuRecord {
  readonly config: Pick<PoolCpuConfig, 'rounds' | 'miners' | 'rates' | 'seconds' | 'idleSeconds' | 'warmUpSeconds'>;
  readonly records: readonly WayRecord[];
  readonly machine: readonly string[];
  readonly busy: number;
}

const REFERENCE: WayName = 'extended';

export function sectionOf(record: PoolCpuRecord): string {
  const { rates } = record.config;
  return [
    "## The pool's CPU time of a share, by the way that it comes",
    '',
    ...method(record),
    '',
    ...rates.flatMap((rate) => [markdownOf(costs(record.records, rate)), markdownOf(byProcess(record.records, rate))]),
  ].join('\n');
}

function method({ config, machine, busy }: PoolCpuRecord): readonly string[] {
  const { rounds, miners, seconds, idleSeconds, warmUpSeconds } = config;
  return [
    `\`npm run load:pool-cpu\` on ${new Date().toISOString().slice(0, 10)}: ${show(miners)} connected miners, medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}. User and system time of all processes of the pool`,
    `from /proc: gateway, validator, channel-manager, job-distributor, template-provider, nats-server. Each way has ${show(idleSeconds)} s without shares, then for each rate`,
    `${show(warmUpSeconds)} s that do not count and ${show(seconds)} s that do, up to where the validator has credited the last share. A share takes four hashes, one of the last row four hundred; the`,
    'credited work is held against the work that was done. CPU time of a share is what the processes take beyond what they take without shares.',
    '',
    ...machine.map((text) => `- ${text}`),
    `- other work took up to ${show(busy * 100)} % of the machine, looked at before each way`,
  ];
}

function costs(records: readonly WayRecord[], rate: number): Table {
  const reference = medianAt(records, REFERENCE, rate, microsAShare);
  return {
    title: `${show(rate)} shares a second of the miners`,
    columns: [
      ...['way', 'shares/s to the pool', 'credited work ÷ done', 'pool without shares, % of a core', 'with them'],
      ...["CPU µs of the pool a miner's share", `÷ ${REFERENCE}`, 'CPU µs of the proxy'],
    ],
    rows: records.map(({ name }) => {
      const at = (of: (figures: RateFigures) => number) => medianAt(records, name, rate, of);
      const micros = at(microsAShare);
      return [
        ways[name].title,
        ...[at(({ sentUp, seconds }) => sentUp / seconds), at(({ work, shares }) => work / (shares * HASHES_A_SHARE))],
        ...[at(({ idle }) => poolUse(idle) * 100), at(({ loaded }) => poolUse(loaded) * 100), micros],
        micros / reference,
        name.startsWith('aggregated') ? at((figures) => microsOf(figures, PROXY)) : undefined,
      ];
    }),
  };
}

function byProcess(records: readonly WayRecord[], rate: number): Table {
  const [first] = records.flatMap(({ measured }) => measured);
  const names = [...(first?.loaded.keys() ?? [])].filter((name) => name !== PROXY);
  return {
    title: `By process, µs a miner's share, ${show(rate)} a second`,
    columns: ['way', ...names],
    rows: records.map(({ name }) => [
      ways[name].title,
      ...names.map((process) => medianAt(records, name, rate, (figures) => microsOf(figures, process))),
    ]),
  };
}

function medianAt(
  records: readonly WayRecord[],
  name: WayName,
  rate: number,
  of: (figures: RateFigures) => number,
): number {
  const measured = records.find((record) => record.name === name)?.measured ?? [];
  const sorted = measured
    .filter((figures) => figures.rate === rate)
    .map(of)
    .sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
