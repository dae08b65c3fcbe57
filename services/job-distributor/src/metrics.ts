import { counter, defineMetrics, gauge, histogram, type MetricsOf } from '@sluice/runtime/metrics';
import type { Reason } from './next-record.ts';

export const recordReasons = [
  'tip',
  'tip-template',
  'template',
  'refresh',
  'repeat',
  'future',
] as const satisfies readonly Reason[];

export const jobDistributorMetrics = defineMetrics({
  leading: gauge('sluice_job_distributor_leading', 'Whether this process leads: 1 or 0; exactly one of the pool does.'),
  leaderships: counter('sluice_job_distributor_leaderships_total', 'Times that this process became the leader.'),
  records: counter('sluice_job_distributor_records_total', 'Records written to the feed by what caused them.', {
    reason: recordReasons,
  }),
  retries: counter('sluice_job_distributor_append_retries_total', 'Appends to the feed that had to be repeated.'),
  outpaced: counter(
    'sluice_job_distributor_outpaced_news_total',
    'Tips and templates left out because another tip has as much work or more.',
  ),
  refused: counter('sluice_job_distributor_refused_news_total', 'Tips and templates that could not be read.'),
  withoutRoom: counter(
    'sluice_job_distributor_templates_without_room_total',
    "Templates left out because a block of them has no room for the pool's outputs.",
  ),
  height: gauge('sluice_job_distributor_height_blocks', 'Height of the block that miners work on.'),
  clockAhead: gauge(
    'sluice_job_distributor_clock_ahead_seconds',
    "By how much this process's clock is ahead of the nodes': at 30 either way readiness says so.",
  ),
  feed: gauge('sluice_job_distributor_feed', 'Number of the last record of the feed that this leader knows.'),
  tipSeconds: histogram(
    'sluice_job_distributor_tip_seconds',
    "From the provider's news of a tip to its activation stored in the feed.",
    [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 10],
  ),
});
export type JobDistributorMetrics = MetricsOf<typeof jobDistributorMetrics>;
