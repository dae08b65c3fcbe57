// What `npm run hostile` writes down.
import { show } from '../load/report/table.ts';
import { type HostilePace, type HostileResult, isBearable } from './hostile-run.ts';

/** In use, after everything was collected: buffers and compiled code have their size only after a while. */
const GROWTH_MIB = 8;

export interface CaseRecord {
  readonly name: string;
  /** Or why there is none. */
  readonly result: HostileResult | string;
  /** Honest miners that lost their connection. */
  readonly lost: number;
}

export interface HostileReport {
  readonly records: readonly CaseRecord[];
  readonly pace: HostilePace;
  readonly faults: readonly string[];
  readonly machine: readonly string[];
  /** Part of all cores that others took. */
  readonly busy: number;
  readonly minutes: number;
}

export function sectionOf({ records, pace, faults, machine, busy, minutes }: HostileReport): string {
  const { windowMs, windows, windowsBefore, floorMs } = pace;
  const seconds = show(windowMs / 1_000);
  return [
    '### Every attack at length',
    '',
    `\`npm run hostile\` on ${new Date().toISOString().slice(0, 10)}, ${show(minutes)} minutes. What acknowledgements took is that of the worst of ${windowsBefore} times of ${seconds} s before and of ${windows} meanwhile;`,
    `beyond twice of before and ${floorMs} ms it is bold. A stall is the longest time by which the event loop of the gateway, or of the proxy, came late to a timer of its own, which it has every 50 ms while it works and every second while it is idle: at least so long it stood still.`,
    'Memory is that of the same process, in use before and afterwards with its garbage collected, and the most that it had of the system.',
    '',
    ...machine.map((text) => `- ${text}`),
    `- other work took up to ${show(busy * 100)} % of the machine, looked at before and after`,
    '',
    '| attack | ack p50, ms | meanwhile | p99, ms | meanwhile | stall, ms | meanwhile | in use, MiB | afterwards | of the system | what was counted |',
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|',
    ...records.map((record) => `| ${rowOf(record, floorMs).join(' | ')} |`),
    '',
    ...faults.map((fault) => `- ${fault}`),
    ...(faults.length === 0 ? [] : ['']),
  ].join('\n');
}

export function rowOf({ name, result }: CaseRecord, floorMs: number): readonly string[] {
  if (typeof result === 'string') return [name, ...Array.from({ length: 9 }, () => ''), '**failed**'];
  const { before, during, stall, memory, counted } = result;
  const worst = Math.max(...during.map(({ p99 }) => p99));
  const grown = [...counted].map(([what, by]) => `\`${what}\` ${by === 0 ? '**0**' : show(by)}`);
  return [
    ...[name, show(before.p50), show(Math.max(...during.map(({ p50 }) => p50)))],
    ...[
      show(before.p99),
      during.every((felt) => isBearable(before, felt, floorMs)) ? show(worst) : `**${show(worst)}**`,
    ],
    ...[stall.before, stall.during, memory.before, memory.after, memory.most].map((value) => value.toFixed(0)),
    grown.join('; '),
  ];
}

export function faultsOf({ name, result, lost }: CaseRecord, floorMs: number): readonly string[] {
  if (typeof result === 'string') return [`${name}: ${result}`];
  const { before, during, memory, missing } = result;
  return [
    ...(during.every((felt) => isBearable(before, felt, floorMs)) ? [] : [`${name}: honest miners felt it`]),
    ...(memory.after - memory.before <= GROWTH_MIB ? [] : [`${name}: memory stays in use`]),
    ...missing.map((what) => `${name}: ${what}`),
    ...(lost === 0 ? [] : [`${name}: ${lost} honest miners were disconnected`]),
  ];
}
