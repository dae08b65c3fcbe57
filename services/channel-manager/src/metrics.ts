import { counter, defineMetrics, gauge } from '@sluice/runtime/metrics';

export const openOutcomes = [
  'opened',
  'invalid-user-identity',
  'unknown-user',
  'invalid-nominal-hashrate',
  'max-target-out-of-range',
] as const;

export const channelManagerMetrics = defineMetrics({
  opens: counter('sluice_channel_manager_opens_total', 'Decisions about new channels', { outcome: openOutcomes }),
  updates: counter('sluice_channel_manager_updates_total', 'Decisions about UpdateChannel'),
  ranges: counter('sluice_channel_manager_ranges_total', 'Extranonce ranges given to gateways'),
  rangesLeft: gauge(
    'sluice_channel_manager_ranges_left',
    'Extranonce ranges that the pool can still give, as of the last one given here',
  ),
  operatorCloses: counter('sluice_channel_manager_operator_closes_total', 'Channels that an operator had closed'),
  registryPending: gauge('sluice_channel_manager_registry_pending', 'Writes of the registry under way'),
  registryFailed: counter(
    'sluice_channel_manager_registry_failed_total',
    'Writes of the registry that came to nothing; gateways tell again',
  ),
  registrySwept: counter(
    'sluice_channel_manager_registry_swept_total',
    'Entries removed because their gateway is gone',
  ),
});
