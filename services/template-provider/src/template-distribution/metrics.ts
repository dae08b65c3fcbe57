// Declared here, counted as plain numbers in counters.ts, read at a scrape.
import { counter, defineMetrics, gauge, histogram, type MetricsOf } from '@sluice/runtime/metrics';
import { followLimits, heldBackLimits, refusedLimits } from '@sluice/server/limit-metrics';
import { type DistributionCounters, requestOutcomes, solutionOutcomes } from './counters.ts';
import { closeReasons } from './errors.ts';

export const templateDistributionMetrics = defineMetrics({
  connections: gauge('sluice_template_distribution_connections', 'Open connections of template distribution'),
  accepted: counter('sluice_template_distribution_connections_accepted_total', 'Sockets accepted'),
  refused: counter('sluice_template_distribution_connections_refused_total', 'Sockets closed unread at a limit', {
    limit: refusedLimits,
  }),
  handshakes: counter('sluice_template_distribution_handshakes_total', 'Noise handshakes completed'),
  closed: counter('sluice_template_distribution_connections_closed_total', 'Connections ended, by reason', {
    reason: closeReasons,
  }),
  ignoredMessages: counter(
    'sluice_template_distribution_messages_ignored_total',
    'Messages that are unknown, not meant for a server or out of place without harm',
  ),
  heldBack: counter(
    'sluice_template_distribution_held_back_total',
    'Times that a socket was left unread because it, or all of its address, sent too much',
    { limit: heldBackLimits },
  ),
  addresses: gauge('sluice_template_distribution_addresses', 'Addresses whose rate of new connections is remembered'),
  outboundBytes: gauge('sluice_template_distribution_outbound_bytes', 'Bytes that wait for clients to read them'),
  certificateExpiry: gauge(
    'sluice_template_distribution_certificate_expiry_timestamp_seconds',
    'Unix time at which the certificate of new handshakes expires',
  ),
  certificateFaults: counter(
    'sluice_template_distribution_certificate_faults_total',
    'Times that new files with a certificate could not be used',
  ),
  reserves: gauge('sluice_template_distribution_reserves', 'Reserves that templates are prepared for at present'),
  toldTemplates: gauge('sluice_template_distribution_told_templates', 'Templates whose solutions are taken'),
  toldDroppedEarly: counter(
    'sluice_template_distribution_told_dropped_early_total',
    'Templates that were forgotten at the bound before their time: a solution of theirs is unknown',
  ),
  newTemplates: counter('sluice_template_distribution_new_templates_total', 'NewTemplate messages written'),
  setNewPrevHashes: counter(
    'sluice_template_distribution_set_new_prev_hashes_total',
    'SetNewPrevHash messages written',
  ),
  requests: counter('sluice_template_distribution_transaction_requests_total', 'RequestTransactionData, by answer', {
    outcome: requestOutcomes,
  }),
  solutions: counter('sluice_template_distribution_solutions_total', 'SubmitSolution, by what became of it', {
    outcome: solutionOutcomes,
  }),
  tipSeconds: histogram(
    'sluice_template_distribution_tip_seconds',
    "From the node's news of a tip to the last SetNewPrevHash written, where no template had to be waited for",
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1],
  ),
});
export type TemplateDistributionMetrics = MetricsOf<typeof templateDistributionMetrics>;

/** What is read at a scrape and counted nowhere. */
export interface DistributionGauges {
  readonly connections: number;
  readonly addresses: number;
  readonly outboundBytes: number;
  /** Unix seconds. */
  readonly certificateExpiry: number;
  readonly certificateFaults: number;
  readonly reserves: number;
  readonly toldTemplates: number;
  readonly toldDroppedEarly: number;
}

export function followDistribution(
  metrics: TemplateDistributionMetrics,
  counters: DistributionCounters,
  gauges: DistributionGauges,
): void {
  metrics.connections.follow(() => gauges.connections);
  metrics.addresses.follow(() => gauges.addresses);
  followLimits(metrics, counters);
  metrics.outboundBytes.follow(() => gauges.outboundBytes);
  metrics.certificateExpiry.follow(() => gauges.certificateExpiry);
  metrics.certificateFaults.follow(() => gauges.certificateFaults);
  metrics.reserves.follow(() => gauges.reserves);
  metrics.toldTemplates.follow(() => gauges.toldTemplates);
  metrics.toldDroppedEarly.follow(() => gauges.toldDroppedEarly);
  metrics.accepted.follow(() => counters.connectionsAccepted);
  for (const name of ['handshakes', 'ignoredMessages', 'newTemplates', 'setNewPrevHashes'] as const)
    metrics[name].follow(() => counters[name]);
  for (const reason of closeReasons) metrics.closed.with({ reason }).follow(() => counters.closed[reason]);
  for (const outcome of requestOutcomes) metrics.requests.with({ outcome }).follow(() => counters.requests[outcome]);
  for (const outcome of solutionOutcomes) metrics.solutions.with({ outcome }).follow(() => counters.solutions[outcome]);
}
