// Whether the pods of a resource are there as they should be, from the workloads that make them.
import type { KubernetesObject } from '../kubernetes/resource.ts';
import type { Finding } from '../status/conditions.ts';

/** Kinds that make pods. */
export const workloadKinds: readonly string[] = ['Deployment', 'ReplicaSet', 'StatefulSet'];

export const isWorkload = ({ kind }: { readonly kind: string }): boolean => workloadKinds.includes(kind);

/** A workload, as far as it is looked at. */
export interface LiveWorkload extends KubernetesObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    /** A ReplicaSet, which is of one revision alone, has none. */
    readonly updatedReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

/** Ready and Progressing. @param missing names of workloads that are not in the cache yet */
export function readiness(workloads: readonly LiveWorkload[], missing: readonly string[]): readonly Finding[] {
  const waiting = [
    ...missing.map((name) => `${name} is being made`),
    ...workloads.flatMap((each) => waitsFor(each) ?? []),
  ];
  const moving = missing.length > 0 || workloads.some((each) => !isSettled(each));
  const message = waiting.join('; ');
  const ready: Finding =
    waiting.length === 0
      ? { type: 'Ready', status: 'True', reason: 'AllPodsReady', message: '' }
      : { type: 'Ready', status: 'False', reason: 'PodsNotReady', message };
  const progressing: Finding = moving
    ? { type: 'Progressing', status: 'True', reason: 'PodsChange', message: 'Pods are being made or exchanged.' }
    : { type: 'Progressing', status: 'False', reason: 'Settled', message: '' };
  return [ready, progressing];
}

/** Why its pods are not all ready; undefined when they are. */
function waitsFor(workload: LiveWorkload): string | undefined {
  const { name } = workload.metadata;
  const { status = {} } = workload;
  const failure = status.conditions?.find((each) => each.type === 'ReplicaFailure' && each.status === 'True');
  // A quota, or the rules of the namespace: nobody else would tell.
  if (failure !== undefined) return `${name}: ${failure.message ?? 'its pods cannot be made'}`;
  const { replicas = 1 } = workload.spec ?? {};
  const { readyReplicas = 0 } = status;
  return isSettled(workload) && readyReplicas >= replicas
    ? undefined
    : `${name} has ${readyReplicas} of ${replicas} pods ready`;
}

/** Whether it has the pods that it is to have, of its newest revision; ready or not. */
function isSettled({ kind, metadata, spec, status = {} }: LiveWorkload): boolean {
  const { replicas = 0 } = status;
  // A ReplicaSet has none; elsewhere the API server leaves out a zero.
  const { updatedReplicas = kind === 'ReplicaSet' ? replicas : 0 } = status;
  return (
    status.observedGeneration === metadata.generation && replicas === spec?.replicas && updatedReplicas === replicas
  );
}
