// A resource whose pods are known by an authority key, and the annotations that name it.
import type { MiningPool, ProxyFleet } from '../api/v1alpha1.ts';

export type KeyOwner = MiningPool | ProxyFleet;

/** The key by which miners know the fleet, in base58check. It outlives every status. */
export const AUTHORITY_PUBLIC_KEY = 'mining.sluice.dev/authority-public-key';
/** The Secret with its other half, in the operator's namespace: by it the key is found when the resource has been restored under another uid. */
export const AUTHORITY_SECRET = 'mining.sluice.dev/authority-secret';
/** An order, which is taken off when it is done. */
export const ROTATE_KEYS = 'mining.sluice.dev/rotate-keys';
/** All that says something of the keys. */
export const keyAnnotations = [AUTHORITY_PUBLIC_KEY, AUTHORITY_SECRET, ROTATE_KEYS] as const;

/** `certificate`: another static key under the same authority. `new-authority`: another authority, of which every miner must be told. */
export const rotations = ['certificate', 'new-authority'] as const;
export type Rotation = (typeof rotations)[number];

export const annotationOf = ({ metadata }: KeyOwner, name: string): string | undefined => metadata.annotations?.[name];

export const isRotation = (order: string): order is Rotation => (rotations as readonly string[]).includes(order);

/** Missing has never been there; what is lost, or another one, is what miners know. */
export const keyFaultReasons = [
  'AuthorityKeyMissing',
  'AuthorityKeyInvalid',
  'AuthorityKeyLost',
  'AuthorityKeyMismatch',
] as const;

/** What is wrong with the authority key, as a condition tells it. */
export interface KeyFault {
  readonly reason: (typeof keyFaultReasons)[number];
  readonly message: string;
}
