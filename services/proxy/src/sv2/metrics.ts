// Of the SV2 side: counted as plain numbers in counters.ts, read at a scrape.
import { counter, defineMetrics, gauge, type MetricsOf } from '@sluice/runtime/metrics';
import type { IdentitySource } from '@sluice/server/identity';
import { followLimits, heldBackLimits, refusedLimits } from '@sluice/server/limit-metrics';
import { shareErrorCodes } from '../counters.ts';
import { openErrorCodes, type Sv2Counters } from './counters.ts';
import { sv2CloseReasons } from './errors.ts';
import type { Sv2Server } from './sv2-server.ts';

export const sv2Metrics = defineMetrics({
  connections: gauge('sluice_proxy_sv2_connections', 'Open connections of miners'),
  channels: gauge('sluice_proxy_sv2_channels', 'Open channels of miners'),
  outboundBytes: gauge('sluice_proxy_sv2_outbound_bytes', 'Bytes that wait for miners to read them'),
  waitingShares: gauge('sluice_proxy_sv2_waiting_shares', 'Shares of miners whose answers have not left'),
  connectionsAccepted: counter('sluice_proxy_sv2_connections_accepted_total', 'Sockets accepted'),
  refused: counter(
    'sluice_proxy_sv2_connections_refused_total',
    'Sockets closed unread at a limit, or because all connections are to go',
    { limit: [...refusedLimits, 'draining'] },
  ),
  closed: counter('sluice_proxy_sv2_connections_closed_total', 'Connections ended, by reason', {
    reason: sv2CloseReasons,
  }),
  handshakes: counter('sluice_proxy_sv2_handshakes_total', 'Noise handshakes done'),
  heldBack: counter(
    'sluice_proxy_sv2_held_back_total',
    'Times that a socket was left unread because it, or all of its address, sent too much',
    { limit: heldBackLimits },
  ),
  addresses: gauge('sluice_proxy_sv2_addresses', 'Addresses whose rate of new connections is remembered'),
  ignoredMessages: counter('sluice_proxy_sv2_ignored_messages_total', 'Messages that mean nothing here'),
  channelsOpened: counter('sluice_proxy_sv2_channels_opened_total', 'Channels opened'),
  opensRefused: counter('sluice_proxy_sv2_opens_refused_total', 'Channels refused, by code', { code: openErrorCodes }),
  updates: counter('sluice_proxy_sv2_updates_total', 'Messages of UpdateChannel'),
  setTargets: counter('sluice_proxy_sv2_set_targets_total', 'Targets written to miners after that of the opening'),
  jobFrames: counter('sluice_proxy_sv2_job_frames_total', 'Jobs and tips written to miners'),
  certificateExpiry: gauge(
    'sluice_proxy_sv2_certificate_expiry_timestamp_seconds',
    'Unix time at which the certificate of new handshakes expires',
  ),
  certificateFaults: counter(
    'sluice_proxy_sv2_certificate_faults_total',
    'Times that new files with a certificate could not be used',
  ),
  acknowledgements: counter('sluice_proxy_sv2_acknowledgements_total', 'Messages of SubmitShares.Success'),
  shareErrors: counter('sluice_proxy_sv2_share_errors_total', 'Messages of SubmitShares.Error, by code', {
    code: shareErrorCodes,
  }),
});

/** Metrics that have the name of their counter. */
const sameNames = [
  'connectionsAccepted',
  'handshakes',
  'ignoredMessages',
  'channelsOpened',
  'updates',
  'setTargets',
  'jobFrames',
  'acknowledgements',
] as const;

export interface FollowedSv2 {
  readonly counters: Sv2Counters;
  readonly server: Sv2Server;
  readonly identity: IdentitySource;
}

/** Has every metric read at a scrape from where it is counted. */
export function followSv2(metrics: MetricsOf<typeof sv2Metrics>, { counters, server, identity }: FollowedSv2): void {
  metrics.certificateExpiry.follow(() => identity.current().certificate.notValidAfter);
  metrics.certificateFaults.follow(() => identity.faults);
  metrics.connections.follow(() => server.connections.size);
  metrics.addresses.follow(() => server.addresses);
  followLimits(metrics, counters);
  metrics.channels.follow(() => server.channels);
  metrics.outboundBytes.follow(() => server.outboundBytes);
  metrics.waitingShares.follow(() => server.waitingShares);
  for (const name of sameNames) metrics[name].follow(() => counters[name]);
  metrics.refused.with({ limit: 'draining' }).follow(() => counters.refusedDraining);
  for (const reason of sv2CloseReasons) metrics.closed.with({ reason }).follow(() => counters.closed[reason]);
  for (const code of openErrorCodes) metrics.opensRefused.with({ code }).follow(() => counters.opensRefused[code]);
  for (const code of shareErrorCodes) metrics.shareErrors.with({ code }).follow(() => counters.shareErrors[code]);
}
