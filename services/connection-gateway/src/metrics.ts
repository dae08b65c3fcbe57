// Declared here, counted as plain numbers in counters.ts, read at a scrape.
import { counter, defineMetrics, gauge, histogram, type MetricsOf } from '@sluice/runtime/metrics';
import { followLimits, heldBackLimits, refusedLimits } from '@sluice/server/limit-metrics';
import type { Listener } from '@sluice/server/listener';
import type { MoveOrders } from '@sluice/server/move-orders';
import { type GatewayCounters, openErrorCodes, openLimits, shareErrorCodes, updateErrorCodes } from './counters.ts';
import { closeReasons } from './errors.ts';
import type { Gateway } from './gateway.ts';

export const connectionGatewayMetrics = defineMetrics({
  connections: gauge('sluice_gateway_connections', 'Open connections'),
  channels: gauge('sluice_gateway_channels', 'Open channels'),
  accepted: counter('sluice_gateway_connections_accepted_total', 'Sockets accepted'),
  refused: counter(
    'sluice_gateway_connections_refused_total',
    'Sockets closed unread at a limit, or because all connections are to go',
    {
      limit: [...refusedLimits, 'draining'],
    },
  ),
  draining: gauge('sluice_gateway_draining', 'Whether it follows an order to move connections away, or has, or ends'),
  handshakes: counter('sluice_gateway_handshakes_total', 'Noise handshakes completed'),
  closed: counter('sluice_gateway_connections_closed_total', 'Connections ended, by reason', { reason: closeReasons }),
  ignoredMessages: counter(
    'sluice_gateway_messages_ignored_total',
    'Messages that are unknown, not meant for a server or out of place without harm',
  ),
  heldBack: counter(
    'sluice_gateway_held_back_total',
    'Times that a socket was left unread because it, or all of its address, sent too much',
    { limit: heldBackLimits },
  ),
  addresses: gauge('sluice_gateway_addresses', 'Addresses whose rate of new connections is remembered'),

  channelsOpened: counter('sluice_gateway_channels_opened_total', 'Channels opened'),
  opensRefused: counter('sluice_gateway_opens_refused_total', 'Channels refused, by code', { code: openErrorCodes }),
  unregisteredBlocks: gauge(
    'sluice_gateway_unregistered_blocks',
    'Blocks of channels that the registry does not have as they are',
  ),
  opensOverLimit: counter('sluice_gateway_opens_over_limit_total', 'Channels refused at a bound, by bound', {
    limit: openLimits,
  }),
  updatesRefused: counter('sluice_gateway_updates_refused_total', 'UpdateChannel messages refused, by code', {
    code: updateErrorCodes,
  }),
  payouts: gauge('sluice_gateway_payouts', "Payouts of open channels other than the pool's"),
  paidJobs: counter('sluice_gateway_paid_jobs_total', "Jobs made over for a payout other than the pool's"),
  setTargets: counter('sluice_gateway_set_targets_total', 'SetTarget messages written'),

  sharesAccepted: counter('sluice_gateway_shares_accepted_total', 'Shares that passed every check'),
  sharesRefused: counter('sluice_gateway_shares_refused_total', 'Shares refused, by code', { code: shareErrorCodes }),
  sharesStored: counter('sluice_gateway_shares_stored_total', 'Accepted shares that are in the stream'),
  bestShare: gauge('sluice_gateway_best_share_difficulty', 'Difficulty of the best share since the start; 0: none yet'),
  heldShareBytes: gauge('sluice_gateway_held_share_bytes', 'Bytes of shares that the stream has not acknowledged'),
  batches: counter('sluice_gateway_share_batches_total', 'Share batches that are in the stream'),
  appendRetries: counter('sluice_gateway_append_retries_total', 'Times that a share batch had to be sent again'),
  appendSeconds: histogram(
    'sluice_gateway_append_seconds',
    'From the first sending of a share batch to its acknowledgement',
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5],
  ),

  solutions: counter('sluice_gateway_solutions_total', 'Block candidates found'),
  solutionsStored: counter('sluice_gateway_solutions_stored_total', 'Block candidates that are in the stream'),
  solutionsAnswered: counter(
    'sluice_gateway_solutions_answered_total',
    'Answers of providers to block candidates over connections without the bus',
  ),
  solutionsDropped: counter(
    'sluice_gateway_solutions_dropped_total',
    'Block candidates dropped by one of the ways at its bound',
  ),
  solutionProviders: gauge('sluice_gateway_solution_providers', 'Providers connected without the bus'),

  solutionsUnstored: gauge(
    'sluice_gateway_solutions_unstored',
    'Block candidates that the stream has not acknowledged',
  ),

  certificateExpiry: gauge(
    'sluice_gateway_certificate_expiry_timestamp_seconds',
    'Unix time at which the certificate of new handshakes expires',
  ),
  certificateFaults: counter(
    'sluice_gateway_certificate_faults_total',
    'Times that new files with a certificate could not be used',
  ),
  feed: gauge('sluice_gateway_feed_records', 'Feed number applied last'),
  tipsWithoutJob: counter('sluice_gateway_tips_without_job_total', 'Tips that named a job which was not known here'),
  outboundBytes: gauge('sluice_gateway_outbound_bytes', 'Bytes that wait for miners to read them'),
  pendingOpens: gauge('sluice_gateway_pending_opens', 'Channels that the channel-manager is asked about'),
  jobFrames: counter('sluice_gateway_job_frames_total', 'Frames of jobs and tips written to miners'),
  tipSeconds: histogram(
    'sluice_gateway_tip_seconds',
    "From the node's news of a tip to the last SetNewPrevHash written",
    [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1],
  ),
});

