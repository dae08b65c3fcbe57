// The authority keys, in the operator's own namespace: made once, found again, exchanged by order alone, and removed when the resource wants it so.
import type { EcBackend, RandomBytes } from '@sluice/noise/ec';
import { customKindOf } from '../api/custom-kinds.ts';
import type { Noise } from '../api/v1alpha1.ts';
import { secrets } from '../apply/child-kinds.ts';
import { FIELD_MANAGER } from '../apply/children.ts';
import type { Writer } from '../apply/writer.ts';
import { annotate } from '../control/annotations.ts';
import type { EventRecorder } from '../events/event-recorder.ts';
import { isKubernetesError, KubernetesError } from '../kubernetes/errors.ts';
import { collectionPath, objectPath } from '../kubernetes/resource.ts';
import {
  type AuthorityKey,
  authorityKeyIn,
  authoritySecret,
  authoritySecretName,
  generateAuthorityKey,
  isAuthoritySecretName,
  type KeyHistory,
  previousSecrets,
  readAuthorityKey,
  replacedKey,
  retiredSecretName,
  type Secret,
} from './authority-secret.ts';
import {
  AUTHORITY_PUBLIC_KEY,
  AUTHORITY_SECRET,
  annotationOf,
  type KeyFault,
  type KeyOwner,
  keyAnnotations,
  ROTATE_KEYS,
} from './key-owner.ts';
import { patchSecret, readSecret } from './secret-access.ts';

export interface AuthorityKeysModules {
  readonly writer: Writer;
  readonly events: EventRecorder;
  readonly ec: EcBackend;
  readonly random: RandomBytes;
  /** The operator's own. */
  readonly namespace: string;
}

/** What there is to sign certificates with. */
export interface Authority {
  readonly key?: AuthorityKey;
  /** What miners are told, in base58check; undefined while there has never been a key. */
  readonly publicKey?: string;
  /** Why there is no key; or why the one that there is cannot be kept where it should be. */
  readonly fault?: KeyFault;
}

interface Found {
  readonly object: Secret;
  readonly key: AuthorityKey | undefined;
}

interface Places {
  /** Under the name that follows from the resource's uid. */
  readonly own: Found | undefined;
  /** The one with the key that miners know, wherever it is; else whichever there is. */
  readonly found: Found | undefined;
}

export class AuthorityKeys {
  readonly #modules: AuthorityKeysModules;

  constructor(modules: AuthorityKeysModules) {
    this.#modules = modules;
  }

  /**
   * The key of the resource, which is made where there never was one.
   * @throws KubernetesError `api-conflict` when somebody else is at it, or the resource is another one by now
   */
  async settle(owner: KeyOwner, noise: Noise): Promise<Authority> {
    const annotated = annotationOf(owner, AUTHORITY_PUBLIC_KEY);
    const { own, found } = await this.#find(owner, annotated);
    // Who replaces a resource leaves its annotations out at times: with the Secret gone too, the status alone knows that there was a key.
    const told = annotated ?? (found?.key === undefined ? owner.status?.authorityPublicKey : undefined);
    if (told === undefined) return this.#first(owner, noise, found);
    if (annotationOf(owner, ROTATE_KEYS) === 'new-authority') return this.#rotate(owner, noise, told, { own, found });
    if (found === undefined) return this.#missing(owner, noise, told);
    if (found.key === undefined) return { publicKey: told, fault: invalid(found.object) };
    if (found.key.publicKey !== told) return { publicKey: told, fault: mismatch(found.object, told) };
    // What has the place of the good one may be of use to somebody: it is not written over, and the good one is used where it is.
    if (own !== undefined && own !== found)
      return { key: found.key, publicKey: told, fault: own.key ? mismatch(own.object, told) : invalid(own.object) };
    await this.#keepUnderOwnName(owner, found.key, found.object);
    return { key: found.key, publicKey: told };
  }

