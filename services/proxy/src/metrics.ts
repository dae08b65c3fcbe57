// Declared here, counted as plain numbers in counters.ts and sv1/counters.ts, read at a scrape.
import { counter, defineMetrics, gauge, type MetricsOf } from '@sluice/runtime/metrics';
import { followLimits, heldBackLimits, refusedLimits } from '@sluice/server/limit-metrics';
import type { MoveOrders } from '@sluice/server/move-orders';
import { type ProxyCounters, shareErrorCodes } from './counters.ts';
import type { Farm } from './miners/farm.ts';
import type { Workers } from './statistics/workers.ts';
import { type Sv1Counters, sv1ErrorNumbers, sv1LineFaults, sv1RequestKinds, sv1ShareRefusals } from './sv1/counters.ts';
import { sv1CloseReasons } from './sv1/errors.ts';
import type { Sv1Server } from './sv1/sv1-server.ts';
import type { TlsCertificate } from './sv1/tls-certificate.ts';
import { downReasons } from './upstream/errors.ts';
import { UPSTREAMS_BOUND } from './upstream/upstream-url.ts';
import type { Upstreams } from './upstream/upstreams.ts';

/** Places in the list, from 1 on. */
const upstreamPlaces = Array.from({ length: UPSTREAMS_BOUND }, (_, place) => String(place + 1));