/** Metrics that have the name of their counter. */
const sameNames = [
  'handshakes',
  'ignoredMessages',
  'channelsOpened',
  'setTargets',
  'paidJobs',
  'sharesAccepted',
  'sharesStored',
  'appendRetries',
  'solutions',
  'solutionsStored',
  'solutionsAnswered',
  'solutionsDropped',
  'jobFrames',
  'tipsWithoutJob',
] as const;

export type ConnectionGatewayMetrics = MetricsOf<typeof connectionGatewayMetrics>;

export interface Followed {
  readonly counters: GatewayCounters;
  readonly orders: MoveOrders;
  readonly listener: Listener;
  /** `undefined` before the gateway has its range. */
  gateway(): Gateway | undefined;
}

/** Has every metric read at a scrape from where it is counted. */
export function followGateway(
  metrics: ConnectionGatewayMetrics,
  { counters, orders, listener, gateway }: Followed,
): void {
  metrics.connections.follow(() => gateway()?.connections.size ?? 0);
  metrics.channels.follow(() => gateway()?.channels ?? 0);
  metrics.draining.follow(() => Number(orders.isDraining));
  metrics.unregisteredBlocks.follow(() => gateway()?.register.waiting ?? 0);
  metrics.payouts.follow(() => gateway()?.payouts.size ?? 0);
  metrics.heldShareBytes.follow(() => gateway()?.batcher.bytes ?? 0);
  metrics.bestShare.follow(() => gateway()?.bestShare.difficulty ?? 0);
  metrics.solutionsUnstored.follow(() => gateway()?.solutions.unstored ?? 0);
  metrics.outboundBytes.follow(() => gateway()?.outboundBytes ?? 0);
  metrics.pendingOpens.follow(() => gateway()?.pendingOpens ?? 0);
  metrics.certificateExpiry.follow(() => gateway()?.certificateExpiry ?? Number.NaN);
  metrics.certificateFaults.follow(() => gateway()?.certificateFaults ?? 0);
  metrics.solutionProviders.follow(() => gateway()?.solutions.connectedProviders ?? 0);
  metrics.feed.follow(() => gateway()?.feed.position ?? 0);
  metrics.accepted.follow(() => counters.connectionsAccepted);
  metrics.addresses.follow(() => listener.addresses);
  followLimits(metrics, counters);
  metrics.batches.follow(() => counters.batchesStored);
  for (const name of sameNames) metrics[name].follow(() => counters[name]);
  metrics.refused.with({ limit: 'draining' }).follow(() => counters.refusedDraining);
  for (const reason of closeReasons) metrics.closed.with({ reason }).follow(() => counters.closed[reason]);
  for (const code of openErrorCodes) metrics.opensRefused.with({ code }).follow(() => counters.opensRefused[code]);
  for (const limit of openLimits) metrics.opensOverLimit.with({ limit }).follow(() => counters.opensOverLimit[limit]);
  for (const code of updateErrorCodes)
    metrics.updatesRefused.with({ code }).follow(() => counters.updatesRefused[code]);
  for (const code of shareErrorCodes) metrics.sharesRefused.with({ code }).follow(() => counters.sharesRefused[code]);
}
