// What is said of a fleet in the status and the conditions of its resource. Numbers that change all the time are told when they have changed enough.
import type { FleetStatus } from '../api/v1alpha1.ts';
import { type OwnedFleet, REVISION } from '../desired/fleet.ts';
import { workloadName, workloadSelector } from '../desired/workload.ts';
import type { LiveWorkload } from '../reconcilers/readiness.ts';
import type { ScalingDecisions } from '../scaling/decide.ts';
import { connectionsOf, type ObservedFleet, type ObservedPod } from '../scaling/observed-fleet.ts';
import type { Finding } from '../status/conditions.ts';
import type { ReplicaSet } from './observed-objects.ts';

/** What is less does not show. */
const SMALLEST_CHANGE = 0.01;
/** What a program takes to begin answering, where its pod is ready. */
const FIRST_ANSWER_MS = 45_000;

export interface FleetFound {
  readonly status: FleetStatus;
  readonly findings: readonly Finding[];
  /** All of its pods as one workload, for the conditions Ready and Progressing. */
  readonly workload: LiveWorkload;
}

export interface FleetLook {
  readonly owned: OwnedFleet;
  readonly observed: ObservedFleet;
  readonly decisions: ScalingDecisions;
  readonly replicaSets: readonly ReplicaSet[];
  /** Whether it has pods, and each has answered or had the time to since this process leads. */
  readonly hasAsked: boolean;
  /** What the resource says at present. */
  readonly previous: FleetStatus | undefined;
}

export function fleetFound(look: FleetLook): FleetFound {
  const { owned, observed, decisions } = look;
  const living = observed.pods.filter(({ isTerminating }) => !isTerminating);
  const updated = living.filter(({ revision }) => revision === observed.revision).length;
  const unknown = living.filter((pod) => isSilent(pod, observed.nowMs));
  const [[label, name] = ['', '']] = Object.entries(workloadSelector(owned));
  const status = {
    replicas: living.length,
    ready: living.filter(({ isReady }) => isReady).length,
    updated,
    draining: decisions.draining,
    desired: decisions.desired,
    connections: connections(look, living),
    revision: observed.revision,
    selector: `${label}=${name}`,
  };
  return {
    status,
    findings: [...scalingActive(look, unknown), ...(decisions.isStalled ? [stalled(owned, observed.revision)] : [])],
    workload: workloadOf(look, status),
  };
}

const isSilent = (pod: ObservedPod, nowMs: number) =>
  pod.isReady && connectionsOf(pod, nowMs) === undefined && nowMs - pod.readyChangedAtMs > FIRST_ANSWER_MS;

function connections({ observed, decisions, previous }: FleetLook, living: readonly ObservedPod[]): number {
  const before = previous?.connections ?? 0;
  // A part of them is not the number that there is.
  const isKnown = living.every((pod) => !pod.isReady || connectionsOf(pod, observed.nowMs) !== undefined);
  const isSame = Math.abs(decisions.connections - before) < before * SMALLEST_CHANGE;
  return isKnown && !isSame ? decisions.connections : before;
}

function scalingActive({ owned, hasAsked }: FleetLook, silent: readonly ObservedPod[]): readonly Finding[] {
  const type = 'ScalingActive';
  if (!owned.fleet.autoscaling.enabled) {
    const message = 'The number of pods is what replicas says.';
    return [{ type, status: 'False', reason: 'AutoscalingOff', message }];
  }
  if (!hasAsked) return [];
  if (silent.length === 0) return [{ type, status: 'True', reason: 'LoadKnown', message: '' }];
  // In one order, however the cache has them: another one would be news.
  const names = silent.map(({ name }) => name).sort();
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  const message = `None is taken away while pods do not say how many connections they have: ${names.slice(0, 3).join(', ')}${more}`;
  return [{ type, status: 'False', reason: 'LoadUnknown', message }];
}

function stalled(owned: OwnedFleet, revision: string): Finding {
  const name = `${workloadName(owned)}-${revision}`;
  const message = `${name}: no pod has come up for ${owned.fleet.rollout.progressDeadline}; the earlier ones stay.`;
  return { type: 'Degraded', status: 'True', reason: 'ProgressDeadlineExceeded', message };
}

function workloadOf({ owned, observed, replicaSets }: FleetLook, status: FleetStatus): LiveWorkload {
  const { replicas = 0, ready = 0, updated = 0, desired = 0 } = status;
  const kept = Math.min(owned.fleet.rollout.partition, replicas - updated);
  const newest = replicaSets.find(({ metadata }) => metadata.labels?.[REVISION] === observed.revision);
  return {
    kind: 'ReplicaSet',
    metadata: { name: workloadName(owned), generation: 1 },
    spec: { replicas: desired },
    status: {
      observedGeneration: 1,
      replicas,
      readyReplicas: ready,
      updatedReplicas: updated + kept,
      conditions: newest?.status?.conditions ?? [],
    },
  };
}
