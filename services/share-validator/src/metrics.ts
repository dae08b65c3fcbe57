import { counter, defineMetrics, gauge, histogram, type MetricsOf } from '@sluice/runtime/metrics';
import type { ValidatorCounters } from './counters.ts';
import { findingNames } from './findings.ts';

export const shareValidatorMetrics = defineMetrics({
  batches: counter('sluice_share_validator_batches_total', 'Batches credited'),
  recordsAgain: counter(
    'sluice_share_validator_records_again_total',
    'Records read again or stored twice, not credited again',
  ),
  shares: counter('sluice_share_validator_shares_total', 'Shares judged', {
    outcome: ['credited', 'miner-paid', 'refused'],
  }),
  work: counter('sluice_share_validator_work_hashes_total', 'Expected hashes of the credited shares'),
  minerPaidWork: counter(
    'sluice_share_validator_miner_paid_work_hashes_total',
    'Expected hashes of the good shares whose blocks pay their miner',
  ),
  findings: counter('sluice_share_validator_findings_total', 'What was wrong with records of gateways', {
    kind: findingNames,
  }),
  incarnations: gauge('sluice_share_validator_incarnations', 'Gateway incarnations worked'),
  waiting: gauge('sluice_share_validator_incarnations_waiting', 'Incarnations that wait because too many are worked'),
  held: gauge(
    'sluice_share_validator_incarnations_held',
    'Incarnations worked whose credit is held: look at their findings',
  ),
  behind: gauge(
    'sluice_share_validator_behind_seconds',
    'Age of the oldest record without credit, or for how long an incarnation could not be read; 0 when all are done',
  ),
  oldestShare: gauge(
    'sluice_share_validator_oldest_share_seconds',
    'Age of the oldest kept record of shares; NaN at the replicas that do not look after it, and where nothing is kept or forgotten',
  ),
  append: histogram(
    'sluice_share_validator_append_seconds',
    'From a credit sent to its acknowledgement',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2],
  ),
  failedAppends: counter('sluice_share_validator_append_failures_total', 'Appends that had to be repeated'),
  failedTurns: counter(
    'sluice_share_validator_failed_turns_total',
    'Times that an incarnation was begun again from its last credit',
  ),
  jobFetches: counter(
    'sluice_share_validator_job_fetches_total',
    'Readings of the stream of jobs for a job not known yet',
  ),
  tips: gauge('sluice_share_validator_tips', 'Tips whose jobs are kept in memory'),
  workers: gauge('sluice_share_validator_workers', 'Workers followed for hashrates'),
  workersEvicted: counter(
    'sluice_share_validator_workers_evicted_total',
    'Workers no longer followed because there are too many',
  ),
  solutions: counter('sluice_share_validator_solutions_total', 'Blocks among the shares that no gateway had stored'),
  solutionsDropped: counter(
    'sluice_share_validator_solutions_dropped_total',
    'Blocks among the shares that could not be stored again',
  ),
});
export type ShareValidatorMetrics = MetricsOf<typeof shareValidatorMetrics>;

/** What is read from the service at a scrape. */
export interface ValidatorGauges {
  incarnations(): number;
  waiting(): number;
  held(): number;
  behindMs(): number;
  oldestShareMs(): number;
  tips(): number;
  workers(): number;
  workersEvicted(): number;
}

export function followValidator(
  metrics: ShareValidatorMetrics,
  counters: ValidatorCounters,
  gauges: ValidatorGauges,
): void {
  metrics.batches.follow(() => counters.batches);
  metrics.recordsAgain.follow(() => counters.recordsAgain);
  metrics.shares.with({ outcome: 'credited' }).follow(() => counters.creditedShares);
  metrics.shares.with({ outcome: 'miner-paid' }).follow(() => counters.minerPaidShares);
  metrics.shares
    .with({ outcome: 'refused' })
    .follow(() => counters.shares - counters.creditedShares - counters.minerPaidShares);
  metrics.work.follow(() => counters.creditedWork);
  metrics.minerPaidWork.follow(() => counters.minerPaidWork);
  for (const kind of findingNames) metrics.findings.with({ kind }).follow(() => counters.findings[kind]);
  metrics.incarnations.follow(gauges.incarnations);
  metrics.waiting.follow(gauges.waiting);
  metrics.held.follow(gauges.held);
  metrics.behind.follow(() => gauges.behindMs() / 1_000);
  metrics.oldestShare.follow(() => gauges.oldestShareMs() / 1_000);
  counters.onAppend = (seconds) => metrics.append.observe(seconds);
  metrics.failedAppends.follow(() => counters.failedAppends);
  metrics.failedTurns.follow(() => counters.failedTurns);
  metrics.jobFetches.follow(() => counters.jobFetches);
  metrics.tips.follow(gauges.tips);
  metrics.workers.follow(gauges.workers);
  metrics.workersEvicted.follow(gauges.workersEvicted);
  metrics.solutions.follow(() => counters.solutions);
  metrics.solutionsDropped.follow(() => counters.solutionsDropped);
}
