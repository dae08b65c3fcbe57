// The kinds of objects that the operator reads and writes, and where the API server has them.

/** A kind of object, as the API server serves it. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  /** In paths, rules of access and metrics. */
  readonly plural: string;
  readonly namespaced: boolean;
}

/** What every object has, as far as the machinery looks at it; times are RFC 3339. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly OwnerReference[];
    readonly managedFields?: readonly ManagedFields[];
  };
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** Which fields somebody has set. */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: FieldsV1;
}

/** A set of fields as a tree: `f:NAME`, `k:{…}` for an item of a list by its keys, `.` for the place itself. */
export interface FieldsV1 {
  readonly [step: string]: FieldsV1;
}

/** The collection of a kind: of one namespace, or without one everywhere. */
export function collectionPath({ apiVersion, plural }: Resource, namespace?: string): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespace === undefined ? `${group}/${plural}` : `${group}/namespaces/${namespace}/${plural}`;
}

/** One object. @param subresource such as `status` */
export function objectPath(
  resource: Resource,
  { name, namespace }: { readonly name: string; readonly namespace?: string | undefined },
  subresource?: string,
): string {
  const path = `${collectionPath(resource, resource.namespaced ? namespace : undefined)}/${name}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** The key of an object in caches and queues. */
export const keyOf = ({ namespace, name }: { readonly name: string; readonly namespace?: string }): string =>
  namespace === undefined ? name : `${namespace}/${name}`;
