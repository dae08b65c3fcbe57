// How many pods of the newest revision there are to be, and how many stay as they are.
import { secondsOf } from '../desired/duration.ts';
import type { ObservedFleet, ObservedPod, ObservedReplicaSet } from './observed-fleet.ts';
import { stageOf } from './pod-stage.ts';

export interface Rollout {
  readonly desired: number;
  /** Of `desired`, pods of the newest revision, when all is done. */
  readonly newest: number;
  /** Of `desired`, pods that stay of earlier ones. */
  readonly kept: number;
  /** Pods of earlier revisions may go for those of the newest, because one of those has shown that it works. */
  readonly mayReplace: boolean;
  /** New pods do not come up: nothing more is exchanged until they do. */
  readonly isStalled: boolean;
}

export function rolloutOf(observed: ObservedFleet, desired: number): Rollout {
  const { fleet, revision, replicaSets, pods, nowMs } = observed;
  const staying = stayingPods(pods);
  const earlier = replicaSets.filter((set) => set.revision !== revision);
  // By what is to be there: a pod that was evicted is being replaced.
  const ofEarlier = earlier.reduce((sum, set) => sum + toBeThere(set, pods), 0);
  const kept = Math.min(fleet.rollout.partition, desired, ofEarlier);
  const ofNewest = staying.filter((pod) => pod.revision === revision);
  const isStalled = ofEarlier > kept && ofNewest.some((pod) => !pod.isReady) && isOverdue(observed, ofNewest);
  const works = ofNewest.some((pod) => isAvailable(pod, fleet, nowMs));
  return { desired, newest: desired - kept, kept, mayReplace: works && !isStalled, isStalled };
}

/** Those that do not end, and are not about to. */
export const stayingPods = (pods: readonly ObservedPod[]) =>
  pods.filter((pod) => !pod.isTerminating && stageOf(pod) !== 'removable');

export const isAvailable = (pod: ObservedPod, { rollout }: Pick<ObservedFleet['fleet'], 'rollout'>, nowMs: number) =>
  pod.isReady && nowMs - pod.readyChangedAtMs >= rollout.minReadySeconds * 1_000;

function toBeThere({ revision, replicas }: ObservedReplicaSet, pods: readonly ObservedPod[]): number {
  const own = pods.filter((pod) => pod.revision === revision && !pod.isTerminating);
  const staying = stayingPods(own).length;
  return Math.max(staying, replicas - (own.length - staying));
}

/** No new pod has come or become ready for the deadline. */
function isOverdue({ fleet, nowMs }: ObservedFleet, newest: readonly ObservedPod[]): boolean {
  const progress = newest.map((pod) => (pod.isReady ? pod.readyChangedAtMs : pod.createdAtMs));
  return nowMs - Math.max(...progress) > secondsOf(fleet.rollout.progressDeadline) * 1_000;
}
