// Pods as the operator asks them how they are. They are watched for nothing else, so that little of each is kept.
import { WORKLOAD, type Workload, workloadName } from '../desired/workload.ts';
import type { KubernetesObject, Resource } from '../kubernetes/resource.ts';

export const podKind: Resource = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };

/** Of gateways, of proxies and of share validators, which are scaled by what they say, and of template providers, who know the chain. */
export const ASKED_PODS =
  'app.kubernetes.io/managed-by=sluice-operator,app.kubernetes.io/component in (connection-gateway,proxy,share-validator,template-provider)';

export interface Pod extends KubernetesObject {
  readonly metadata: KubernetesObject['metadata'] & { readonly creationTimestamp?: string };
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime?: string;
    }[];
  };
}

/** What the cache keeps of a pod: its volumes and probes are those of its ReplicaSet. */
export function keptPod({ metadata, spec, status }: Pod): Pod {
  const { managedFields: _, ownerReferences: __, finalizers: ___, ...identity } = metadata;
  return {
    metadata: identity,
    spec: { nodeName: spec?.nodeName ?? '' },
    status: {
      phase: status?.phase ?? '',
      podIP: status?.podIP ?? '',
      conditions: status?.conditions?.filter(({ type }) => type === 'Ready') ?? [],
    },
  };
}

export const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;

/** The index of their cache by what they are a part of. */
export const BY_WORKLOAD = 'workload';

export const workloadsOf = ({ metadata }: Pod): readonly string[] => {
  const name = metadata.labels?.[WORKLOAD];
  return name === undefined ? [] : [`${metadata.namespace}/${name}`];
};

/** Under which the pods of a workload are found there. */
export const workloadKey = (workload: Workload): string =>
  `${workload.owner.metadata.namespace}/${workloadName(workload)}`;
