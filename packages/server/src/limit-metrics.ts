// How often peers met a bound that every listener has: one set of labels, whoever listens.
import type { CounterSeries } from '@sluice/runtime/metrics';
import type { ListenerCounters } from './listener.ts';
import type { SocketCounters } from './peer-socket.ts';

/** Where a connection was refused. */
export const refusedLimits = ['total', 'address', 'rate', 'address-rate'] as const;
/** Whose messages were too many. */
export const heldBackLimits = ['connection', 'address'] as const;

interface LimitMetrics {
  readonly refused: { with(labels: { readonly limit: (typeof refusedLimits)[number] }): CounterSeries };
  readonly heldBack: { with(labels: { readonly limit: (typeof heldBackLimits)[number] }): CounterSeries };
}

/** Has them read at a scrape from where they are counted. */
export function followLimits(
  { refused, heldBack }: LimitMetrics,
  counters: Omit<ListenerCounters & SocketCounters<never>, 'closed'>,
): void {
  refused.with({ limit: 'total' }).follow(() => counters.refusedTotal);
  refused.with({ limit: 'address' }).follow(() => counters.refusedAddress);
  refused.with({ limit: 'rate' }).follow(() => counters.refusedRate);
  refused.with({ limit: 'address-rate' }).follow(() => counters.refusedAddressRate);
  heldBack.with({ limit: 'connection' }).follow(() => counters.heldBack);
  heldBack.with({ limit: 'address' }).follow(() => counters.heldBackAddress);
}
