// What a comparison writes down.
import { show } from '../report/table.ts';
import { type Figure, figuresOf } from './figures.ts';
import { type PoolName, poolNames } from './pools.ts';
import type { Row, RowGroup } from './rows.ts';

/** Of one row: the figures of every good run, by pool and title, and what failed. */
export interface RowRecord {
  readonly row: Row;
  readonly values: Readonly<Record<PoolName, ReadonlyMap<string, readonly number[]>>>;
}

export interface Comparison {
  readonly records: readonly RowRecord[];
  /** Rows by name and why they were not measured. */
  readonly leftOut: readonly string[];
  readonly failures: readonly string[];
  /** What the load tool says of itself. */
  readonly warnings: readonly string[];
  readonly method: readonly string[];
  /** Of the disk that shares are synced to, in words: it stands with every table. */
  readonly diskSync: string;
}

const groups: readonly (readonly [RowGroup, string])[] = [
  ['shares', 'Shares'],
  ['opening', 'Connections opened as fast as they open, 100 at the same time, then held'],
  ['tips', 'A new tip'],
];

export function sectionOf(comparison: Comparison): string {
  const { records, leftOut, failures, warnings, method, diskSync } = comparison;
  const notes = [...leftOut, ...failures, ...warnings].map((text) => `- ${text}`);
  return [
    "## Beside SRI's pool",
    '',
    ...method,
    '',
    ...groups.flatMap(([group, title]) => {
      const ofGroup = records.filter(({ row }) => row.group === group);
      return ofGroup.length === 0 ? [] : [`### ${title}`, '', `Disk: ${diskSync}.`, '', ...tableOf(ofGroup), ''];
    }),
    ...processTable(records),
    ...(notes.length === 0 ? [] : [...notes, '']),
  ].join('\n');
}

function tableOf(records: readonly RowRecord[]): readonly string[] {
  return [
    `| load | figure | ${poolNames.join(' | ')} | Sluice ÷ SRI |`,
    '|---|---|---:|---:|---:|',
    ...records.flatMap(({ row, values }) =>
      figuresOf(row).map((figure, index) => {
        const [sri, sluice] = poolNames.map((pool) => values[pool].get(figure.title) ?? []);
        return lineOf(index === 0 ? row.title : '', figure, sri ?? [], sluice ?? []);
      }),
    ),
  ];
}

function lineOf(title: string, figure: Figure, sri: readonly number[], sluice: readonly number[]): string {
  const ratio = median(sluice) / median(sri);
  const behind = figure.better === 'more' ? ratio < 1 : ratio > 1;
  const mark = (text: string) => (behind ? `**${text}**` : text);
  return `| ${title} | ${mark(figure.title)} | ${spread(sri)} | ${mark(spread(sluice))} | ${show(ratio)} |`;
}

/** Least / median / most. */
function spread(values: readonly number[]): string {
  if (values.length === 0) return 'failed';
  return [Math.min(...values), median(values), Math.max(...values)].map(show).join(' / ');
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Its values stand among those of Sluice under this. */
export const PROCESS_PREFIX = 'CPU µs a share of ';

function processTable(records: readonly RowRecord[]): readonly string[] {
  const rows = records.filter(({ row }) => row.group === 'shares');
  const names = [
    ...new Set(rows.flatMap(({ values }) => [...values.Sluice.keys()].filter((key) => key.startsWith(PROCESS_PREFIX)))),
  ];
  if (names.length === 0) return [];
  return [
    '### CPU µs a share by process of Sluice, medians',
    '',
    `| load | ${names.map((name) => name.slice(PROCESS_PREFIX.length)).join(' | ')} |`,
    `|---|${names.map(() => '---:').join('|')}|`,
    ...rows.map(
      ({ row, values }) =>
        `| ${row.title} | ${names.map((name) => show(median(values.Sluice.get(name) ?? []))).join(' | ')} |`,
    ),
    '',
  ];
}
