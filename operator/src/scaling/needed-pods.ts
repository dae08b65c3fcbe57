import type { Fleet } from '../api/v1alpha1.ts';
import { connectionsOf, freshSample, type ObservedFleet, type ObservedPod } from './observed-fleet.ts';

/** Part of the CPU that pods ask their nodes for which they are meant to use. */
const CPU_PART = 0.8;

/**
 * Pods that connections and CPU need. Where something is unknown it is at least what there is to be: more may be seen to be needed, never less.
 * @param cpuCoresRequested of one pod; undefined: CPU is no measure
 */
export function neededPods(
  { fleet, pods, nowMs }: ObservedFleet,
  desired: number,
  cpuCoresRequested: number | undefined,
): number {
  const connections = total(pods, (pod) => connectionsOf(pod, nowMs));
  const byConnections = Math.ceil(connections.sum / fleet.autoscaling.targetConnectionsPerPod);
  const cpu = total(pods, (pod) => (pod.isPending ? 0 : freshSample(pod, nowMs)?.cpuCores));
  const byCpu = cpuCoresRequested === undefined ? 0 : Math.ceil(cpu.sum / (cpuCoresRequested * CPU_PART));
  const isKnown = connections.isKnown && (cpuCoresRequested === undefined || cpu.isKnown);
  return within(fleet.autoscaling, Math.max(byConnections, byCpu, isKnown ? 0 : desired));
}

/** As many, and no fewer or more than there may be. */
export const within = (
  { minReplicas, maxReplicas }: Pick<Fleet['autoscaling'], 'minReplicas' | 'maxReplicas'>,
  pods: number,
) => Math.min(maxReplicas, Math.max(minReplicas, pods));

/** Of pods that end as well, since their connections come back; but those may be unknown, as on a node that is lost. */
function total(pods: readonly ObservedPod[], valueIn: (pod: ObservedPod) => number | undefined) {
  let sum = 0;
  let isKnown = true;
  for (const pod of pods) {
    const value = valueIn(pod);
    sum += value ?? 0;
    if (value === undefined && !pod.isTerminating) isKnown = false;
  }
  return { sum, isKnown };
}
