// What an hour of bandwidth writes down.
import { markdownOf, show, type Table } from '../report/table.ts';
import { dispersionOf, spreadsOf } from './accounting.ts';
import type { ArmName } from './arms.ts';
import { type ArmFigures, bars } from './figures.ts';
import { blocksOf, type Hour, sharesOf, templatesOf } from './hour.ts';
import { answersAShare, type HourRow, sharesSent } from './hour-ledger.ts';
import type { MeasuredHour } from './measured.ts';
import type { VardiffHour } from './vardiff-hour.ts';

export interface BandwidthRecord {
  readonly hour: Hour;
  readonly measured: MeasuredHour;
  readonly figures: readonly ArmFigures[];
  readonly vardiff: VardiffHour;
  readonly failures: readonly string[];
  /** What everything ran on. */
  readonly machine: readonly string[];
  /** File of the plot, as the document names it. */
  readonly plot: string;
}

const KB = 1_000;
const MB = 1_000_000;

const titles: Readonly<Record<ArmName, string>> = {
  sv1: 'Stratum V1',
  standard: 'standard channels',
  group: 'one connection, one group',
  aggregated: 'proxy, all shares',
  'aggregated-60': 'proxy, 60 a minute',
};
export const titleOf = (name: ArmName) => titles[name];

/** Stratum V1 first, then in the order in which they are described. */
export function sectionOf(record: BandwidthRecord): string {
  const { figures, failures } = record;
  return [
    '## The hour',
    '',
    ...conditions(record),
    '',
    markdownOf(totals(record)),
    `![bytes of a miner in an hour](${record.plot})`,
    '',
    markdownOf(headers(record)),
    '## Messages',
    '',
    'Of all miners together; bytes are those on the wire, encrypted where the protocol encrypts.',
    '',
    ...figures.map((each) => markdownOf(messages(each))),
    '## What depends on time',
    '',
    ...timeDriven(record),
    '',
    '## What sixty shares a minute cost',
    '',
    ...accounting(record),
    ...(failures.length === 0 ? [] : ['', ...failures.map((text) => `- FAILED: ${text}`)]),
  ].join('\n');
}

function conditions({ hour, measured, machine }: BandwidthRecord): readonly string[] {
  return [
    `\`npm run bandwidth\` on ${new Date().toISOString().slice(0, 10)}: ${show(hour.miners)} miners, ${show(sharesOf(hour))} shares, ${show(templatesOf(hour))} templates, ${show(blocksOf(hour))} of them`,
    `behind a block, in ${show(measured.seconds)} s; then ${show(measured.paceSeconds)} s at the hour's own pace. Merkle paths of ${measured.levels} levels. The channel of the proxy was told`,
    `${show(measured.jobs)} jobs, ${show(measured.tips)} of them on another tip.`,
    '',
    ...machine.map((text) => `- ${text}`),
  ];
}

function totals({ figures, hour }: BandwidthRecord): Table {
  const perMiner = hour.miners * KB;
  const shares = sharesOf(hour);
  return {
    title: 'TCP payload, whole session',
    columns: [
      ...['way to the pool', 'connections', 'MB up', 'MB down', 'kB a miner-hour up', 'down', 'both'],
      ...['bytes a share up', 'down', 'both', '÷ Stratum V1', 'bar'],
    ],
    rows: figures.map(({ arm, up, down, all, ratio }) => [
      titleOf(arm.name),
      ...[arm.connections, up / MB, down / MB, up / perMiner, down / perMiner, all / perMiner],
      ...[up / shares, down / shares, all / shares, ratio],
      barText(bars[arm.name]),
    ]),
  };
}

const barText = (bar: number | undefined) => (bar === undefined ? '' : `≤ ${bar}`);

function headers({ figures }: BandwidthRecord): Table {
  const sv1 = figures.find(({ arm }) => arm.name === 'sv1');
  return {
    title: 'With the headers of TCP and IPv4, estimated',
    columns: ['way to the pool', 'segments a share at pace', 'MB of headers', 'MB with payload', '÷ Stratum V1'],
    rows: figures.map(({ arm, headers: bytes, all }) => [
      titleOf(arm.name),
      (arm.socketsAtPace.segmentsUp + arm.socketsAtPace.segmentsDown) / arm.sharesAtPace,
      bytes / MB,
      (bytes + all) / MB,
      sv1 === undefined ? undefined : (bytes + all) / (sv1.headers + sv1.all),
    ]),
  };
}

