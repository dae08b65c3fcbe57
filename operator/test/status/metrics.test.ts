import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { expect, it } from 'vitest';
import type { CustomResource } from '../../src/control/reconciler.ts';
import { followConditions, statusMetrics } from '../../src/status/metrics.ts';

const resource = (conditions?: Readonly<Record<string, string>>) =>
  ({
    status:
      conditions === undefined
        ? {}
        : { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) },
  }) as unknown as CustomResource;

it('counts the resources of each kind by the condition that says that not all is well', async () => {
  const pools = [
    resource(),
    resource({ Ready: 'True', Degraded: 'False', ReconciliationPaused: 'True', ScalingActive: 'False' }),
    resource({ Ready: 'False', Degraded: 'True' }),
    resource({ Ready: 'Unknown', Degraded: 'False' }),
  ];
  const fleets = [resource({ UpstreamAvailable: 'Unknown' })];
  const registry = new MetricsRegistry();
  const resources = new Map([
    ['MiningPool', pools],
    ['ProxyFleet', fleets],
  ]);
  followConditions(createMetrics(registry, statusMetrics), resources);
  const series = await registry.series('sluice_operator_unwell_resources');
  const counted = series.filter(({ value }) => value > 0).map(({ labels, value }) => ({ ...labels, value }));
  expect(counted).toEqual([
    { controller: 'miningpool', condition: 'Ready', value: 2 },
    { controller: 'miningpool', condition: 'Degraded', value: 1 },
    { controller: 'proxyfleet', condition: 'UpstreamAvailable', value: 1 },
  ]);
});