export const proxyMetrics = defineMetrics({
  miners: gauge('sluice_proxy_miners', 'Miners with a place on the channel'),
  draining: gauge('sluice_proxy_draining', 'Whether it follows an order to move connections away, or has, or ends'),
  hashrate: gauge('sluice_proxy_hashrate', 'Hashes a second of all miners, as estimated from their shares'),
  workers: gauge('sluice_proxy_workers', 'Workers whose statistics are kept, those without a miner among them'),
  workersForgotten: counter(
    'sluice_proxy_workers_forgotten_total',
    'Workers without a miner whose statistics were dropped for those that left later',
  ),
  readRests: counter(
    'sluice_proxy_read_rests_total',
    'Times that the process stood still for a moment, so that shares were read together',
  ),
  sharesGood: counter('sluice_proxy_shares_good_total', 'Shares that passed every check here'),
  sharesRefused: counter('sluice_proxy_shares_refused_total', 'Shares refused here, by code', {
    code: shareErrorCodes,
  }),
  sharesKept: counter('sluice_proxy_shares_kept_total', "Good shares below the upstream's target, which stayed here"),
  sharesUnserved: counter(
    'sluice_proxy_shares_unserved_total',
    'Good shares that were refused because no upstream took them',
  ),
  sharesForwarded: counter('sluice_proxy_shares_forwarded_total', 'Shares sent to an upstream'),
  upstreamAccepted: counter('sluice_proxy_upstream_shares_accepted_total', 'Shares that an upstream accepted'),
  upstreamRefused: counter('sluice_proxy_upstream_shares_refused_total', 'Shares that an upstream refused, by code', {
    code: shareErrorCodes,
  }),
  upstreamUnanswered: counter(
    'sluice_proxy_upstream_shares_unanswered_total',
    'Shares sent to an upstream whose connection ended before its answer',
  ),
  sharesInFlight: gauge('sluice_proxy_upstream_shares_in_flight', "Shares that wait for an upstream's answer"),
  blocks: counter('sluice_proxy_blocks_total', 'Shares that are blocks'),
  soloBlocks: counter('sluice_proxy_solo_blocks_total', "Blocks found on a node of the farm's own and sent to it"),
  soloBlocksConfirmed: counter(
    'sluice_proxy_solo_blocks_confirmed_total',
    'Those of them that the node then told as its tip',
  ),
  jobs: counter('sluice_proxy_jobs_total', 'Jobs given to the miners, those on another tip or upstream among them'),
  tips: counter('sluice_proxy_tips_total', 'Jobs among them on another tip, and the first of an upstream'),
  targets: counter('sluice_proxy_targets_total', 'Targets told to miners'),
  upstreamUp: gauge(
    'sluice_proxy_upstream_up',
    'Whether the upstream at this place of the list is connected and has work',
    {
      place: upstreamPlaces,
    },
  ),
  upstreamActive: gauge(
    'sluice_proxy_upstream_active',
    'Whether the farm works for the upstream at this place of the list',
    {
      place: upstreamPlaces,
    },
  ),
  upstreamMiners: gauge(
    'sluice_proxy_upstream_miners',
    'Miners that take their work from the upstream at this place of the list',
    { place: upstreamPlaces },
  ),
  upstreamHashrate: gauge(
    'sluice_proxy_upstream_hashrate',
    'Hashes a second of these miners, as estimated from their shares',
    { place: upstreamPlaces },
  ),
  minersMoved: counter(
    'sluice_proxy_miners_moved_total',
    'Times that a miner went to another upstream, for its part of the hashrate or because the other had failed',
  ),
  minerChannels: gauge('sluice_proxy_miner_channels', 'Channels of single miners that are open at upstreams'),
  minerChannelsOpening: gauge('sluice_proxy_miner_channels_opening', 'Channels of single miners that are to be opened'),
  minerChannelsAsked: counter('sluice_proxy_miner_channels_asked_total', 'Channels that single miners were to have'),
  minerChannelsRefused: counter(
    'sluice_proxy_miner_channels_refused_total',
    'Channels of single miners that an upstream refused, or closed',
  ),
  upstreamUps: counter('sluice_proxy_upstream_ups_total', 'Times that an upstream came up'),
  upstreamDowns: counter(
    'sluice_proxy_upstream_downs_total',
    'Times that an upstream went down or an attempt to reach it failed, by reason',
    { reason: downReasons },
  ),
  switches: counter(
    'sluice_proxy_upstream_switches_total',
    'Times that the farm went to another upstream, to more or fewer of them, or to none',
  ),

  upstreamHistory: gauge(
    'sluice_proxy_upstream_history_changes',
    'Changes of state that the history of upstreams holds',
  ),

  connections: gauge('sluice_proxy_sv1_connections', 'Open connections of miners'),
  accepted: counter('sluice_proxy_sv1_connections_accepted_total', 'Sockets accepted'),
  refused: counter(
    'sluice_proxy_sv1_connections_refused_total',
    'Sockets closed unread at a limit, or because all connections are to go',
    { limit: [...refusedLimits, 'draining'] },
  ),
  closed: counter('sluice_proxy_sv1_connections_closed_total', 'Connections ended, by reason', {
    reason: sv1CloseReasons,
  }),
  tlsUnderWay: gauge('sluice_proxy_sv1_tls_handshakes_under_way', 'TLS handshakes that are not done yet'),
  tlsHandshakes: counter('sluice_proxy_sv1_tls_handshakes_total', 'TLS handshakes done'),
  tlsCertificateFaults: counter(
    'sluice_proxy_sv1_tls_certificate_faults_total',
    'Times that new files with a TLS certificate could not be used',
  ),
  tlsCertificateExpiry: gauge(
    'sluice_proxy_sv1_tls_certificate_expiry_timestamp_seconds',
    'Unix time at which the TLS certificate of new handshakes expires',
  ),
  heldBack: counter(
    'sluice_proxy_sv1_held_back_total',
    'Times that a socket was left unread because it, or all of its address, sent too much',
    { limit: heldBackLimits },
  ),
  addresses: gauge('sluice_proxy_sv1_addresses', 'Addresses whose rate of new connections is remembered'),
  requests: counter('sluice_proxy_sv1_requests_total', 'Messages of miners, by kind', { kind: sv1RequestKinds }),
  lineFaults: counter('sluice_proxy_sv1_line_faults_total', 'Lines that are no messages, by fault', {
    fault: sv1LineFaults,
  }),
  errorAnswers: counter('sluice_proxy_sv1_error_answers_total', 'Answers with an error, by its number', {
    number: sv1ErrorNumbers,
  }),
  formRefusals: counter('sluice_proxy_sv1_shares_refused_total', 'Shares refused for their form, by code', {
    code: sv1ShareRefusals,
  }),
  notifies: counter('sluice_proxy_sv1_notifies_total', 'Jobs written to miners'),
  keepAlives: counter('sluice_proxy_sv1_keep_alives_total', 'Jobs among them that were told again after a silence'),
  setDifficulties: counter('sluice_proxy_sv1_set_difficulties_total', 'Difficulties written to miners'),
  oversizedJobs: counter(
    'sluice_proxy_sv1_oversized_jobs_total',
    'Jobs longer than the line that devices have room for',
  ),
  outboundBytes: gauge('sluice_proxy_sv1_outbound_bytes', 'Bytes that wait for miners to read them'),
  waitingAnswers: gauge('sluice_proxy_sv1_waiting_answers', 'Requests of miners whose answers have not left'),
});

