// A part of a custom resource that has pods of its own: what its objects are called, and by which labels its pods are found.
import type { Owner } from './manifest.ts';

export interface Workload {
  readonly owner: Owner;
  /** What its objects' names have behind the owner's, so that two resources of different kinds and one name never meet in an object. */
  readonly infix: 'gw' | 'px' | 'cm' | 'jd' | 'sv' | 'tp' | 'nats' | `node-${string}`;
  /** The program that runs in its pods. */
  readonly component:
    | 'connection-gateway'
    | 'proxy'
    | 'channel-manager'
    | 'job-distributor'
    | 'share-validator'
    | 'template-provider'
    | 'nats'
    | 'bitcoind';
}

/** The label with the name of what a pod, or another object, is a part of. */
export const WORKLOAD = 'mining.sluice.dev/workload';

/** What the names of its objects begin with. */
export const workloadName = ({ owner, infix }: Workload) => `${owner.metadata.name}-${infix}`;

/** By which all of its pods are found, and none of another's. */
export const workloadSelector = (workload: Workload) => ({ [WORKLOAD]: workloadName(workload) });

/** Labels of its objects. */
export function workloadLabels(workload: Workload): Readonly<Record<string, string>> {
  return { ...commonLabels(workload), ...workloadSelector(workload) };
}

/** Those of them that all of its owner's workloads with the same program have. */
export const commonLabels = ({ owner, component }: Workload) => ({
  'app.kubernetes.io/name': 'sluice',
  'app.kubernetes.io/component': component,
  'app.kubernetes.io/instance': owner.metadata.name,
  'app.kubernetes.io/managed-by': 'sluice-operator',
});
