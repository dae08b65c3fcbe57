// What a comparison writes down.
import { show } from '../report/table.ts';
import { type Side, sides } from './contest.ts';
import { type Figure, figuresOf } from './figures.ts';
import type { Row, RowGroup } from './rows.ts';

/** Of one row: the figures of every good run, by side and title, and what failed. */
export interface RowRecord {
  readonly row: Row;
  readonly values: Readonly<Record<Side, ReadonlyMap<string, readonly number[]>>>;
}

export interface Comparison {
  /** Heading of the section, and who the two are. */
  readonly title: string;
  readonly names: Readonly<Record<Side, string>>;
  readonly records: readonly RowRecord[];
  /** Rows by name and why they were not measured. */
  readonly leftOut: readonly string[];
  readonly failures: readonly string[];
  /** What the load tool says of itself. */
  readonly warnings: readonly string[];
  readonly method: readonly string[];
  /** Of the disk that shares are synced to, in words: it stands with every table. Absent: nothing is. */
  readonly diskSync: string | undefined;
}

const groups: readonly (readonly [RowGroup, string])[] = [
  ['shares', 'Shares'],
  ['opening', 'Connections opened as fast as they open, 100 at the same time where nothing else is said, then held'],
  ['tips', 'A new tip'],
];

export function sectionOf(comparison: Comparison): string {
  const { title: heading, names, records, leftOut, failures, warnings, method, diskSync } = comparison;
  const disk = diskSync === undefined ? [] : [`Disk: ${diskSync}.`, ''];
  const notes = [...leftOut, ...failures, ...warnings].map((text) => `- ${text}`);
  return [
    `## ${heading}`,
    '',
    ...method,
    '',
    ...groups.flatMap(([group, title]) => {
      const ofGroup = records.filter(({ row }) => row.group === group);
      return ofGroup.length === 0 ? [] : [`### ${title}`, '', ...disk, ...tableOf(ofGroup, names), ''];
    }),
    ...processTable(records, names),
    ...(notes.length === 0 ? [] : [...notes, '']),
  ].join('\n');
}

function tableOf(records: readonly RowRecord[], names: Comparison['names']): readonly string[] {
  return [
    `| load | figure | ${sides.map((side) => names[side]).join(' | ')} | Sluice ÷ other |`,
    '|---|---|---:|---:|---:|',
    ...records.flatMap(({ row, values }) =>
      [...figuresOf(row), { title: FIXED_WORK }].map((figure, index) => {
        const [peer, ours] = sides.map((side) => values[side].get(figure.title) ?? []);
        return lineOf(index === 0 ? row.title : '', figure, peer ?? [], ours ?? []);
      }),
    ),
  ];
}

function lineOf(
  title: string,
  figure: Pick<Figure, 'title' | 'better'>,
  peer: readonly number[],
  ours: readonly number[],
): string {
  const ratio = median(ours) / median(peer);
  const { better } = figure;
  const behind = (better === 'more' && ratio < 1) || (better === 'less' && ratio > 1);
  const mark = (text: string) => (behind ? `**${text}**` : text);
  return `| ${title} | ${mark(figure.title)} | ${spread(peer)} | ${mark(spread(ours))} | ${show(ratio)} |`;
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

/** What a figure is to be held against that another day, or another minute, is compared with: how quick the core was. */
export const FIXED_WORK = 'CPU ms of a fixed piece of work';

/** Values of ours, where it has several processes, stand among its others under this. */
export const PROCESS_PREFIX = 'CPU µs a share of ';

function processTable(records: readonly RowRecord[], names: Comparison['names']): readonly string[] {
  const rows = records.filter(({ row }) => row.group === 'shares');
  const keys = [
    ...new Set(rows.flatMap(({ values }) => [...values.ours.keys()].filter((key) => key.startsWith(PROCESS_PREFIX)))),
  ];
  if (keys.length === 0) return [];
  return [
    `### CPU µs a share by process of ${names.ours}, medians`,
    '',
    `| load | ${keys.map((key) => key.slice(PROCESS_PREFIX.length)).join(' | ')} |`,
    `|---|${keys.map(() => '---:').join('|')}|`,
    ...rows.map(
      ({ row, values }) =>
        `| ${row.title} | ${keys.map((key) => show(median(values.ours.get(key) ?? []))).join(' | ')} |`,
    ),
    '',
  ];
}
