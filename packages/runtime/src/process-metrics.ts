// What every process shows of itself, beside prom-client's own metrics of CPU, memory and garbage collection.
import { createMetrics, defineMetrics, gauge, type MetricsRegistry } from './metrics.ts';
import { version } from './version.ts';

export const processMetrics = defineMetrics({
  build: gauge('sluice_build_info', 'Always 1; its labels say what runs.', {
    version: 'that of the workspace',
    node: 'that of Node',
  }),
});

/** Registers them. */
export function showProcess(registry: MetricsRegistry): void {
  registry.addProcessMetrics();
  const { build } = createMetrics(registry, processMetrics);
  build.with({ version: version(), node: process.versions.node }).set(1);
}
