// Which pods are to go, in the order in which they go. Those that were chosen come first, so that another look chooses nobody else.
import { connectionsOf, mostConnections, type ObservedFleet, type ObservedPod } from './observed-fleet.ts';
import { hasAcceptingLabel, isAskedToGo, type PodStage, stageOf } from './pod-stage.ts';
import { type Rollout, stayingPods } from './rollout.ts';

const STAGE_ORDER: Readonly<Record<PodStage, number>> = { removable: 0, draining: 1, closed: 2, accepting: 3 };

export function victims(observed: ObservedFleet, rollout: Rollout): readonly ObservedPod[] {
  const staying = stayingPods(observed.pods);
  const newest = staying.filter(({ revision }) => revision === observed.revision);
  const earlier = staying.filter(({ revision }) => revision !== observed.revision);
  const tooMany = earlier.length - rollout.kept;
  // Without a new pod that works, no more of the earlier ones go than there are beyond what is to be there.
  const spare = staying.filter(({ isReady }) => isReady).length - rollout.desired;
  const idle = earlier.filter(({ isReady }) => !isReady).length;
  const spared = Math.max(spare, Math.min(idle, earlier.length - rollout.desired));
  const chosen = [
    ...choose(observed, earlier, rollout.mayReplace || rollout.newest === 0 ? tooMany : Math.min(tooMany, spared)),
    ...choose(observed, newest, newest.length - rollout.newest),
  ];
  return withCapacity(observed, chosen.toSorted(inOrder(observed)), rollout.desired);
}

/** Pods that were asked to go, and do not go for as long as the rollout is as it is. @param going as `victims` has them */
export function heldBack(
  observed: ObservedFleet,
  rollout: Rollout,
  going: readonly ObservedPod[],
): readonly ObservedPod[] {
  const earlier = stayingPods(observed.pods).filter(({ revision }) => revision !== observed.revision);
  if (!rollout.isStalled && earlier.length > rollout.kept) return [];
  return earlier.filter((pod) => isAskedToGo(pod) && !going.includes(pod));
}

function choose(observed: ObservedFleet, pods: readonly ObservedPod[], count: number): ObservedPod[] {
  const candidates = pods.toSorted(inOrder(observed));
  if (!cutsFlows(observed)) return candidates.slice(0, Math.max(0, count));
  const onNode = new Map<string, number>();
  for (const pod of stayingPods(observed.pods))
    if (isServing(pod)) onNode.set(pod.node, (onNode.get(pod.node) ?? 0) + 1);
  const chosen: ObservedPod[] = [];
  while (chosen.length < count && candidates.length > 0) {
    const isLastOfNode = (pod: ObservedPod) => isServing(pod) && (onNode.get(pod.node) ?? 0) < 2;
    const first = candidates.findIndex((pod) => !isLastOfNode(pod));
    const [pod] = candidates.splice(Math.max(0, first), 1) as [ObservedPod];
    if (isServing(pod)) onNode.set(pod.node, (onNode.get(pod.node) ?? 1) - 1);
    chosen.push(pod);
  }
  return chosen;
}

/** Fewest connections first; whose are unknown may have the most. Who is not ready serves nobody, least where the whole revision does not. */
function inOrder({ pods, nowMs }: ObservedFleet): (one: ObservedPod, other: ObservedPod) => number {
  const working = new Set(pods.filter(({ isReady }) => isReady).map(({ revision }) => revision));
  const key = (pod: ObservedPod) => [
    STAGE_ORDER[stageOf(pod)],
    isAskedToGo(pod) ? 0 : 1,
    pod.isReady ? 2 : working.has(pod.revision) ? 1 : 0,
    connectionsOf(pod, nowMs) ?? Number.MAX_SAFE_INTEGER,
    -pod.createdAtMs,
  ];
  return (one, other) => {
    const [left, right] = [key(one), key(other)];
    const at = left.findIndex((value, index) => value !== right[index]);
    return at < 0 ? (one.name < other.name ? -1 : 1) : (left[at] as number) - (right[at] as number);
  };
}

/** A balancer that knows nodes alone cuts what goes on to a node whose last pod is closed. */
const cutsFlows = ({ fleet }: ObservedFleet) =>
  fleet.listeners.some(({ service }) => service.type !== 'ClusterIP' && service.externalTrafficPolicy === 'Local');

const isServing = (pod: ObservedPod) => pod.isReady && stageOf(pod) === 'accepting' && hasAcceptingLabel(pod);

/** Without the last of them, where those that are left could not hold all connections. */
function withCapacity(
  { fleet, pods, nowMs }: ObservedFleet,
  chosen: readonly ObservedPod[],
  desired: number,
): readonly ObservedPod[] {
  const most = mostConnections(fleet);
  const living = pods.filter(({ isTerminating }) => !isTerminating);
  const ending = pods.filter(({ isTerminating }) => isTerminating);
  const connections =
    living.reduce((sum, pod) => sum + (connectionsOf(pod, nowMs) ?? most), 0) +
    ending.reduce((sum, pod) => sum + (connectionsOf(pod, nowMs) ?? 0), 0);
  const needed = Math.min(desired, Math.max(1, Math.ceil(connections / most)));
  const going = [...chosen];
  let serving = stayingPods(pods).filter((pod) => pod.isReady && !going.includes(pod)).length;
  while (serving < needed) {
    const stays = going.findLastIndex(({ isReady }) => isReady);
    if (stays < 0) break;
    going.splice(stays, 1);
    serving += 1;
  }
  return going;
}
