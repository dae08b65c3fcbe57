// How many replicas each ReplicaSet is to have. Raised for new pods; lowered only where the pods that it would delete are those that are marked.
import { secondsOf } from '../desired/duration.ts';
import type { ObservedFleet, ObservedPod, ObservedReplicaSet } from './observed-fleet.ts';
import { accepting, drainStartedAtMs, hasLowestCost, isAskedToGo, stageOf } from './pod-stage.ts';
import type { PodStep } from './pod-steps.ts';
import type { Rollout } from './rollout.ts';

/** A controller manager that has not seen the deletion cost deletes another pod. */
const COST_SETTLE_MS = 5_000;

export interface ReplicaCount {
  readonly set: ObservedReplicaSet;
  readonly replicas: number;
}

export interface ReplicaDecisions {
  /** Those that change. */
  readonly counts: readonly ReplicaCount[];
  /** Marked pods that are wanted again. */
  readonly kept: readonly PodStep[];
}

/** A ReplicaSet with its pods that do not end. */
interface Members {
  readonly set: ObservedReplicaSet;
  readonly all: readonly ObservedPod[];
  readonly staying: readonly ObservedPod[];
  readonly marked: readonly ObservedPod[];
}

/** @param going as `victims` has them */
export function replicaCounts(
  observed: ObservedFleet,
  rollout: Rollout,
  going: readonly ObservedPod[],
): ReplicaDecisions {
  const counts: ReplicaCount[] = [];
  const kept: PodStep[] = [];
  for (const members of observed.replicaSets.map((set) => membersOf(set, observed.pods))) {
    const { set, all, staying, marked } = members;
    const isNewest = set.revision === observed.revision;
    const isWanted = (pod: ObservedPod) => !isAskedToGo(pod);
    // Another one comes first, and then there is one too many.
    const missing = isNewest ? Math.max(0, rollout.newest - staying.filter(isWanted).length) : 0;
    const back = marked.filter(isWanted).slice(0, missing);
    const isSettled = set.observedGeneration >= set.generation && set.statusReplicas === all.length;
    if (isSettled && set.replicas >= all.length) kept.push(...back.map((pod) => ({ pod, patch: accepting() })));
    const more = missing > 0 ? withMissing(observed, rollout, members, isSettled, missing - back.length) : set.replicas;
    // One that was asked to go makes room for what is missing.
    const makesRoom = more === set.replicas && back.length === 0 && marked.length > 0;
    const replicas =
      missing > 0 && !makesRoom
        ? more
        : withoutMarked(observed, members, isSettled, isNewest || going.some((pod) => staying.includes(pod)));
    if (replicas !== set.replicas) counts.push({ set, replicas });
  }
  return { counts, kept };
}

function membersOf(set: ObservedReplicaSet, pods: readonly ObservedPod[]): Members {
  const all = pods.filter(({ revision, isTerminating }) => revision === set.revision && !isTerminating);
  const marked = all.filter((pod) => stageOf(pod) === 'removable');
  return { set, all, marked, staying: all.filter((pod) => stageOf(pod) !== 'removable') };
}

/** With so many pods more, within `maxSurge`; pods of other revisions that are not there yet count. */
function withMissing(
  { replicaSets, pods, fleet }: ObservedFleet,
  { desired }: Rollout,
  { set, all }: Members,
  isSettled: boolean,
  missing: number,
): number {
  const others = replicaSets
    .filter(({ uid }) => uid !== set.uid)
    .reduce((sum, other) => sum + Math.max(other.replicas, membersOf(other, pods).all.length), 0);
  const most = desired + fleet.rollout.maxSurge - others;
  const goal = all.length + Math.min(missing, Math.max(0, most - all.length));
  // A pod that ends and the one in its place may both be seen: that is no pod more.
  if (goal > set.replicas) return Math.max(set.replicas, Math.min(goal, most));
  return isSettled ? goal : set.replicas;
}

/** The present number where nobody may go yet. @param isComplete it needs no pods beyond those that it has */
function withoutMarked(
  observed: ObservedFleet,
  { set, all, staying, marked }: Members,
  isSettled: boolean,
  isComplete: boolean,
): number {
  // Its pods that are not there yet are not needed any more.
  if (set.replicas > all.length) return isSettled && isComplete ? all.length : set.replicas;
  if (marked.length > 0 && isSettled && set.replicas === all.length && deletesMarked(observed, staying, marked))
    return staying.length;
  // Somebody has lowered it, and the controller manager has not seen that yet.
  return set.observedGeneration < set.generation ? Math.max(set.replicas, staying.length) : set.replicas;
}

/** Whether the controller manager, told to have so many fewer, deletes the marked ones: pods that are not ready go before the cost counts. */
function deletesMarked(
  { fleet, nowMs }: ObservedFleet,
  staying: readonly ObservedPod[],
  marked: readonly ObservedPod[],
): boolean {
  const patienceMs = secondsOf(fleet.drain.timeout) * 1_000;
  const isInTheWay = (pod: ObservedPod) =>
    stageOf(pod) === 'draining' || (!pod.isReady && nowMs - pod.readyChangedAtMs < patienceMs);
  const isKnown = (pod: ObservedPod) => hasLowestCost(pod) && nowMs - drainStartedAtMs(pod) >= COST_SETTLE_MS;
  return marked.every(isKnown) && !staying.some(isInTheWay);
}
