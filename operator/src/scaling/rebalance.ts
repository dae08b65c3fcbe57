// Once after pods were added: connections go from those that have too many to those that came later.
import { secondsOf } from '../desired/duration.ts';
import { freshSample, mostConnections, type ObservedFleet, type ObservedPod } from './observed-fleet.ts';
import { accepting, rebalancing, rebalancingOf, stageOf } from './pod-stage.ts';
import type { PodStep } from './pod-steps.ts';
import { isAvailable } from './rollout.ts';
import type { ScalingState } from './scaling-state.ts';

export interface RebalanceDecisions {
  readonly begun: readonly PodStep[];
  readonly ended: readonly PodStep[];
  readonly isUnbalanced: boolean;
}

/** @param going pods that are to go: while there are any, nothing is moved for balance */
export function rebalance(
  observed: ObservedFleet,
  { desired, isUnbalanced }: ScalingState,
  going: readonly ObservedPod[],
): RebalanceDecisions {
  const { fleet, nowMs } = observed;
  const pods = observed.pods.filter(({ isTerminating }) => !isTerminating);
  const counts = countsOf(pods, nowMs).map((count) => count ?? Number.NaN);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const present = pods.filter((pod) => rebalancingOf(pod) !== undefined);
  // So many others hold all.
  const closable = pods.length - Math.max(1, Math.ceil(total / mostConnections(fleet)));
  const isCalm =
    fleet.rebalance.enabled &&
    going.length === 0 &&
    pods.length === desired &&
    present.length <= closable &&
    pods.every((pod) => stageOf(pod) === 'accepting' && isAvailable(pod, fleet, nowMs));
  const ended = present
    .filter((pod) => !going.includes(pod) && (!isCalm || isBalanced(observed, pod)))
    .map((pod) => ({ pod, patch: accepting() }));
  if (!isUnbalanced || !isCalm) return { begun: [], ended, isUnbalanced };
  const mean = total / pods.length;
  const bound = mean * (1 + fleet.rebalance.tolerancePercent / 100);
  const begun = pods
    .map((pod, at) => ({ pod, count: counts[at] ?? 0 }))
    .filter(({ pod, count }) => count > bound && !present.includes(pod))
    .sort((one, other) => other.count - one.count)
    .slice(0, closable - present.length)
    .map(({ pod }) => ({ pod, patch: rebalancing(Math.ceil(mean), nowMs) }));
  return { begun, ended, isUnbalanced: false };
}

function isBalanced({ fleet, nowMs }: ObservedFleet, pod: ObservedPod): boolean {
  const { keep, startedAtMs } = rebalancingOf(pod) ?? { keep: 0, startedAtMs: 0 };
  const sample = freshSample(pod, nowMs);
  const isOver = nowMs - startedAtMs >= secondsOf(fleet.drain.timeout) * 1_000;
  return isOver || (sample !== undefined && sample.atMs > startedAtMs && sample.connections <= keep);
}

/** Whether each has said how many it holds since the last of them came: before that nothing is moved for balance, however late it is. */
export const areCounted = (pods: readonly ObservedPod[], nowMs: number): boolean =>
  countsOf(pods, nowMs).every((count) => count !== undefined);

function countsOf(pods: readonly ObservedPod[], nowMs: number): readonly (number | undefined)[] {
  const lastChangeMs = Math.max(0, ...pods.map(({ readyChangedAtMs }) => readyChangedAtMs));
  return pods.map((pod) => countSince(lastChangeMs, pod, nowMs));
}

/** Connections that were counted since the last of all pods came: what was before, those that were moved or came meanwhile are not in. */
function countSince(ms: number, pod: ObservedPod, nowMs: number): number | undefined {
  const sample = freshSample(pod, nowMs);
  return sample !== undefined && sample.atMs >= ms ? sample.connections : undefined;
}
