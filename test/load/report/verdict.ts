// What must hold of every run, and what a reader of the figures must know.
import { type LoadConfig, sendsShares } from '../config.ts';
import type { RunResult } from '../results.ts';

/** Of a core, in any worker: beyond it the tool is measured and not the pool. */
const MAX_OWN_CPU = 0.9;
/** A worker that reads its sockets later than this is part of what it measures. */
const MAX_OWN_DELAY_MS = 20;

/** Of a steady rate: where more is left out, the load is another one than it is called. */
const MAX_SKIPPED = 0.05;
/** A share that takes more costs the tool more than to send it. */
const MANY_HASHES = 16;

export interface Verdict {
  /** None: the run is good. */
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
}

export function verdictOf(result: RunResult): Verdict {
  return {
    failures: [
      ...connectionFailures(result),
      ...shareFailures(result),
      ...streamFailures(result),
      ...tipFailures(result),
    ],
    warnings: [...bottlenecks(result), ...shareWarnings(result)],
  };
}

/** For figures that are published under their rate, and held against those of another run of it. */
export function rateFailures({ shares }: RunResult): readonly string[] {
  if (shares === undefined) return [];
  const { sent, skipped } = shares.counts;
  const part = skipped / (sent + skipped);
  return part > MAX_SKIPPED ? [`${Math.round(part * 100)} % of the steady rate were left out`] : [];
}

type Rule = readonly [broken: boolean, text: string];
const broken = (rules: readonly Rule[]) => rules.flatMap(([isBroken, text]) => (isBroken ? [text] : []));

function connectionFailures({ config, open, reopen, lost, openAtEnd, servers }: RunResult): readonly string[] {
  const { opened, failed } = reopen ?? open;
  const first = reopen === undefined ? [] : [...open.failed];
  const missing = openAtEnd < opened && lost.size === 0;
  return [
    ...first.map(([reason, count]) => `${count} connections did not open the first time: ${reason}`),
    ...[...failed].map(([reason, count]) => `${count} connections did not open: ${reason}`),
    ...[...lost].map(([reason, count]) => `${count} connections were lost: ${reason}`),
    ...servers.filter(({ samples }) => samples.end === undefined).map(({ name }) => `the process ${name} has ended`),
    ...broken([[missing, `${openAtEnd} of ${config.connections} connections were open at the end`]]),
  ];
}

function shareFailures({ config, shares }: RunResult): readonly string[] {
  if (shares === undefined) return [];
  const { counts, seconds } = shares;
  const stale = counts.refused.get('stale-share') ?? 0;
  const refused = [...counts.refused].filter(([code]) => code !== 'stale-share');
  const mayWait = config.connections * config.channels * (config.ackBatch - 1);
  return [
    ...refused.map(([code, count]) => `${count} shares were refused: ${code}`),
    ...broken([
      [stale > counts.overtaken, `${stale - counts.overtaken} shares were called stale, and no tip had come`],
      [counts.unanswered > mayWait, `${counts.unanswered} shares were not answered`],
      [counts.miscounted > 0, `${counts.miscounted} answers do not fit what was waiting`],
      [counts.acknowledged === 0 && seconds > 0, 'no share was acknowledged'],
    ]),
  ];
}

function streamFailures({ shares, stored }: RunResult): readonly string[] {
  if (shares === undefined || stored === undefined) return [];
  const { acknowledged } = shares.counts;
  return broken([
    [stored.stored !== acknowledged, `the stream holds ${stored.stored} shares, ${acknowledged} were acknowledged`],
    [stored.differing > 0, `${stored.differing} channels have not as many shares in the stream as were acknowledged`],
    [stored.doubled > 0, `${stored.doubled} shares stand in the stream more than once`],
  ]);
}

function tipFailures({ config, tips }: RunResult): readonly string[] {
  if (tips === undefined) return [];
  return broken([
    [tips.untold > 0, `${tips.untold} of ${config.rounds} new blocks did not reach every connection`],
    [tips.rounds.length === 0, 'no tip came'],
  ]);
}

function bottlenecks({ own }: RunResult): readonly string[] {
  return own.flatMap(({ cpu, delayP99Ms }, worker) =>
    broken([
      [
        cpu > MAX_OWN_CPU,
        `THE TOOL IS THE BOTTLENECK: worker ${worker} took ${Math.round(cpu * 100)} % of a core; give it more --workers, or cores of its own`,
      ],
      [
        delayP99Ms > MAX_OWN_DELAY_MS,
        `THE TOOL IS LATE: the event loop of worker ${worker}, which got ${Math.round(cpu * 100)} % of a core, was ${Math.round(delayP99Ms)} ms behind (99th percentile): latencies hold that`,
      ],
    ]),
  );
}

function shareWarnings({ config, shares }: RunResult): readonly string[] {
  if (shares === undefined) return [];
  const { skipped } = shares.counts;
  return broken([
    [
      skipped > 0,
      `${skipped} shares of the steady rate were left out: the tool was late, or channels had no job or were congested`,
    ],
    [
      shares.hashes[1] > Math.max(MANY_HASHES, 2 * config.hashesPerShare),
      `the pool gave targets of up to ${Math.round(shares.hashes[1])} hashes a share: the tool may spend its time hashing`,
    ],
    [needsBatchOne(config), `latencies hold the time until ${config.ackBatch} shares of a channel are there`],
  ]);
}

const needsBatchOne = (config: LoadConfig) => sendsShares(config) && config.ackBatch > 1;
