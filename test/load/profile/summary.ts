// A profile in a form to read: by area and by function, in microseconds a share or an opening.
import { show } from '../report/table.ts';
import { areaOf, placeOf } from './areas.ts';
import type { SelfTime } from './cpu-profile.ts';

/** Functions that are named; the areas hold the rest as well. */
const TOP_FUNCTIONS = 12;
/** Areas below this part are summed up. */
const LEAST_PART = 0.01;

export interface ProcessProfile {
  readonly process: string;
  /** CPU microseconds for each share or opening, from the system's own account, all threads; and how many of them in the kernel. */
  readonly micros: number;
  readonly systemMicros: number;
  /** Of its main thread. */
  readonly selfTimes: readonly SelfTime[];
}

export interface LoadProfile {
  readonly title: string;
  /** What the time is divided by. */
  readonly unit: 'a share' | 'an opening';
  readonly processes: readonly ProcessProfile[];
}

/** Markdown. */
export function summaryOf(title: string, profiles: readonly LoadProfile[], method: readonly string[]): string {
  return [
    `## ${title}`,
    '',
    ...method,
    '',
    ...profiles.flatMap(({ title: load, unit, processes }) => [
      `### ${load[0]?.toUpperCase()}${load.slice(1)}`,
      '',
      ...areaTable(processes, unit),
      '',
      ...processes.flatMap((process) => [...functionTable(process, unit), '']),
    ]),
  ].join('\n');
}

function areaTable(processes: readonly ProcessProfile[], unit: string): readonly string[] {
  const areas = processes.map(({ selfTimes }) => byArea(selfTimes));
  const most = (area: string) => Math.max(...areas.map((parts) => parts.get(area) ?? 0));
  const names = [...new Set(areas.flatMap((parts) => [...parts.keys()]))].sort((a, b) => most(b) - most(a));
  const [named, few] = [
    names.filter((name) => most(name) >= LEAST_PART),
    names.filter((name) => most(name) < LEAST_PART),
  ];
  const line = (title: string, of: (parts: ReadonlyMap<string, number>) => number) =>
    `| ${title} | ${processes.map(({ micros }, index) => show(of(areas[index] ?? new Map()) * micros)).join(' | ')} |`;
  return [
    `| µs ${unit} | ${processes.map(({ process }) => process).join(' | ')} |`,
    `|---|${processes.map(() => '---:|').join('')}`,
    line('**all**', () => 1),
    `| of it in the kernel | ${processes.map(({ systemMicros }) => show(systemMicros)).join(' | ')} |`,
    ...named.map((area) => line(area, (parts) => parts.get(area) ?? 0)),
    line('the rest', (parts) => few.reduce((sum, area) => sum + (parts.get(area) ?? 0), 0)),
  ];
}

function byArea(selfTimes: readonly SelfTime[]): ReadonlyMap<string, number> {
  const parts = new Map<string, number>();
  for (const time of selfTimes) parts.set(areaOf(time), (parts.get(areaOf(time)) ?? 0) + time.part);
  return parts;
}

function functionTable({ process, micros, selfTimes }: ProcessProfile, unit: string): readonly string[] {
  return [
    `| ${process}, function | where | µs ${unit} |`,
    '|---|---|---:|',
    ...selfTimes
      .slice(0, TOP_FUNCTIONS)
      .map((time) => `| \`${time.name}\` | ${placeOf(time)} | ${show(time.part * micros)} |`),
  ];
}