  /** Removes the key of a resource that goes, with those before it. */
  async remove(owner: KeyOwner): Promise<void> {
    for (const name of secretNames(owner)) {
      const secret = await this.#read(name);
      if (secret === undefined || readAuthorityKey(this.#modules.ec, secret, owner) === undefined) continue;
      // Those before it first: this one alone names them.
      for (const previous of previousSecrets(secret)) await this.#delete(await this.#read(previous));
      await this.#delete(secret);
    }
  }

  #read(name: string): Promise<Secret | undefined> {
    return readSecret(this.#modules.writer, this.#modules.namespace, name);
  }

  async #find(owner: KeyOwner, told: string | undefined): Promise<Places> {
    const places = await Promise.all(
      secretNames(owner).map(async (name): Promise<Found | undefined> => {
        const object = await this.#read(name);
        return object && { object, key: readAuthorityKey(this.#modules.ec, object, owner) };
      }),
    );
    const isTold = (place: Found | undefined) => place?.key !== undefined && place.key.publicKey === told;
    return { own: places[0], found: places.find(isTold) ?? places.find((place) => place !== undefined) };
  }

  async #first(owner: KeyOwner, noise: Noise, found: Found | undefined): Promise<Authority> {
    if (found !== undefined) {
      if (found.key === undefined) return { fault: invalid(found.object) };
      await this.#keepUnderOwnName(owner, found.key, found.object);
      return { key: found.key, publicKey: found.key.publicKey };
    }
    const named = annotationOf(owner, AUTHORITY_SECRET);
    // Somebody wants a key that there was: another one would be a surprise for every miner.
    if (named !== undefined && named !== authoritySecretName(owner))
      return {
        fault: missing(`Secret ${named}, which the annotation ${AUTHORITY_SECRET} names, is no key of this resource`),
      };
    const key = await this.#newKey(owner, noise);
    if ('reason' in key) return { fault: key };
    await this.#keep(owner, key);
    return { key, publicKey: key.publicKey };
  }

  /** Never made anew: miners would be told that somebody has put himself in the pool's place. */
  async #missing(owner: KeyOwner, noise: Noise, told: string): Promise<Authority> {
    if (noise.authorityKey.mode === 'Existing') {
      const key = await this.#newKey(owner, noise);
      if ('publicKey' in key && key.publicKey === told) {
        await this.#keep(owner, key);
        return { key, publicKey: told };
      }
    }
    const where = `Secret ${authoritySecretName(owner)} of namespace ${this.#modules.namespace}`;
    const message = `${where} is gone, by whose key miners know these pods. Restore it, or have another key made (docs/operations/keys.md); until then no certificate is renewed.`;
    return { publicKey: told, fault: { reason: 'AuthorityKeyLost', message } };
  }

  async #rotate(owner: KeyOwner, noise: Noise, told: string, { own, found }: Places): Promise<Authority> {
    // Whoever began it did not get to telling the resource.
    const isBegun =
      noise.authorityKey.secretRef === undefined && own?.key !== undefined && replacedKey(own.object) === told;
    const next = isBegun ? own.key : await this.#newKey(owner, noise);
    const known = found?.key?.publicKey === told ? found.key : undefined;
    if ('reason' in next) return { ...(known && { key: known }), publicKey: told, fault: next };
    const holder = own ?? found;
    const history: KeyHistory = {
      previous: found === undefined || found === own ? [] : withPrevious(found.object),
      ...(next.publicKey === told ? {} : { replaces: told }),
    };
    if (holder?.key?.publicKey === next.publicKey) await this.#keepUnderOwnName(owner, next, holder.object);
    else if (own === undefined) await this.#keep(owner, next, history);
    else await this.#replace(owner, next, own, history);
    if (next.publicKey !== told) this.#tellRotation(owner, told, next.publicKey);
    return { key: next, publicKey: next.publicKey };
  }

