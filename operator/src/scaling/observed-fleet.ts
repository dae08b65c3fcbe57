// What the scaling of a fleet decides from: the fleet as the cluster holds it, and what its pods said last.
import type { Fleet } from '../api/v1alpha1.ts';

export interface ObservedFleet {
  readonly fleet: Pick<
    Fleet,
    'replicas' | 'listeners' | 'autoscaling' | 'drain' | 'rollout' | 'rebalance' | 'resources'
  >;
  /** Of the pods that there are to be: the newest. */
  readonly revision: string;
  /** All of the fleet's. One that was just made for the newest revision has 0 replicas: the scaling raises it. */
  readonly replicaSets: readonly ObservedReplicaSet[];
  /** All of the fleet's that are neither Succeeded nor Failed. */
  readonly pods: readonly ObservedPod[];
  /** Of the custom resource, among them what the scaling has to remember. */
  readonly ownerAnnotations: Readonly<Record<string, string>>;
  /** Unix milliseconds, as all times here. */
  readonly nowMs: number;
}

export interface ObservedReplicaSet {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly revision: string;
  readonly createdAtMs: number;
  /** What it is to have: `spec.replicas`. */
  readonly replicas: number;
  readonly generation: number;
  /** What the controller manager has seen, and how many pods it knows of: `status`. */
  readonly observedGeneration: number;
  readonly statusReplicas: number;
}

export interface ObservedPod {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly revision: string;
  /** Where it runs; empty while it has no node. */
  readonly node: string;
  readonly createdAtMs: number;
  /** None of its containers has run yet, so that it never had a connection. */
  readonly isPending: boolean;
  readonly isReady: boolean;
  /** When it became ready, or ceased to be. */
  readonly readyChangedAtMs: number;
  /** It has a deletionTimestamp. */
  readonly isTerminating: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The last one that was got, however old. */
  readonly sample: Sample | undefined;
}

/** What a pod says of itself. */
export interface Sample {
  readonly atMs: number;
  readonly connections: number;
  /** Cores in use, where that is known. */
  readonly cpuCores: number | undefined;
  /** Of the order to move connections away that it follows or has carried out. */
  readonly order: string | undefined;
}

/** What is older counts as unknown, which is not zero: two questions may go without an answer. */
export const SAMPLE_MAX_AGE_MS = 45_000;

/** The last sample if it is to be acted on. One of the future was taken before the clock was set back: how old it is nobody knows. */
export function freshSample({ sample }: ObservedPod, nowMs: number): Sample | undefined {
  const ageMs = sample === undefined ? Number.NaN : nowMs - sample.atMs;
  return ageMs >= 0 && ageMs <= SAMPLE_MAX_AGE_MS ? sample : undefined;
}

/** Connections of miners; undefined: nobody knows. */
export function connectionsOf(pod: ObservedPod, nowMs: number): number | undefined {
  return pod.isPending ? 0 : freshSample(pod, nowMs)?.connections;
}

/** Connections that a pod takes at most, over all listeners. */
export const mostConnections = ({ listeners }: Pick<Fleet, 'listeners'>) =>
  listeners.reduce((sum, { maxConnectionsPerPod }) => sum + maxConnectionsPerPod, 0);
