// How far a pod is on its way out of the fleet. All of it stands on the pod, so that whoever leads next goes on from there.
import { ACCEPTING } from '../desired/fleet.ts';
import type { ObservedPod } from './observed-fleet.ts';

/**
 * `accepting`: given new connections. `closed`: chosen to go, and given none. `draining`: its connections are moved away, one pod after the
 * other. `removable`: empty, or out of time; its ReplicaSet is to have one pod less.
 */
export type PodStage = 'accepting' | 'closed' | 'draining' | 'removable';

/** Times as ISO 8601, for people who look at a pod. */
const CLOSED_AT = 'mining.sluice.dev/closed-at';
const DRAIN_STARTED_AT = 'mining.sluice.dev/drain-started-at';
const DRAIN_DEADLINE = 'mining.sluice.dev/drain-deadline';
const REMOVE = 'mining.sluice.dev/remove';
/** To how many connections a pod that stays is to come down, and since when. */
const REBALANCE_KEEP = 'mining.sluice.dev/rebalance-keep';
const REBALANCE_STARTED_AT = 'mining.sluice.dev/rebalance-started-at';

/** With the value `true` somebody asks for the pod to go, and another one to come in its place. */
export const DRAIN = 'mining.sluice.dev/drain';

/** By which a ReplicaSet prefers, among ready pods, whom it deletes. */
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const LOWEST_COST = '-2147483648';

/** To be merged into a pod's metadata; null takes an entry away. */
export interface MetadataPatch {
  readonly labels: Readonly<Record<string, string | null>>;
  readonly annotations: Readonly<Record<string, string | null>>;
}

export function stageOf({ annotations }: Pick<ObservedPod, 'annotations'>): PodStage {
  if (annotations[REMOVE] !== undefined) return 'removable';
  if (annotations[DRAIN_STARTED_AT] !== undefined) return 'draining';
  return annotations[CLOSED_AT] === undefined ? 'accepting' : 'closed';
}

export const isAskedToGo = ({ annotations }: Pick<ObservedPod, 'annotations'>) => annotations[DRAIN] === 'true';

/** Whether it is given new connections, which somebody may have changed by hand. */
export const hasAcceptingLabel = ({ labels }: ObservedPod) => labels[ACCEPTING] === 'true';

export const closedAtMs = (pod: ObservedPod) => timeOf(pod, CLOSED_AT);
export const drainStartedAtMs = (pod: ObservedPod) => timeOf(pod, DRAIN_STARTED_AT);
export const drainDeadlineMs = (pod: ObservedPod) => timeOf(pod, DRAIN_DEADLINE);
export const hasLowestCost = ({ annotations }: ObservedPod) => annotations[DELETION_COST] === LOWEST_COST;

/** Names the drain: a pod that is told twice does it once. */
export const drainOrder = ({ annotations }: ObservedPod) => `drain ${annotations[DRAIN_STARTED_AT]}`;

export interface Rebalancing {
  readonly order: string;
  readonly keep: number;
  readonly startedAtMs: number;
}

export function rebalancingOf(pod: ObservedPod): Rebalancing | undefined {
  const keep = pod.annotations[REBALANCE_KEEP];
  if (keep === undefined) return undefined;
  const startedAt = pod.annotations[REBALANCE_STARTED_AT];
  return { order: `rebalance ${startedAt}`, keep: Number(keep), startedAtMs: timeOf(pod, REBALANCE_STARTED_AT) };
}

export const closing = (nowMs: number): MetadataPatch => ({
  labels: { [ACCEPTING]: null },
  annotations: { [CLOSED_AT]: isoTime(nowMs), [REBALANCE_KEEP]: null, [REBALANCE_STARTED_AT]: null },
});

/** The cost goes with the start, not with the end: controllers that lag must have seen it before the ReplicaSet is lowered. */
export const draining = (nowMs: number, deadlineMs: number): MetadataPatch => ({
  labels: { [ACCEPTING]: null },
  annotations: {
    [DRAIN_STARTED_AT]: isoTime(nowMs),
    [DRAIN_DEADLINE]: isoTime(deadlineMs),
    [DELETION_COST]: LOWEST_COST,
  },
});

export const removing = (): MetadataPatch => ({ labels: {}, annotations: { [REMOVE]: 'true' } });

/** It stays after all, or as it was. */
export const accepting = (): MetadataPatch => ({
  labels: { [ACCEPTING]: 'true' },
  annotations: {
    [CLOSED_AT]: null,
    [DRAIN_STARTED_AT]: null,
    [DRAIN_DEADLINE]: null,
    [REMOVE]: null,
    [DELETION_COST]: null,
    [REBALANCE_KEEP]: null,
    [REBALANCE_STARTED_AT]: null,
  },
});

/** Without new connections meanwhile, or a part of those that it sends away would come back. */
export const rebalancing = (keep: number, nowMs: number): MetadataPatch => ({
  labels: { [ACCEPTING]: null },
  annotations: { [REBALANCE_KEEP]: String(keep), [REBALANCE_STARTED_AT]: isoTime(nowMs) },
});

const isoTime = (ms: number) => new Date(ms).toISOString();

/** A time that somebody has made unreadable is long ago: its wait is over. */
function timeOf({ annotations }: ObservedPod, name: string): number {
  const ms = Date.parse(annotations[name] ?? '');
  return Number.isNaN(ms) ? 0 : ms;
}
