// What a long run is written down as, and what must hold of it.
import { markdownOf, show } from '../report/table.ts';
import type { RunResult } from '../results.ts';
import type { LongConfig } from './config.ts';
import { growthOf } from './growth.ts';
import type { Watch, WatchedProcess } from './process-watch.ts';

const MAX_GROWTH = 0.05;
const MAX_STALL_MS = 100;
const MIB = 1_048_576;

export interface LongRecord {
  readonly config: LongConfig;
  readonly result: RunResult;
  readonly processes: readonly WatchedProcess[];
  /** None: everything held. */
  readonly failures: readonly string[];
  readonly machine: readonly string[];
}

/** What did not hold, beside what every run of the load is held to. What was not seen has not held. */
export function longVerdict({ settledMinutes }: LongConfig, { processes, failedLooks }: Watch): readonly string[] {
  const unseen = failedLooks > 0 ? [`${failedLooks} looks at the processes failed`] : [];
  const seen = processes.flatMap((process) => {
    const { growth } = growthOf(process.memory, settledMinutes * 60);
    const stall = process.longestWorkMs;
    return [
      ...(Number.isNaN(growth) ? [`memory of ${process.name} was not seen`] : []),
      ...(Number.isNaN(stall) && process.isNode ? [`the event loop of ${process.name} was not seen`] : []),
      ...(growth > MAX_GROWTH ? [`memory of ${process.name} has grown by ${show(growth * 100)} %`] : []),
      ...(stall > MAX_STALL_MS
        ? [`the event loop of ${process.name} worked for ${show(stall)} ms without a look at its sockets`]
        : []),
    ];
  });
  return [...unseen, ...seen];
}

export function sectionOf({ config, result, processes, failures, machine }: LongRecord): string {
  const { settlingMinutes, minutes, settledMinutes, connections, rate, templateSeconds, blockSeconds } = config;
  return [
    '## A long run',
    '',
    `\`npm run load:long\` on ${new Date().toISOString().slice(0, 10)}: ${show(connections)} miners of one gateway, ${show(rate)} shares a second, a new template every ${templateSeconds} s and a block of`,
    `somebody else every ${blockSeconds} s, for ${minutes} minutes, and for ${settlingMinutes} before them, in which every process comes to hold what it keeps for minutes: the validator the jobs that miners were given, nats-server its streams.`,
    `Memory is looked at every 5 s; what stands for the beginning and the end of the last ${settledMinutes} minutes is the middle of a tenth of these samples. An event loop stood still for as long as it came late`,
    'to a timer of its own, which it has every 50 ms while it works; of that, work is the CPU time of its thread. What goes beyond that it waited, mostly for one of the cores, which it shares with the load.',
    '',
    ...machine.map((text) => `- ${text}`),
    '',
    markdownOf({
      title: `Memory over the last ${settledMinutes} minutes, and the longest stall`,
      columns: ['process', 'MiB before', 'MiB after', 'growth, %', 'longest stall, ms', 'most work in one, ms'],
      rows: processes.map((process) => {
        const { fromBytes, toBytes, growth } = growthOf(process.memory, settledMinutes * 60);
        const { name, longestLateMs, longestWorkMs } = process;
        return [name, fromBytes / MIB, toBytes / MIB, growth * 100, longestLateMs, longestWorkMs];
      }),
    }),
    '![memory over time](img/long-run.svg)',
    '',
    ...sharesOf(result),
    '',
    ...(failures.length === 0 ? ['Everything held.'] : failures.map((failure) => `- **${failure}**`)),
    '',
  ].join('\n');
}

function sharesOf({ shares, stored, tips }: RunResult): readonly string[] {
  if (shares === undefined || tips === undefined) return [];
  const { counts, latency } = shares;
  const [p50, p99] = [latency.quantile(0.5), latency.quantile(0.99)];
  const refused = [...counts.refused].map(([code, count]) => `, ${show(count)} refused as ${code}`).join('');
  return [
    `Of ${show(counts.sent)} shares ${show(counts.acknowledged)} were acknowledged${refused}; the stream holds ${show(stored?.stored)}, ${show(stored?.doubled)} of them twice. Share to acknowledgement: p50 ${show(p50)} ms, p99 ${show(p99)} ms, at most ${show(latency.max)} ms.`,
    `${show(tips.rounds.length)} new blocks, from the announcement to each miner told: p50 ${show(tips.fromZero.quantile(0.5))} ms, p99 ${show(tips.fromZero.quantile(0.99))} ms.`,
  ];
}
