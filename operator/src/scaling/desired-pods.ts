// How many pods there are to be: more as soon as more were needed for a while, fewer when fewer were needed for a long while.
import type { Fleet } from '../api/v1alpha1.ts';
import { quantityNanos } from '../apply/quantity.ts';
import { secondsOf } from '../desired/duration.ts';
import { beginHistory, type History, highest, lowest, recorded } from './history.ts';
import { neededPods, within } from './needed-pods.ts';
import type { ObservedFleet } from './observed-fleet.ts';
import { stageOf } from './pod-stage.ts';
import { parseState, SCALING_STATE, type ScalingState } from './scaling-state.ts';

interface Windows {
  readonly upMs: number;
  readonly downMs: number;
}

/** The state to be kept in the cluster; equal to the one that is there while nothing changes. */
export function nextState(observed: ObservedFleet): ScalingState {
  const { fleet, pods } = observed;
  const before = parseState(observed.ownerAnnotations[SCALING_STATE]);
  const present = before?.desired ?? pods.filter((pod) => !pod.isTerminating && stageOf(pod) !== 'removable').length;
  const { needed, desired } = fleet.autoscaling.enabled
    ? byLoad(observed, within(fleet.autoscaling, present), before?.needed)
    : { needed: undefined, desired: fleet.replicas };
  const isUnbalanced = fleet.rebalance.enabled && (before?.isUnbalanced === true || desired > present);
  return { desired, ...(needed === undefined ? {} : { needed }), isUnbalanced };
}

function byLoad(observed: ObservedFleet, present: number, before: History | undefined) {
  const { fleet, nowMs } = observed;
  const { autoscaling, resources } = fleet;
  const windows = windowsOf(autoscaling);
  // Where a pod has a limit alone, Kubernetes takes that as what it asks for.
  const requested = quantityNanos(resources.requests?.cpu ?? resources.limits?.cpu);
  const cpuCores = requested === undefined || requested <= 0n ? undefined : Number(requested) / 1e9;
  const needed = nextNeeded(before, neededPods(observed, present, cpuCores), windows, nowMs);
  return { needed, desired: within(autoscaling, followed(needed, present, windows, nowMs)) };
}

export const windowsOf = ({ scaleUpWindow, scaleDownWindow }: Fleet['autoscaling']): Windows => ({
  upMs: secondsOf(scaleUpWindow) * 1_000,
  downMs: secondsOf(scaleDownWindow) * 1_000,
});

export function nextNeeded(before: History | undefined, value: number, { upMs, downMs }: Windows, nowMs: number) {
  const times = { longestMs: Math.max(upMs, downMs), restMs: Math.min(upMs, downMs) };
  return before === undefined ? beginHistory(value, nowMs) : recorded(before, value, nowMs, times);
}

/** As many as were needed through one of the windows: at least so many through the upper, at most so many through the lower. */
export function followed(needed: History, present: number, { upMs, downMs }: Windows, nowMs: number): number {
  const atLeast = lowest(needed, upMs, nowMs) ?? present;
  const atMost = highest(needed, downMs, nowMs) ?? present;
  return atLeast > present ? atLeast : Math.min(present, atMost);
}
