// What a kind of custom resource brings along; everything that holds for every kind is in lifecycle.ts.

import type { Conditions } from '../api/v1alpha1.ts';
import type { Children } from '../apply/children.ts';
import type { KubernetesObject } from '../kubernetes/resource.ts';
import type { Finding } from '../status/conditions.ts';

/** A resource of ours, as the API server gives it. */
export interface CustomResource extends KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: KubernetesObject['metadata'] & {
    readonly namespace: string;
    readonly uid: string;
    readonly generation: number;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
  };
  readonly status?: { readonly conditions?: Conditions; readonly observedGeneration?: number };
}

/** What came of looking at a resource. */
export interface Outcome {
  readonly findings: readonly Finding[];
  /** Fields of the status beside conditions and observedGeneration. */
  readonly status?: object;
  /** When to look again though nothing changes. */
  readonly requeueAfterMs?: number;
}

export interface Reconciler<T extends CustomResource = CustomResource> {
  /**
   * Makes what there should be. Called again and again, also when all is as it should be: then it writes nothing.
   * @throws what `Children` throws; every error but ChildError is tried again
   */
  reconcile(resource: T, children: Children, signal: AbortSignal): Promise<Outcome>;
  /**
   * What must be done before the resource may go; creates nothing. Resolves with undefined when it is done, or with when to look again.
   * Absent where nothing must be.
   */
  readonly finalize?: (resource: T, children: Children, signal: AbortSignal) => Promise<number | undefined>;
  /** The resource goes, also where `finalize` was not called. Absent where nothing is kept of it. */
  readonly forget?: (uid: string) => void;
}
