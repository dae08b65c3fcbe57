// A chaos report as a table for people, and as the list of what it breaks.
import { differing, storedByCredit } from '../support/share-audit.ts';
import type { ChaosReport } from './chaos-run.ts';
import { chaosParts } from './chaos-run.ts';

/** Acknowledgements are back this long after a part is ready, at the latest. */
const RESUME_BOUND_MS = 5_000;
/** Of the valid shares of surviving connections, this part must be accepted. */
const SUCCESS_BOUND = 0.999;
/** Of all shares of surviving connections, no more than this part may be overtaken by a new tip. */
const OVERTAKEN_BOUND = 0.005;
/** Of the planned rate, this part must have been sent: a weaker load proves less. */
const RATE_BOUND = 0.9;

/** Success of valid shares: one that a new tip overtook on its way was not valid any more when it arrived. */
function success({ sent, accepted, overtaken }: ChaosReport['surviving']): number {
  return accepted / (sent - overtaken);
}

/** Every promise that was not kept; empty: all were. */
export function broken(report: ChaosReport): string[] {
  const { plan, surviving, all, comparison, credits, stored } = report;
  const miscounted = plan.parts.filter(
    (part) => report.kills.filter((kill) => kill.part === part).length !== plan.rounds,
  );
  const rate = all.sent / report.seconds;
  const overtaken = surviving.overtaken / surviving.sent;
  const batches = differing(storedByCredit(stored, credits), credits.batches);
  const identities = differing(stored.identities, credits.identities);
  const slow = report.kills.filter(({ resumedMs }) => resumedMs > RESUME_BOUND_MS);
  const duplicates = all.refused.get('duplicate-share') ?? 0;
  const rules: readonly (readonly [boolean, string])[] = [
    [plan.rounds > 0 && miscounted.length === 0, `not killed ${plan.rounds} times: ${miscounted.join(', ')}`],
    [rate >= RATE_BOUND * plan.sharesPerSecond, `${rate.toFixed(0)} shares a second of ${plan.sharesPerSecond}`],
    [slow.length === 0, `${slow.length} times acknowledgements took longer than ${RESUME_BOUND_MS} ms`],
    [report.lossesElsewhere.length === 0, `${report.lossesElsewhere.length} miners were lost whose gateway lived`],
    [success(surviving) >= SUCCESS_BOUND, `${percent(success(surviving))} of the valid shares were accepted`],
    [overtaken <= OVERTAKEN_BOUND, `${percent(overtaken)} of the shares were overtaken by a new tip`],
    [duplicates === 0, `${duplicates} shares were refused as duplicates`],
    [surviving.unanswered === 0, `${surviving.unanswered} shares of surviving connections were never answered`],
    [all.faults.length === 0, `wrong answers: ${some(all.faults)}`],
    [comparison.missing.length === 0, `${comparison.missing.length} acknowledged shares are not in the stream`],
    [comparison.doubled.length === 0, `${comparison.doubled.length} shares stand in two batches`],
    [comparison.refusedButStored.length === 0, `${comparison.refusedButStored.length} refused shares are stored`],
    [report.uncredited === 0, `${report.uncredited} batches were not credited`],
    [credits.held === 0, `the credit of ${credits.held} batches is held`],
    [batches.length === 0, `credit is not what is stored in ${batches.length} batches: ${some(batches)}`],
    [identities.length === 0, `credit is not what is stored for ${identities.length} workers: ${some(identities)}`],
    [credits.findings.length === 0, `findings: ${some(credits.findings)}`],
  ];
  return rules.flatMap(([kept, text]) => (kept ? [] : [text]));
}

export function table(report: ChaosReport): string {
  const { surviving, all, stored, credits, comparison, latency } = report;
  const parts = chaosParts.flatMap((part) => {
    const kills = report.kills.filter((kill) => kill.part === part);
    if (kills.length === 0) return [];
    const ready = kills.map(({ readyMs }) => readyMs);
    const resumed = kills.map(({ resumedMs }) => resumedMs);
    const cells = [kills.length, median(ready), Math.max(...ready), median(resumed), Math.max(...resumed)];
    return `${part.padEnd(24)}${cells.map((cell) => cell.toFixed(0).padStart(12)).join('')}`;
  });
  const refused = [...all.refused].map(([code, count]) => `${code} ${count}`).join(', ') || 'none';
  return [
    `${''.padEnd(24)}${['kills', 'ready p50', 'ready max', 'acks p50', 'acks max'].map((head) => head.padStart(12)).join('')}   (ms)`,
    ...parts,
    '',
    `time under load               ${report.seconds.toFixed(0)} s`,
    `miners lost                   ${report.lossesElsewhere.length} of the living gateway, ${report.lossesOfKilledGateway} of the killed one`,
    `sent, living gateway          ${surviving.sent}, accepted ${surviving.accepted}, overtaken by a new tip ${surviving.overtaken}, accepted ${percent(surviving.accepted / surviving.sent)} of all, ${percent(success(surviving))} of the valid ones`,
    `sent, all                     ${all.sent}, accepted ${all.accepted}, refused ${refused}, unanswered when their gateway died ${all.unanswered}`,
    `in the stream                 ${stored.total.shares} in ${stored.batches.size} batches (${stored.repeatedBatches} stored twice)`,
    `acknowledged, not in stream   ${comparison.missing.length}`,
    `in two batches                ${comparison.doubled.length}`,
    `stored, answer lost           ${comparison.storedUnanswered}`,
    `credited                      ${credits.total.shares} shares, work ${credits.total.work} of ${stored.total.work} (${credits.repeatedBatches} records repeated)`,
    `share to acknowledgement      p50 ${latency.p50}, p99 ${latency.p99}, p99.9 ${latency.p999} ms`,
  ].join('\n');
}

const some = (lines: readonly string[]) => lines.slice(0, 5).join('; ');

const percent = (part: number) => `${(part * 100).toFixed(4)} %`;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
