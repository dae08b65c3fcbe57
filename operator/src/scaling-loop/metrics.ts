import { counter, defineMetrics, histogram } from '@sluice/runtime/metrics';

const TIMES_S = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2];

export const scalingMetrics = defineMetrics({
  scrapes: counter(
    'sluice_operator_scrapes_total',
    'Pods that were asked for their connections, CPU, lag or height of the chain',
    {
      result: ['answered', 'failed'],
    },
  ),
  scrapeTime: histogram(
    'sluice_operator_scrape_seconds',
    'How long a pod takes to answer, waiting for its turn included',
    TIMES_S,
  ),
  orders: counter('sluice_operator_pod_orders_total', 'Orders to pods about their connections', {
    order: ['move', 'cancel'],
    result: ['taken', 'failed'],
  }),
  writes: counter('sluice_operator_scaling_writes_total', 'What the scaling of fleets has written', {
    kind: ['state', 'pod', 'replicas'],
  }),
  waits: counter(
    'sluice_operator_scaling_waits_total',
    'Looks at a fleet that decided nothing, because the caches did not show its last writes yet',
  ),
});
