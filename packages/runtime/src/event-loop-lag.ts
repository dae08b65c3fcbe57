// How late the event loop comes to what is due: for so long it has looked after no socket either. It is looked at often while the process
// works; a timer that asks all the time, as prom-client has one, would wake an idle process more often than all else that it does.
import { createHistogram, performance } from 'node:perf_hooks';
import type { MetricsOf, MetricsRegistry } from './metrics.ts';
import type { eventLoopMetrics } from './process-metrics.ts';

/** Between two looks at a loop that works, and at one that is idle: stalls that are shorter may be missed. */
const WORKING_MS = 50;
const IDLE_MS = 1_000;
/** A loop that works for less than this part of the time is idle. */
const WORKS = 0.03;

/** Shows how late it was since the scrape before, and how much of that its thread worked: it waited for the rest, mostly for a core. */
export function followEventLoop(registry: MetricsRegistry, metrics: MetricsOf<typeof eventLoopMetrics>): void {
  const late = createHistogram();
  let longestWorkMs = 0;
  const look = (lookedAt: number, pauseMs: number) => {
    const before = performance.eventLoopUtilization();
    const workedBefore = workedMs();
    const due = lookedAt + pauseMs;
    setTimeout(() => {
      const now = performance.now();
      // In whole nanoseconds, and at least one.
      late.record(Math.max(1, Math.round((now - due) * 1e6)));
      // What it worked while it was not late yet is not told apart.
      longestWorkMs = Math.max(longestWorkMs, Math.min(now - due, workedMs() - workedBefore));
      const { utilization } = performance.eventLoopUtilization(before);
      look(now, utilization >= WORKS ? WORKING_MS : IDLE_MS);
    }, pauseMs).unref();
  };
  look(performance.now(), WORKING_MS);
  const seconds = (nanoseconds: number) => (late.count === 0 ? 0 : nanoseconds / 1e9);
  registry.beforeScrape(() => {
    metrics.min.set(seconds(late.min));
    metrics.max.set(seconds(late.max));
    metrics.mean.set(seconds(late.mean));
    metrics.stddev.set(seconds(late.stddev));
    metrics.p50.set(seconds(late.percentile(50)));
    metrics.p90.set(seconds(late.percentile(90)));
    metrics.p99.set(seconds(late.percentile(99)));
    metrics.maxWork.set(longestWorkMs / 1_000);
  });
  registry.onScraped(() => {
    late.reset();
    longestWorkMs = 0;
  });
}

/** CPU time of this thread. */
function workedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
