import { MetricsRegistry } from '@sluice/runtime/metrics';
import { expect, test } from 'vitest';
import { until } from '../../../test/support/bus-contract.ts';
import { createInProcessBus } from '../src/in-process/in-process-bus.ts';
import { followBus } from '../src/metrics.ts';

test('figures of streams are right or absent, never no number', async () => {
  const bus = await createInProcessBus();
  const registry = new MetricsRegistry();
  followBus(registry, bus);
  expect(await registry.scrape()).not.toMatch(/sluice_bus_stream\S* (Nan|0)$/m);
  await bus.append('SHARES', 'shares.1', new Uint8Array(100));
  const bytes = async () =>
    (await registry.series('sluice_bus_stream_bytes')).find(({ labels }) => labels.stream === 'SHARES')?.value ?? 0;
  let shown = 0;
  await until(() => {
    void bytes().then((value) => {
      shown = value;
    });
    return shown > 0;
  });
  expect(await registry.scrape()).not.toContain('Nan');
  await bus.close();
});