function messages({ arm, rows, all, messages: count }: ArmFigures): Table {
  const cells = ({ name, direction, messages: number, bytes }: HourRow) =>
    [name, direction, Math.round(number), bytes / number, bytes / KB, (bytes / all) * 100] as const;
  return {
    title: titleOf(arm.name).replace(/^./, (letter) => letter.toUpperCase()),
    columns: ['message', 'direction', 'in the hour', 'bytes each', 'kB', '% of all'],
    rows: [...rows.map(cells), ['all', '', Math.round(count), all / count, all / KB, 100]],
  };
}

function timeDriven({ figures, measured, vardiff, hour }: BandwidthRecord): readonly string[] {
  const counted = (name: ArmName, message: string) => {
    const rows = figures.find(({ arm }) => arm.name === name)?.rows.filter((row) => row.name === message) ?? [];
    const sum = (of: (row: HourRow) => number) => rows.reduce((total, row) => total + of(row), 0);
    return [sum((row) => row.counted), sum((row) => row.messages)] as const;
  };
  const row = (what: string, name: ArmName, message: string, why: string) =>
    [what, titleOf(name), ...counted(name, message), why] as const;
  const aggregated = figures.find(({ arm }) => arm.name === 'aggregated');
  const together = aggregated === undefined ? Number.NaN : 1 / answersAShare(aggregated.arm);
  const table: Table = {
    title: 'Counted without pauses, and in the hour',
    columns: ['message', 'way', 'counted', 'in the hour', 'why'],
    rows: [
      row('SubmitShares.Success', 'standard', 'SubmitShares.Success', "answers at the hour's pace"),
      row('SubmitShares.Success', 'group', 'SubmitShares.Success', 'the same'),
      row(
        ...(['SubmitShares.Success', 'aggregated', 'SubmitShares.Success'] as const),
        `the same: ${show(together)} shares to an answer, those of 20 ms`,
      ),
      row('SubmitShares.Success', 'aggregated-60', 'SubmitShares.Success', 'the same'),
      row(
        ...(['RequestExtensions and its answer', 'aggregated-60', 'messages of extensions'] as const),
        'the proxy asks after 3 s of silence: Poisson',
      ),
      row(
        ...(['mining.set_difficulty after the first', 'sv1', 'mining.set_difficulty'] as const),
        `${show(vardiff.setDifficulties)} a miner, simulated`,
      ),
      row('SetTarget', 'standard', 'SetTarget', `${show(vardiff.setTargets)} a miner, simulated`),
      row('a job for an easier target', 'standard', 'job for an easier target', `${show(vardiff.eased)} a miner`),
    ],
  };
  return [
    markdownOf(table),
    `Of Stratum V1 no keep-alives are in the hour: no pause between two jobs is longer than ${hour.templateSeconds} s. The simulation is that of [vardiff](vardiff.md), ${show(hour.miners)} steady`,
    `miners from a right first difficulty, for Stratum V1 in powers of two; measured was none of it, because targets were held (${show(measured.paceSeconds)} s at pace say nothing of it).`,
  ];
}

function accounting({ figures, hour }: BandwidthRecord): readonly string[] {
  const rare = figures.find(({ arm }) => arm.name === 'aggregated-60');
  const hours = hour.seconds / 3_600;
  const paidOf = (shares: number) => shares / hour.miners / hours;
  const all = spreadsOf(hour.sharesPerMinute * 60);
  const few = spreadsOf((60 * 60) / hour.miners);
  const table: Table = {
    title: 'Spread of what one worker is paid for, standard deviation ÷ mean, %',
    columns: [
      ...['hours', 'all shares: mean', 'derived', 'simulated'],
      ...['60 a minute of the farm: mean', 'derived', 'simulated', '× wider'],
    ],
    rows: all.map((spread, index) => {
      const other = few[index];
      return [
        String(spread.hours),
        ...[spread.mean, spread.derived * 100, spread.simulated * 100],
        ...[other?.mean, (other?.derived ?? Number.NaN) * 100, (other?.simulated ?? Number.NaN) * 100],
        Math.round(((other?.derived ?? Number.NaN) / spread.derived) * 10) / 10,
      ];
    }),
  };
  if (rare?.arm.sharesByWorker === undefined) return [markdownOf(table)];
  const { mean, varianceOverMean, none } = dispersionOf(rare.arm.sharesByWorker, hour.miners);
  const up = sharesSent(rare.arm.whole.up);
  return [
    markdownOf(table),
    `Measured: ${show(up)} shares went up, ${show(mean)} of a worker (${show(paidOf(up))} an hour), with a variance of ${show(varianceOverMean)} times the mean, where a Poisson distribution has`,
    `1; ${show(none)} of ${show(hour.miners)} workers had none. A share that went up took ${show(rare.all / up)} bytes, everything included.`,
  ];
}
