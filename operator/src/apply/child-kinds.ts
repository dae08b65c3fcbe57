// The kinds of objects that are made for a custom resource.
import type { Resource } from '../kubernetes/resource.ts';

const kind = (apiVersion: string, kind: string, plural: string): Resource => ({
  ...{ apiVersion, kind, plural, namespaced: true },
});

/** Those that are watched, by the label that all of ours have. */
export const childKinds: readonly Resource[] = [
  kind('v1', 'ConfigMap', 'configmaps'),
  kind('v1', 'Service', 'services'),
  kind('apps/v1', 'ReplicaSet', 'replicasets'),
  kind('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
];

/** Never watched: the operator reads those alone whose names it knows. */
export const secrets: Resource = kind('v1', 'Secret', 'secrets');
