// Who may connect to the pods of a workload, and where these may connect to, in the form of networking.k8s.io/v1.
import { type Manifest, ownedMetadata } from './manifest.ts';
import { HEALTH_PORT } from './pod-template.ts';
import { type Workload, workloadLabels, workloadName, workloadSelector } from './workload.ts';

/** Namespaces of others that reach our pods. */
export interface NetworkContext {
  readonly operatorNamespace: string;
  /** Where metrics are collected from. */
  readonly monitoringNamespace: string;
}

export interface NetworkRules {
  /** Beside the port of health and metrics. */
  readonly ingress: readonly object[];
  /** Beside DNS; `any`: wherever pools and nodes of others are. */
  readonly egress: readonly object[] | 'any';
}

export function networkPolicy(
  workload: Workload,
  { operatorNamespace, monitoringNamespace }: NetworkContext,
  { ingress, egress }: NetworkRules,
): Manifest {
  const health = { from: [operatorNamespace, monitoringNamespace].map(namespacePeer), ports: tcp(HEALTH_PORT) };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: ownedMetadata(workload.owner, workloadName(workload), workloadLabels(workload)),
    spec: {
      podSelector: { matchLabels: workloadSelector(workload) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [...ingress, health],
      egress: egress === 'any' ? [{}] : [...egress, dns],
    },
  };
}

export const namespacePeer = (name: string) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
});

export const podPeer = (labels: Readonly<Record<string, string>>) => ({ podSelector: { matchLabels: labels } });

export const tcp = (...ports: readonly number[]) => ports.map((port) => ({ protocol: 'TCP', port }));

const dns = { ports: ['UDP', 'TCP'].map((protocol) => ({ protocol, port: 53 })) };
