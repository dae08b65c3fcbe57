import { type Manifest, type Owner, ownedMetadata } from './manifest.ts';

/**
 * By which the Prometheus operator collects the metrics of all services of a custom resource; for clusters that have its kinds. NATS and
 * bitcoind have no metrics in its form.
 */
export function podMonitor(owner: Owner): Manifest {
  const isPool = owner.kind === 'MiningPool';
  const labels = {
    'app.kubernetes.io/name': 'sluice',
    'app.kubernetes.io/instance': owner.metadata.name,
    'app.kubernetes.io/managed-by': 'sluice-operator',
  };
  // A pool and a fleet may have one name.
  const ofKind = { key: 'app.kubernetes.io/component', operator: isPool ? 'NotIn' : 'In', values: ['proxy'] };
  const hasMetrics = { key: 'app.kubernetes.io/component', operator: 'NotIn', values: ['nats', 'bitcoind'] };
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: ownedMetadata(owner, `${owner.metadata.name}-${isPool ? 'mp' : 'px'}`, labels),
    spec: {
      selector: { matchLabels: labels, matchExpressions: [ofKind, hasMetrics] },
      jobLabel: 'app.kubernetes.io/component',
      podTargetLabels: ['app.kubernetes.io/instance', 'mining.sluice.dev/workload'],
      podMetricsEndpoints: [{ port: 'health', path: '/metrics' }],
    },
  };
}
