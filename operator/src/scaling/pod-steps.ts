// The next step of each pod on its way out of the fleet, or back into it.
import { secondsOf } from '../desired/duration.ts';
import { connectionsOf, freshSample, type ObservedFleet, type ObservedPod } from './observed-fleet.ts';
import {
  accepting,
  closedAtMs,
  closing,
  drainDeadlineMs,
  draining,
  drainOrder,
  hasAcceptingLabel,
  hasLowestCost,
  type MetadataPatch,
  rebalancingOf,
  removing,
  stageOf,
} from './pod-stage.ts';
import { isAvailable, stayingPods } from './rollout.ts';

/** Until it is known everywhere that a pod is given no connections. */
const CLOSE_SETTLE_MS = 2_000;

export interface PodStep {
  readonly pod: ObservedPod;
  readonly patch: MetadataPatch;
}

/** @param going as `victims` has them: pods that are to go, in order */
export function podSteps(observed: ObservedFleet, going: readonly ObservedPod[], desired: number): readonly PodStep[] {
  const steps = stayingPods(observed.pods).flatMap((pod) => {
    const patch = going.includes(pod) ? stepOut(pod, observed.nowMs) : stepBack(pod);
    return patch === undefined ? [] : [{ pod, patch }];
  });
  // One after the other, so that whoever is moved away does not land on the next one.
  return steps.length > 0 ? steps : nextDrains(observed, going, desired);
}

function stepOut(pod: ObservedPod, nowMs: number): MetadataPatch | undefined {
  switch (stageOf(pod)) {
    case 'accepting':
      return closing(nowMs);
    case 'closed':
      return hasAcceptingLabel(pod) ? closing(nowMs) : undefined;
    case 'draining':
      if (isDrained(pod, nowMs)) return removing();
      if (!hasAcceptingLabel(pod) && hasLowestCost(pod)) return undefined;
      // Somebody has changed it by hand, and controllers have to see it anew.
      return draining(nowMs, drainDeadlineMs(pod));
    default:
      return undefined;
  }
}

function stepBack(pod: ObservedPod): MetadataPatch | undefined {
  const isOpen = hasAcceptingLabel(pod) || rebalancingOf(pod) !== undefined;
  return stageOf(pod) === 'accepting' && isOpen ? undefined : accepting();
}

/** The pod itself says that it holds nobody and takes nobody, or its time is over. */
function isDrained(pod: ObservedPod, nowMs: number): boolean {
  if (pod.isPending || nowMs >= drainDeadlineMs(pod)) return true;
  const sample = freshSample(pod, nowMs);
  return sample?.order === drainOrder(pod) && sample.connections === 0;
}

function nextDrains(observed: ObservedFleet, going: readonly ObservedPod[], desired: number): readonly PodStep[] {
  const { fleet, pods, nowMs } = observed;
  const isUnderWay = pods.some(
    (pod) => !pod.isTerminating && (stageOf(pod) === 'draining' || stageOf(pod) === 'removable'),
  );
  if (isUnderWay || going.some((pod) => nowMs - closedAtMs(pod) < CLOSE_SETTLE_MS)) return [];
  const isReplaced = spares(observed, desired);
  const isEmpty = (pod: ObservedPod) =>
    connectionsOf(pod, nowMs) === 0 &&
    (pod.isPending || (freshSample(pod, nowMs)?.atMs ?? 0) >= closedAtMs(pod) + CLOSE_SETTLE_MS);
  // Whoever holds nobody moves nobody onto another.
  const empty = going.filter((pod) => isEmpty(pod) && isReplaced(pod));
  const next = empty.length > 0 ? empty : going.filter(isReplaced).slice(0, 1);
  const deadlineMs = nowMs + secondsOf(fleet.drain.timeout) * 1_000;
  return next.map((pod) => ({ pod, patch: draining(nowMs, deadlineMs) }));
}

/** Whether the fleet has what it is to have without a pod too, and without those that were asked about before. */
function spares({ fleet, pods, nowMs }: ObservedFleet, desired: number): (pod: ObservedPod) => boolean {
  let left = stayingPods(pods).filter((pod) => isAvailable(pod, fleet, nowMs)).length - desired;
  return (pod) => {
    if (!isAvailable(pod, fleet, nowMs)) return !pod.isReady;
    left -= 1;
    return left >= 0;
  };
}
