// The kinds of objects that are made for a custom resource.
import type { IndexOf } from '../kubernetes/object-cache.ts';
import type { KubernetesObject, Resource } from '../kubernetes/resource.ts';

const kind = (apiVersion: string, kind: string, plural: string): Resource => ({
  ...{ apiVersion, kind, plural, namespaced: true },
});

/** Those that are watched, by the label that all of ours have. */
export const childKinds: readonly Resource[] = [
  kind('v1', 'ConfigMap', 'configmaps'),
  kind('v1', 'Service', 'services'),
  kind('apps/v1', 'Deployment', 'deployments'),
  kind('apps/v1', 'ReplicaSet', 'replicasets'),
  kind('apps/v1', 'StatefulSet', 'statefulsets'),
  kind('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  kind('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
];

/** The kind of a manifest of ours. */
export function childKind(name: string): Resource {
  const found = childKinds.find((each) => each.kind === name);
  if (found === undefined) throw new Error(`${name} is no kind of child`);
  return found;
}

/** By which those of ours are found among all others. */
export const CHILD_SELECTOR = 'app.kubernetes.io/managed-by=sluice-operator';
/** The index of their caches by the uid of the controller. */
export const BY_CONTROLLER = 'controller';
/** By the namespace, whosever they are. */
export const BY_NAMESPACE = 'namespace';
/** Of the caches of children. */
export const childIndexes: Readonly<Record<string, IndexOf<KubernetesObject>>> = {
  [BY_CONTROLLER]: ({ metadata }) =>
    metadata.ownerReferences?.filter(({ controller }) => controller === true).map(({ uid }) => uid) ?? [],
  [BY_NAMESPACE]: ({ metadata }) => (metadata.namespace === undefined ? [] : [metadata.namespace]),
};

/** Never watched: the operator reads those alone whose names it knows. */
export const secrets: Resource = kind('v1', 'Secret', 'secrets');
/** Of the Prometheus operator, which a cluster may not have; so not watched either. */
export const podMonitors: Resource = kind('monitoring.coreos.com/v1', 'PodMonitor', 'podmonitors');
/** StatefulSets make them, and nobody owns them. */
export const volumeClaims: Resource = kind('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims');
