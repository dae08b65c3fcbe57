// The object that decides who leads: whoever has written it last and goes on doing so. The API server takes a write only on the version that it
// was made for, so that of two who write at once one is refused.
import type { KubernetesClient } from '../kubernetes/client.ts';
import { ignoreNotFound } from '../kubernetes/errors.ts';
import { collectionPath, type KubernetesObject, objectPath, type Resource } from '../kubernetes/resource.ts';

const leases: Resource = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases', namespaced: true };

export interface LeaseSpec {
  /** Empty: nobody, it was given up. */
  readonly holderIdentity: string;
  readonly leaseDurationSeconds: number;
  /** By the holder's own clock; nobody else reckons with it. RFC 3339 with microseconds. */
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly leaseTransitions: number;
}

export interface Lease extends KubernetesObject {
  readonly spec?: Partial<LeaseSpec>;
}

export interface LeasePlace {
  readonly namespace: string;
  readonly name: string;
}

/** What there is; undefined when nobody has ever led. @throws KubernetesError */
export function readLease(
  client: KubernetesClient,
  place: LeasePlace,
  signal: AbortSignal,
): Promise<Lease | undefined> {
  return client.request<Lease>({ method: 'GET', path: objectPath(leases, place), signal }).catch(ignoreNotFound);
}

/** Writes it over the version that was read, or makes it. @throws KubernetesError `api-conflict` when somebody else has written */
export function writeLease(
  client: KubernetesClient,
  place: LeasePlace,
  { seen, spec, signal }: { readonly seen: Lease | undefined; readonly spec: LeaseSpec; readonly signal: AbortSignal },
): Promise<Lease> {
  const { apiVersion, kind } = leases;
  const resourceVersion = seen?.metadata.resourceVersion;
  const body = { apiVersion, kind, metadata: { ...seen?.metadata, ...place, resourceVersion }, spec };
  return seen === undefined
    ? client.request({ method: 'POST', path: collectionPath(leases, place.namespace), body, signal })
    : client.request({ method: 'PUT', path: objectPath(leases, place), body, signal });
}