/** Metrics that have the name of their counter. */
const sameNames = [
  'readRests',
  'sharesGood',
  'sharesKept',
  'sharesUnserved',
  'sharesForwarded',
  'upstreamAccepted',
  'upstreamUnanswered',
  'blocks',
  'soloBlocks',
  'soloBlocksConfirmed',
  'jobs',
  'tips',
  'targets',
  'minersMoved',
  'minerChannelsAsked',
  'minerChannelsRefused',
  'upstreamUps',
  'switches',
] as const;
const sv1Names = [
  'tlsHandshakes',
  'tlsCertificateFaults',
  'notifies',
  'keepAlives',
  'setDifficulties',
  'oversizedJobs',
] as const;

export interface Followed {
  readonly counters: ProxyCounters;
  readonly sv1Counters: Sv1Counters;
  readonly farm: Farm;
  readonly workers: Workers;
  readonly upstreams: Upstreams;
  readonly sv1: Sv1Server;
  readonly certificate: TlsCertificate | undefined;
  readonly orders: MoveOrders;
}

/** Has every metric read at a scrape from where it is counted. */
export function followProxy(metrics: MetricsOf<typeof proxyMetrics>, followed: Followed): void {
  followShares(metrics, followed);
  followUpstreams(metrics, followed);
  followMiners(metrics, followed);
}

function followShares(metrics: MetricsOf<typeof proxyMetrics>, { counters, farm, workers }: Followed): void {
  metrics.miners.follow(() => farm.miners);
  metrics.hashrate.follow(() => (farm.miners === 0 ? 0 : farm.hashrate));
  metrics.workers.follow(() => workers.size);
  metrics.workersForgotten.follow(() => workers.forgotten);
  for (const name of sameNames) metrics[name].follow(() => counters[name]);
  for (const code of shareErrorCodes) {
    metrics.sharesRefused.with({ code }).follow(() => counters.sharesRefused[code]);
    metrics.upstreamRefused.with({ code }).follow(() => counters.upstreamRefused[code]);
  }
}

function followUpstreams(metrics: MetricsOf<typeof proxyMetrics>, { counters, farm, upstreams }: Followed): void {
  metrics.sharesInFlight.follow(() => upstreams.sharesInFlight);
  metrics.minerChannels.follow(() => upstreams.minerChannels.open);
  metrics.minerChannelsOpening.follow(() => upstreams.minerChannels.opening);
  metrics.upstreamHistory.follow(() => upstreams.history.changes.length);
  for (const reason of downReasons) metrics.upstreamDowns.with({ reason }).follow(() => counters.upstreamDowns[reason]);
  for (const [index, place] of upstreamPlaces.slice(0, upstreams.count).entries()) {
    metrics.upstreamUp.with({ place }).follow(() => Number(upstreams.isUp(index)));
    metrics.upstreamActive.with({ place }).follow(() => Number(upstreams.inUse.includes(index)));
    metrics.upstreamMiners.with({ place }).follow(() => farm.minersOf(index));
    metrics.upstreamHashrate.with({ place }).follow(() => farm.hashrateOf(index));
  }
}

function followMiners(
  metrics: MetricsOf<typeof proxyMetrics>,
  { sv1Counters, sv1, certificate, orders }: Followed,
): void {
  metrics.draining.follow(() => Number(orders.isDraining));
  metrics.connections.follow(() => sv1.sessions.size);
  metrics.outboundBytes.follow(() => sv1.outboundBytes);
  metrics.waitingAnswers.follow(() => sv1.waitingAnswers);
  metrics.tlsUnderWay.follow(() => sv1.tlsHandshakes);
  if (certificate !== undefined) metrics.tlsCertificateExpiry.follow(() => certificate.expiry);
  metrics.accepted.follow(() => sv1Counters.connectionsAccepted);
  metrics.addresses.follow(() => sv1.addresses);
  followLimits(metrics, sv1Counters);
  metrics.refused.with({ limit: 'draining' }).follow(() => sv1Counters.refusedDraining);
  for (const name of sv1Names) metrics[name].follow(() => sv1Counters[name]);
  for (const reason of sv1CloseReasons) metrics.closed.with({ reason }).follow(() => sv1Counters.closed[reason]);
  for (const kind of sv1RequestKinds) metrics.requests.with({ kind }).follow(() => sv1Counters.requests[kind]);
  for (const fault of sv1LineFaults) metrics.lineFaults.with({ fault }).follow(() => sv1Counters.lineFaults[fault]);
  for (const code of sv1ShareRefusals)
    metrics.formRefusals.with({ code }).follow(() => sv1Counters.sharesRefused[code]);
  for (const number of sv1ErrorNumbers)
    metrics.errorAnswers.with({ number }).follow(() => sv1Counters.errorAnswers[Number(number)] ?? 0);
}
