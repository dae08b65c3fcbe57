// Objects of the API server's as the scaling decides from them.
import { REVISION } from '../desired/fleet.ts';
import type { KubernetesObject } from '../kubernetes/resource.ts';
import type { LiveWorkload } from '../reconcilers/readiness.ts';
import type { ObservedPod, ObservedReplicaSet, Sample } from '../scaling/observed-fleet.ts';
import type { Pod } from './pods.ts';

export interface ReplicaSet extends LiveWorkload {
  readonly metadata: KubernetesObject['metadata'] & { readonly creationTimestamp?: string };
}

/** Of a pod that has ended there is nothing to be seen: its ReplicaSet has another one in its place. */
export const hasEnded = ({ status }: Pod) => status?.phase === 'Succeeded' || status?.phase === 'Failed';

export function observedPod(pod: Pod, sample: Sample | undefined): ObservedPod {
  const { name, uid = '', resourceVersion = '', labels = {}, annotations = {} } = pod.metadata;
  const createdAtMs = unixMs(pod.metadata.creationTimestamp);
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  return {
    ...{ name, uid, resourceVersion, labels, annotations, createdAtMs, sample },
    revision: labels[REVISION] ?? '',
    node: pod.spec?.nodeName ?? '',
    // Its only container: whatever has run once is in a later phase for good.
    isPending: !pod.status?.phase || pod.status.phase === 'Pending',
    isReady: ready?.status === 'True',
    readyChangedAtMs: ready?.lastTransitionTime === undefined ? createdAtMs : unixMs(ready.lastTransitionTime),
    isTerminating: pod.metadata.deletionTimestamp !== undefined,
  };
}

export function observedReplicaSet({ metadata, spec, status }: ReplicaSet): ObservedReplicaSet {
  const { name, uid = '', resourceVersion = '', labels = {}, generation = 0, creationTimestamp } = metadata;
  return {
    ...{ name, uid, resourceVersion, generation },
    revision: labels[REVISION] ?? '',
    createdAtMs: unixMs(creationTimestamp),
    replicas: spec?.replicas ?? 1,
    observedGeneration: status?.observedGeneration ?? 0,
    statusReplicas: status?.replicas ?? 0,
  };
}

/** @param time RFC 3339, of whole seconds */
const unixMs = (time: string | undefined): number => (time === undefined ? 0 : Date.parse(time));
