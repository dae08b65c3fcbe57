// What every process shows of itself, beside prom-client's own metrics of CPU, memory and garbage collection.
import { followEventLoop } from './event-loop-lag.ts';
import { createMetrics, defineKnownMetrics, defineMetrics, gauge, type MetricsRegistry } from './metrics.ts';
import { version } from './version.ts';

export const processMetrics = defineMetrics({
  build: gauge('sluice_build_info', 'Always 1; its labels say what runs.', {
    version: 'that of the workspace',
    node: 'that of Node',
  }),
});

const LATE = 'of what the event loop was late since the scrape before.';

/** By the names that prom-client's have. */
export const eventLoopMetrics = defineKnownMetrics({
  min: gauge('nodejs_eventloop_lag_min_seconds', `Least ${LATE}`),
  max: gauge('nodejs_eventloop_lag_max_seconds', `Most ${LATE}`),
  mean: gauge('nodejs_eventloop_lag_mean_seconds', `Mean ${LATE}`),
  stddev: gauge('nodejs_eventloop_lag_stddev_seconds', `Standard deviation ${LATE}`),
  p50: gauge('nodejs_eventloop_lag_p50_seconds', `Median ${LATE}`),
  p90: gauge('nodejs_eventloop_lag_p90_seconds', `90th percentile ${LATE}`),
  p99: gauge('nodejs_eventloop_lag_p99_seconds', `99th percentile ${LATE}`),
});

/** Registers them. */
export function showProcess(registry: MetricsRegistry): void {
  registry.addProcessMetrics();
  followEventLoop(registry, createMetrics(registry, eventLoopMetrics));
  const { build } = createMetrics(registry, processMetrics);
  build.with({ version: version(), node: process.versions.node }).set(1);
}
