// What a process shows of its bus. Stream figures are asked for on a timer of the scrape's own rhythm, never on a hot path.
import { counter, createMetrics, defineMetrics, gauge, type MetricsRegistry } from '@sluice/runtime/metrics';
import type { Bus } from './bus.ts';
import { streamNames, streams } from './streams.ts';

export const busMetrics = defineMetrics({
  up: gauge('sluice_bus_up', 'Whether this process has a connection to the bus: 1 or 0.'),
  durable: gauge(
    'sluice_bus_durable',
    'Whether acknowledged records are known to be synced to disk: 1; 0 where they are not or where it is unknown.',
  ),
  waiting: gauge(
    'sluice_bus_waiting',
    'Calls of this process that wait for the server or the disk, and deliveries that were not made yet.',
  ),
  dropped: counter(
    'sluice_bus_dropped_total',
    'Messages without a stream that were dropped: no connection, or too many waited to be delivered.',
  ),
  refused: counter(
    'sluice_bus_refused_subscriptions_total',
    'Subscriptions that the NATS servers refused to this process, which is not ready until they take them; each try counts.',
  ),
  streamBytes: gauge('sluice_bus_stream_bytes', 'Bytes held by a stream that refuses records at its bound.', {
    stream: streamNames,
  }),
  streamLimitBytes: gauge('sluice_bus_stream_limit_bytes', 'The bound of that stream; raise the alarm at 70 % of it.', {
    stream: streamNames,
  }),
});

/** Streams whose bound loses something: the others forget their oldest records. */
const bounded = streamNames.filter((name) => streams[name].discard === 'new');

/** Registers the metrics; the stream figures are those of the scrape before, and absent until the bus has told the first. */
export function followBus(registry: MetricsRegistry, bus: Bus): void {
  const metrics = createMetrics(registry, busMetrics);
  metrics.up.follow(() => (bus.status() === 'up' ? 1 : 0));
  metrics.durable.follow(() => (bus.durability() === 'synced' ? 1 : 0));
  metrics.waiting.follow(() => bus.backlog().waiting);
  metrics.dropped.follow(() => bus.backlog().dropped);
  metrics.refused.follow(() => bus.refusals().count);
  const read = () => {
    if (bus.status() !== 'up') return;
    for (const stream of bounded) {
      bus.state(stream).then(
        ({ bytes, maxBytes }) => {
          metrics.streamBytes.with({ stream }).set(bytes);
          metrics.streamLimitBytes.with({ stream }).set(maxBytes);
        },
        () => undefined,
      );
    }
  };
  read();
  registry.beforeScrape(read);
}
