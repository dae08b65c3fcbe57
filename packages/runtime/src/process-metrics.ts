// What every process shows of itself, beside prom-client's own metrics of CPU, memory and garbage collection.
import { readdirSync, statSync } from 'node:fs';
import { followEventLoop } from './event-loop-lag.ts';
import { createMetrics, defineKnownMetrics, defineMetrics, gauge, type MetricsRegistry } from './metrics.ts';
import { version } from './version.ts';

const OPEN_FILES = '/proc/self/fd';

export const processMetrics = defineMetrics({
  build: gauge('sluice_build_info', 'Always 1; its labels say what runs.', {
    version: 'that of the workspace',
    node: 'that of Node',
  }),
});

/** By the name that prom-client's has. */
export const fileMetrics = defineKnownMetrics({
  open: gauge('process_open_fds', 'Open files and sockets; 0 where the system does not tell.'),
});

const LATE = 'of what the event loop was late since the scrape before.';

/** By the names that prom-client's have, and one that it has not. */
export const eventLoopMetrics = defineKnownMetrics({
  min: gauge('nodejs_eventloop_lag_min_seconds', `Least ${LATE}`),
  max: gauge('nodejs_eventloop_lag_max_seconds', `Most ${LATE}`),
  mean: gauge('nodejs_eventloop_lag_mean_seconds', `Mean ${LATE}`),
  stddev: gauge('nodejs_eventloop_lag_stddev_seconds', `Standard deviation ${LATE}`),
  p50: gauge('nodejs_eventloop_lag_p50_seconds', `Median ${LATE}`),
  p90: gauge('nodejs_eventloop_lag_p90_seconds', `90th percentile ${LATE}`),
  p99: gauge('nodejs_eventloop_lag_p99_seconds', `99th percentile ${LATE}`),
  maxWork: gauge(
    'sluice_event_loop_lag_work_max_seconds',
    'Most CPU time of its thread while the event loop was late, since the scrape before; what it worked in the 50 ms before may be in it. Late for longer than that, it waited, mostly for a core.',
  ),
});

/** Linux tells their number as the size of a folder since 6.2; before, their names are counted: milliseconds where there are thousands. */
function openFiles(): number {
  try {
    return statSync(OPEN_FILES).size || readdirSync(OPEN_FILES).length;
  } catch {
    return 0;
  }
}

/** Registers them. */
export function showProcess(registry: MetricsRegistry): void {
  registry.addProcessMetrics();
  followEventLoop(registry, createMetrics(registry, eventLoopMetrics));
  createMetrics(registry, fileMetrics).open.follow(openFiles);
  const { build } = createMetrics(registry, processMetrics);
  build.with({ version: version(), node: process.versions.node }).set(1);
}
