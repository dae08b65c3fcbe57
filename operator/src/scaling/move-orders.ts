// What pods are told to do with their connections, where they do not say that they do it already.
import { secondsOf } from '../desired/duration.ts';
import { freshSample, type ObservedFleet, type ObservedPod } from './observed-fleet.ts';
import { drainDeadlineMs, drainOrder, rebalancingOf, stageOf } from './pod-stage.ts';

export interface MoveOrder {
  readonly pod: ObservedPod;
  /** Undefined: nothing is to be moved any more, and new connections are welcome. */
  readonly move: Move | undefined;
}

export interface Move {
  /** A pod that is told the same once more goes on with it, or has done it. */
  readonly order: string;
  /** Connections that stay. With 0 no new ones are taken. */
  readonly keep: number;
  /** When all that are to go are gone. */
  readonly deadlineMs: number;
}

export function moveOrders(observed: ObservedFleet): readonly MoveOrder[] {
  const { pods, nowMs } = observed;
  return pods
    .filter((pod) => !pod.isTerminating && !pod.isPending)
    .map((pod) => ({ pod, move: moveOf(observed, pod), present: freshSample(pod, nowMs) }))
    .filter(({ move, present }) => (present === undefined ? move !== undefined : move?.order !== present.order))
    .map(({ pod, move }) => ({ pod, move }));
}

function moveOf({ fleet }: ObservedFleet, pod: ObservedPod): Move | undefined {
  const stage = stageOf(pod);
  if (stage === 'draining' || stage === 'removable')
    return { order: drainOrder(pod), keep: 0, deadlineMs: drainDeadlineMs(pod) };
  const rebalancing = rebalancingOf(pod);
  if (rebalancing === undefined) return undefined;
  const { order, keep, startedAtMs } = rebalancing;
  return { order, keep, deadlineMs: startedAtMs + secondsOf(fleet.drain.timeout) * 1_000 };
}
