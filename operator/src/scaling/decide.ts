// The scaling of a fleet of gateways or proxies: from what is there to the next writes. It remembers nothing, so whoever leads next goes on
// from what the cluster holds; the same again gives nothing new.
import { nextState } from './desired-pods.ts';
import { type MoveOrder, moveOrders } from './move-orders.ts';
import { connectionsOf, type ObservedFleet, type ObservedPod, type ObservedReplicaSet } from './observed-fleet.ts';
import { type MetadataPatch, stageOf } from './pod-stage.ts';
import { type PodStep, podSteps } from './pod-steps.ts';
import { rebalance } from './rebalance.ts';
import { replicaCounts } from './replica-counts.ts';
import { rolloutOf } from './rollout.ts';
import { formatState, SCALING_STATE } from './scaling-state.ts';
import { isSettled } from './settled.ts';
import { heldBack, victims } from './victims.ts';

/** Each with the resourceVersion of what it was decided from as its precondition; `state` is for the custom resource. */
export type ScalingWrite =
  | { readonly kind: 'state'; readonly annotations: Readonly<Record<string, string>> }
  | { readonly kind: 'pod'; readonly pod: ObservedPod; readonly patch: MetadataPatch }
  | { readonly kind: 'replicas'; readonly replicaSet: ObservedReplicaSet; readonly replicas: number };

export interface ScalingDecisions {
  /** In their order; what comes after one that fails is left. After any of them somebody else can go on. */
  readonly writes: readonly ScalingWrite[];
  /** To be sent beside the writes, in any order; they are decided again until the pods say that they follow. */
  readonly orders: readonly MoveOrder[];
  /** Pods that there are to be. */
  readonly desired: number;
  /** Connections that are known of. */
  readonly connections: number;
  /** Pods on their way out. */
  readonly draining: number;
  /** Pods that were asked to go and do not, since `partition` keeps them or the exchange waits. */
  readonly heldBack: readonly ObservedPod[];
  /** More are needed than there are to be: there will be when the window is over. */
  readonly isRising: boolean;
  /** New pods do not come up, and the exchange waits for them. */
  readonly isStalled: boolean;
  /** Until a pod, another object or the resource says something else the same is decided again, however late it is. */
  readonly isSettled: boolean;
}

export function decide(observed: ObservedFleet): ScalingDecisions {
  const { pods, nowMs } = observed;
  const state = nextState(observed);
  const rollout = rolloutOf(observed, state.desired);
  const going = victims(observed, rollout);
  const { begun, ended, isUnbalanced } = rebalance(observed, state, going);
  const { counts, kept } = replicaCounts(observed, rollout, going);
  const text = formatState({ ...state, isUnbalanced });
  const living = pods.filter(({ isTerminating }) => !isTerminating);
  const orders = moveOrders(observed);
  const writes: readonly ScalingWrite[] = [
    // Before the state says that it is done.
    ...podWrites(begun),
    ...(text === observed.ownerAnnotations[SCALING_STATE]
      ? []
      : [{ kind: 'state' as const, annotations: { [SCALING_STATE]: text } }]),
    ...podWrites([...ended, ...podSteps(observed, going, state.desired), ...kept]),
    ...counts.map(({ set, replicas }) => ({ kind: 'replicas' as const, replicaSet: set, replicas })),
  ];
  return {
    ...{ writes, orders },
    desired: state.desired,
    connections: pods.reduce((sum, pod) => sum + (connectionsOf(pod, nowMs) ?? 0), 0),
    draining: living.filter((pod) => stageOf(pod) !== 'accepting').length,
    heldBack: heldBack(observed, rollout, going),
    isRising: (state.needed?.value ?? 0) > state.desired,
    isStalled: rollout.isStalled,
    isSettled: writes.length + orders.length === 0 && isSettled(observed, { ...state, isUnbalanced }),
  };
}

const podWrites = (steps: readonly PodStep[]) => steps.map(({ pod, patch }) => ({ kind: 'pod' as const, pod, patch }));
