// The Secret with an authority key: what it is called, what stands in it, and what it is made of.
import {
  decodeAuthoritySecretKey,
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
} from '@sluice/noise/authority-key';
import { type EcBackend, generateSecret, type RandomBytes } from '@sluice/noise/ec';
import { contentHash } from '../desired/content-hash.ts';
import type { KubernetesObject } from '../kubernetes/resource.ts';
import { AUTHORITY_PUBLIC_KEY, type KeyOwner } from './key-owner.ts';

const ENTRY = 'secret-key';
const OWNER_KIND = 'mining.sluice.dev/authority-of';
const PREVIOUS = 'mining.sluice.dev/previous-authority-secrets';
const REPLACES = 'mining.sluice.dev/replaces-authority-key';
/** Hexadecimal digits of the uid that stand in the name. */
const UID_DIGITS = 8;

export interface Secret extends KubernetesObject {
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface AuthorityKey {
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** In base58check. */
  readonly publicKey: string;
}

export const generateAuthorityKey = (ec: EcBackend, random: RandomBytes): AuthorityKey =>
  authorityKeyOf(ec, generateSecret(random));

const authorityKeyOf = (ec: EcBackend, secret: Uint8Array): AuthorityKey => ({
  secret,
  publicKey: encodeAuthorityPublicKey(ec.xOnlyPublicKey(secret)),
});

/** The key in an entry of a Secret, as `sluice keys` writes it; undefined where there is none. */
export function authorityKeyIn(ec: EcBackend, { data = {} }: Secret, entry: string): AuthorityKey | undefined {
  const text = Buffer.from(data[entry] ?? '', 'base64')
    .toString()
    .trim();
  const secret = decodeAuthoritySecretKey(text);
  return secret === undefined ? undefined : authorityKeyOf(ec, secret);
}

/** The key in a Secret that was made for a resource of this kind. */
export const readAuthorityKey = (ec: EcBackend, object: Secret, { kind }: KeyOwner): AuthorityKey | undefined =>
  object.metadata.labels?.[OWNER_KIND] === kind ? authorityKeyIn(ec, object, ENTRY) : undefined;

const nameFor = ({ metadata }: KeyOwner, uidDigits: string) => `${metadata.namespace}.${metadata.name}.${uidDigits}`;

export const authoritySecretName = (owner: KeyOwner): string => nameFor(owner, owner.metadata.uid.slice(0, UID_DIGITS));

/** Whether a resource of this namespace and name has, or had, its key there: nobody is given the key of another's by naming its Secret. */
export function isAuthoritySecretName(owner: KeyOwner, name: string): boolean {
  const digits = name.slice(-UID_DIGITS);
  return /^[0-9a-f]{8}$/.test(digits) && name === nameFor(owner, digits);
}

/** Secrets with what was the key before, or with a copy of it from a restored backup; the newest first. */
export const previousSecrets = ({ metadata }: Secret): readonly string[] =>
  (metadata.annotations?.[PREVIOUS] ?? '').split(',').filter((name) => name !== '');

/** The key in whose place this one was put by order, in base58check: tells a rotation half done from a key that somebody else has put there. */
export const replacedKey = ({ metadata }: Secret): string | undefined => metadata.annotations?.[REPLACES];

/** Where a key is kept that is another's turn now. */
export const retiredSecretName = (owner: KeyOwner, { publicKey }: AuthorityKey): string =>
  `${authoritySecretName(owner)}.${contentHash(publicKey)}`;

/** Of where a key comes from. */
export interface KeyHistory {
  /** Names of Secrets, the newest first. */
  readonly previous?: readonly string[];
  /** In base58check; absent where the key was put in no other one's place. */
  readonly replaces?: string;
}

/** Without an owner: one in another namespace would have it collected at once. */
export const authoritySecret = (
  { kind }: KeyOwner,
  place: { readonly name: string; readonly namespace: string },
  { secret, publicKey }: AuthorityKey,
  { previous = [], replaces }: KeyHistory = {},
) => ({
  ...{ apiVersion: 'v1', kind: 'Secret' },
  metadata: {
    ...place,
    labels: {
      ...{ 'app.kubernetes.io/name': 'sluice', 'app.kubernetes.io/managed-by': 'sluice-operator' },
      ...{ [OWNER_KIND]: kind, [AUTHORITY_PUBLIC_KEY]: publicKey },
    },
    annotations: {
      ...(previous.length === 0 ? {} : { [PREVIOUS]: previous.join() }),
      ...(replaces === undefined ? {} : { [REPLACES]: replaces }),
    },
  },
  data: { [ENTRY]: Buffer.from(encodeAuthoritySecretKey(secret)).toString('base64') },
});
