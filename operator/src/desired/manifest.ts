import type { ObjectMeta } from '../api/object-meta.ts';

/** An object as it is applied: what we set, and nothing that the API server fills in. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly object[];
  };
  readonly [field: string]: unknown;
}

/** The custom resource that an object is made for. */
export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'uid'>;
}

/** Metadata of an object that goes with its owner. */
export function ownedMetadata(
  owner: Owner,
  name: string,
  labels: Readonly<Record<string, string>>,
): Manifest['metadata'] {
  const { apiVersion, kind, metadata } = owner;
  const reference = {
    ...{ apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true },
    // A foreground deletion would else remove the object while our finalizer still needs it.
    blockOwnerDeletion: false,
  };
  return { name, namespace: metadata.namespace, labels, ownerReferences: [reference] };
}