  async #newKey({ metadata }: KeyOwner, { authorityKey }: Noise): Promise<AuthorityKey | KeyFault> {
    const { writer, ec, random } = this.#modules;
    const { secretRef } = authorityKey;
    if (secretRef === undefined) return generateAuthorityKey(ec, random);
    const secret = await readSecret(writer, metadata.namespace, secretRef.name);
    if (secret === undefined) return missing(`Secret ${secretRef.name} is not there`);
    if (secret.data?.[secretRef.key] === undefined)
      return missing(`Secret ${secretRef.name} has no entry ${secretRef.key}`);
    const message = `Entry ${secretRef.key} of Secret ${secretRef.name} holds no secret key as sluice keys writes it.`;
    return authorityKeyIn(ec, secret, secretRef.key) ?? { reason: 'AuthorityKeyInvalid', message };
  }

  /** The Secret is there: it gets the name that follows from the resource's uid, and the resource is told of it. */
  async #keepUnderOwnName(owner: KeyOwner, key: AuthorityKey, secret: Secret): Promise<void> {
    const name = authoritySecretName(owner);
    if (secret.metadata.name !== name) return this.#keep(owner, key, { previous: withPrevious(secret) });
    const isTold =
      annotationOf(owner, AUTHORITY_PUBLIC_KEY) === key.publicKey && annotationOf(owner, AUTHORITY_SECRET) === name;
    if (!isTold || annotationOf(owner, ROTATE_KEYS) === 'new-authority')
      await this.#announce(await this.#live(owner), key);
  }

  /** There is none under this name: whoever is slower than another one has a conflict, and looks again. */
  async #keep(owner: KeyOwner, key: AuthorityKey, history: KeyHistory = {}): Promise<void> {
    const live = await this.#live(owner);
    await this.#post(owner, authoritySecretName(owner), key, history);
    await this.#announce(live, key);
  }

  async #replace(owner: KeyOwner, next: AuthorityKey, { object, key }: Found, history: KeyHistory): Promise<void> {
    const live = await this.#live(owner);
    const retired = key === undefined ? [] : [retiredSecretName(owner, key)];
    if (key !== undefined)
      await this.#post(owner, retiredSecretName(owner, key), key).catch((error: unknown) => {
        // Its name follows from the key: it was kept already.
        if (!isKubernetesError(error, 'api-conflict')) throw error;
      });
    const { namespace } = this.#modules;
    const place = { name: object.metadata.name, namespace };
    const previous = [...retired, ...(history.previous ?? []), ...previousSecrets(object)];
    const { metadata, data } = authoritySecret(owner, place, next, { ...history, previous });
    await patchSecret(this.#modules.writer, object, { metadata, data });
    await this.#announce(live, next);
  }

  async #post(owner: KeyOwner, name: string, key: AuthorityKey, history?: KeyHistory): Promise<void> {
    const { writer, namespace } = this.#modules;
    const body = authoritySecret(owner, { name, namespace }, key, history);
    const query = { fieldManager: FIELD_MANAGER };
    await writer.write({ method: 'POST', path: collectionPath(secrets, namespace), query, body });
  }

  /** The resource as it is now: a cache that is behind could have a key made twice. */
  async #live(owner: KeyOwner): Promise<KeyOwner> {
    const live = await this.#modules.writer.read<KeyOwner>(objectPath(customKindOf(owner), owner.metadata));
    const isSame = keyAnnotations.every((name) => annotationOf(live, name) === annotationOf(owner, name));
    if (isSame && live.metadata.uid === owner.metadata.uid && live.metadata.deletionTimestamp === undefined)
      return live;
    throw new KubernetesError('api-conflict', `${owner.kind} ${owner.metadata.name} is another one by now`);
  }

  async #announce(live: KeyOwner, { publicKey }: AuthorityKey): Promise<void> {
    const { resourceVersion } = live.metadata;
    const annotations = {
      ...{ [AUTHORITY_PUBLIC_KEY]: publicKey, [AUTHORITY_SECRET]: authoritySecretName(live) },
      ...(annotationOf(live, ROTATE_KEYS) === 'new-authority' ? { [ROTATE_KEYS]: null } : {}),
    };
    await annotate(this.#modules.writer, live, annotations, { resourceVersion });
  }

  #tellRotation(owner: KeyOwner, before: string, now: string): void {
    const note = `Miners that know the authority key ${before} must be told ${now}.`;
    this.#modules.events.record(owner, { type: 'Warning', reason: 'AuthorityKeyRotated', action: 'RotateKeys', note });
  }

  async #delete(secret: Secret | undefined): Promise<void> {
    if (secret !== undefined) await this.#modules.writer.remove(secrets, secret);
  }
}

/** Under its own uid, and under that of the resource that it was restored from. */
function secretNames(owner: KeyOwner): readonly string[] {
  const own = authoritySecretName(owner);
  const named = annotationOf(owner, AUTHORITY_SECRET) ?? own;
  return named === own || !isAuthoritySecretName(owner, named) ? [own] : [own, named];
}

const withPrevious = (secret: Secret): readonly string[] => [secret.metadata.name, ...previousSecrets(secret)];

const missing = (what: string): KeyFault => ({ reason: 'AuthorityKeyMissing', message: `${what}.` });

const invalid = ({ metadata }: Secret): KeyFault => ({
  reason: 'AuthorityKeyInvalid',
  message: `Secret ${metadata.name} of namespace ${metadata.namespace} holds no authority key of this resource.`,
});

const mismatch = ({ metadata }: Secret, told: string): KeyFault => ({
  reason: 'AuthorityKeyMismatch',
  message: `Secret ${metadata.name} of namespace ${metadata.namespace} holds another key than ${told}, which miners have been told.`,
});
