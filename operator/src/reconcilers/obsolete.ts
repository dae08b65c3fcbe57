// Children that there should not be any more.
import type { KubernetesObject } from '../kubernetes/resource.ts';

interface PodMaker extends KubernetesObject {
  readonly spec?: {
    readonly template?: {
      readonly spec?: { readonly volumes?: readonly { readonly configMap?: { readonly name: string } }[] };
    };
  };
}

/** Names of the ConfigMaps that pods of these workloads are started with, older revisions too. */
export function configMapsInUse(workloads: readonly PodMaker[]): ReadonlySet<string> {
  const volumes = workloads.flatMap(({ spec }) => spec?.template?.spec?.volumes ?? []);
  return new Set(volumes.flatMap(({ configMap }) => configMap?.name ?? []));
}

/**
 * Children that are not desired and that nothing needs. ReplicaSets are never among them: their pods have connections, which are moved before
 * they go.
 * @param configMaps those that pods are started with; asked for only where it matters, since a namespace may have thousands of workloads
 */
export function obsoleteChildren(
  owned: readonly KubernetesObject[],
  desired: readonly { readonly kind: string; readonly metadata: { readonly name: string } }[],
  configMaps: () => ReadonlySet<string>,
): readonly KubernetesObject[] {
  const wanted = new Set(desired.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
  const others = owned.filter(
    ({ kind, metadata }) =>
      kind !== 'ReplicaSet' && metadata.deletionTimestamp === undefined && !wanted.has(`${kind} ${metadata.name}`),
  );
  if (!others.some(isConfigMap)) return others;
  const inUse = configMaps();
  return others.filter((child) => !isConfigMap(child) || !inUse.has(child.metadata.name));
}

const isConfigMap = ({ kind }: KubernetesObject) => kind === 'ConfigMap';
