import { counter, defineMetrics, gauge, type MetricsOf } from '@sluice/runtime/metrics';
import { keyFaultReasons } from './key-owner.ts';
import type { KnownKeys } from './known-keys.ts';

export const keyMetrics = defineMetrics({
  faults: gauge('sluice_operator_key_faults', 'Resources without an authority key that can be used, by reason', {
    reason: keyFaultReasons,
  }),
  firstExpiry: gauge(
    'sluice_operator_certificate_expiry_timestamp_seconds',
    'Unix time at which the first of the certificates of all fleets expires; NaN where there is none',
  ),
  issued: counter('sluice_operator_certificates_issued_total', 'Certificates signed'),
});

/** Has what is known of the keys read at a scrape. */
export function followKeys(metrics: MetricsOf<typeof keyMetrics>, known: KnownKeys): void {
  metrics.firstExpiry.follow(() => known.firstExpiry);
  for (const reason of keyFaultReasons) metrics.faults.with({ reason }).follow(() => known.faults(reason));
}
