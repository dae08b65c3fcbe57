// Whether a fleet is as it should be, so that time alone changes nothing.
import { windowsOf } from './desired-pods.ts';
import type { ObservedFleet } from './observed-fleet.ts';
import { rebalancingOf, stageOf } from './pod-stage.ts';
import { areCounted } from './rebalance.ts';
import type { ScalingState } from './scaling-state.ts';

/** Whether all that could be decided later follows from something that is seen then, and is not yet. Beside decisions to write or to order nothing. */
export function isSettled(observed: ObservedFleet, state: ScalingState): boolean {
  const { revision, pods, nowMs } = observed;
  return (
    !(state.isUnbalanced && areCounted(pods, nowMs)) &&
    pods.length === state.desired &&
    pods.every(
      (pod) =>
        pod.isReady &&
        !pod.isTerminating &&
        pod.revision === revision &&
        stageOf(pod) === 'accepting' &&
        rebalancingOf(pod) === undefined,
    ) &&
    waitsForNoWindow(observed, state)
  );
}

function waitsForNoWindow({ fleet, nowMs }: ObservedFleet, { desired, needed }: ScalingState): boolean {
  if (needed === undefined) return true;
  const { upMs, downMs } = windowsOf(fleet.autoscaling);
  const [, changedAtMs = Number.NEGATIVE_INFINITY] = needed.past.at(-1) ?? [];
  // Until then a number that goes to and fro is taken for the lower one.
  return needed.value === desired && nowMs - changedAtMs >= Math.min(upMs, downMs);
}
