// The objects of a custom resource, made and kept as they should be: by server-side apply after a comparison with the cache, so that where
// nothing differs nothing is sent.
import { hash } from 'node:crypto';
import type { Logger } from '@sluice/runtime/logger';
import { contentHash } from '../desired/content-hash.ts';
import type { Manifest, Owner } from '../desired/manifest.ts';
import { ignoreNotFound, isKubernetesError, KubernetesError } from '../kubernetes/errors.ts';
import type { ObjectCache } from '../kubernetes/object-cache.ts';
import { collectionPath, type KubernetesObject, keyOf, objectPath, type Resource } from '../kubernetes/resource.ts';
import { difference } from './difference.ts';
import { ChildError } from './errors.ts';
import { type ForeignField, foreignTemplateFields } from './foreign-fields.ts';
import type { Writer } from './writer.ts';

/** Whose fields ours are. */
export const FIELD_MANAGER = 'sluice-operator';

/**
 * The hash of what an object was applied as last. Where only fields that are set are compared, one that is not set any more makes no difference by
 * itself, and would stay.
 */
const APPLIED = 'mining.sluice.dev/applied';

export type ApplyOutcome = 'unchanged' | 'created' | 'changed';

export interface ChildrenModules {
  readonly writer: Writer;
  /** Of the kinds that are watched, by kind. */
  readonly caches: ReadonlyMap<string, ObjectCache<KubernetesObject>>;
  readonly log: Logger;
  /** Told when others had added fields to the pods of a workload. */
  readonly onForeignFields: (child: KubernetesObject, fields: readonly ForeignField[]) => void;
}

/** What is sent: with a uid it is for that object alone, and never makes one; with a version for that one. */
interface AppliedObject {
  readonly metadata: Manifest['metadata'] & { readonly uid?: string; readonly resourceVersion?: string };
  readonly [field: string]: unknown;
}

export class Children {
  readonly #modules: ChildrenModules;
  /** Objects of the caches that are as they should be, with the fingerprint of what that is: none of them is compared twice. */
  readonly #settled = new WeakMap<KubernetesObject, string>();

  constructor(modules: ChildrenModules) {
    this.#modules = modules;
  }

  /**
   * Makes the object what it should be. How many pods a ReplicaSet has is the scaling's from when it is there.
   * @throws ChildError `name-conflict`, `invalid-child`, `not-leader`; KubernetesError `api-conflict` when it was changed meanwhile
   */
  async apply(resource: Resource, owner: Owner, desired: Manifest): Promise<ApplyOutcome> {
    const cached = this.#cached(resource, desired);
    const fingerprint = hash('sha256', JSON.stringify(desired), 'base64');
    if (cached !== undefined && this.#settled.get(cached) === fingerprint) return 'unchanged';
    const manifest = withHash(desired);
    // An object of somebody else has not our label, and so is not in the cache.
    const live = cached ?? (await this.#read(resource, manifest));
    if (live === undefined) {
      // Without force: who took the name this very moment keeps what they have set.
      await this.#send(resource, manifest, { force: false });
      return 'created';
    }
    refuseForeign(owner, live);
    const isScaled = resource.kind === 'ReplicaSet';
    const wanted = isScaled ? withReplicasOf(live, manifest) : manifest;
    const path = difference(wanted, live);
    if (path !== undefined) {
      const { log } = this.#modules;
      log.debug({ kind: resource.kind, key: keyOf(live.metadata), path }, 'a child differs');
      const { uid = '', resourceVersion = '' } = live.metadata;
      // A number that the scaling has changed meanwhile must not come back.
      const precondition = isScaled ? { uid, resourceVersion } : { uid };
      await this.#send(resource, { ...wanted, metadata: { ...wanted.metadata, ...precondition } }, { force: true });
    }
    const cleaned = await this.#removeForeignFields(resource, live, path !== undefined);
    if (path !== undefined || cleaned) return 'changed';
    this.#settled.set(live, fingerprint);
    return 'unchanged';
  }

  /** The owner's object as the API server has it now; undefined where there is none. @throws ChildError `name-conflict` */
  async read(resource: Resource, owner: Owner, manifest: Manifest): Promise<KubernetesObject | undefined> {
    const live = await this.#read(resource, manifest);
    if (live !== undefined) refuseForeign(owner, live);
    return live;
  }

  /**
   * Makes a Secret that must never be made twice; resolves with the one that there is.
   * @throws ChildError `name-conflict`, `invalid-child`, `not-leader`; KubernetesError, as `api-conflict` where one comes and goes
   */
  async createOnce(resource: Resource, owner: Owner, manifest: Manifest): Promise<KubernetesObject> {
    const live = await this.read(resource, owner, manifest);
    if (live !== undefined) return live;
    const path = collectionPath(resource, manifest.metadata.namespace);
    const query = { fieldManager: FIELD_MANAGER };
    try {
      return await this.#modules.writer.write({ method: 'POST', path, query, body: manifest });
    } catch (error) {
      if (!isKubernetesError(error, 'api-conflict')) throw invalidChild(resource, manifest, error);
      // Somebody was faster: theirs is looked at.
      const theirs = await this.read(resource, owner, manifest);
      if (theirs === undefined) throw error;
      return theirs;
    }
  }

  /**
   * Removes the object that was looked at, and no other or newer one; that it is gone already is as well.
   * @param propagationPolicy `Orphan` leaves its pods running
   */
  async remove(
    resource: Resource,
    owner: Owner,
    child: KubernetesObject,
    propagationPolicy: 'Background' | 'Orphan' = 'Background',
  ): Promise<void> {
    refuseForeign(owner, child);
    await this.#modules.writer.remove(resource, child, propagationPolicy);
  }

  /** Whether the API server has a kind that is not its own. */
  async isServed({ apiVersion, kind }: Resource): Promise<boolean> {
    const served = await this.#modules.writer
      .read<{ resources: readonly { kind: string }[] }>(`/apis/${apiVersion}`)
      .catch(ignoreNotFound);
    return served?.resources.some((each) => each.kind === kind) === true;
  }

  #cached({ kind }: Resource, { metadata }: Manifest): KubernetesObject | undefined {
    return this.#modules.caches.get(kind)?.get(keyOf(metadata));
  }

  #read(resource: Resource, { metadata }: Manifest): Promise<KubernetesObject | undefined> {
    return this.#modules.writer.read<KubernetesObject>(objectPath(resource, metadata)).catch(ignoreNotFound);
  }

  async #send(resource: Resource, manifest: AppliedObject, { force }: { readonly force: boolean }): Promise<void> {
    try {
      await this.#modules.writer.write({
        method: 'PATCH',
        path: objectPath(resource, manifest.metadata),
        query: { fieldManager: FIELD_MANAGER, force },
        contentType: 'application/apply-patch+yaml',
        body: manifest,
      });
    } catch (error) {
      throw invalidChild(resource, manifest, error);
    }
  }

  /** Resolves with whether there were any. @param applied whether the version in the cache is one that we have just replaced */
  async #removeForeignFields(resource: Resource, cached: KubernetesObject, applied: boolean): Promise<boolean> {
    if (foreignTemplateFields(cached, FIELD_MANAGER).length === 0) return false;
    const path = objectPath(resource, cached.metadata);
    const live = applied ? await this.#modules.writer.read<KubernetesObject>(path) : cached;
    const fields = foreignTemplateFields(live, FIELD_MANAGER);
    if (fields.length === 0) return false;
    const body = [
      // The places in lists are those of this generation alone.
      { op: 'test', path: '/metadata/generation', value: live.metadata.generation },
      ...fields.map(({ pointer }) => ({ op: 'remove', path: pointer })),
    ];
    const contentType = 'application/json-patch+json';
    try {
      await this.#modules.writer.write({
        method: 'PATCH',
        path,
        query: { fieldManager: FIELD_MANAGER },
        contentType,
        body,
      });
    } catch (error) {
      // What was tested does not hold, or what was to be removed is gone.
      if (!isKubernetesError(error, 'api-invalid')) throw invalidChild(resource, live, error);
      throw new KubernetesError('api-conflict', `${live.kind} ${live.metadata.name} was changed meanwhile`, {
        cause: error,
      });
    }
    this.#modules.onForeignFields(live, fields);
    return true;
  }
}

function withHash(manifest: Manifest): Manifest {
  const annotations = { ...manifest.metadata.annotations, [APPLIED]: contentHash(manifest) };
  return { ...manifest, metadata: { ...manifest.metadata, annotations } };
}

/** As it is, and not left out: the API server would put its default in the place of a number that nobody applies any more. */
function withReplicasOf(live: KubernetesObject, manifest: Manifest): Manifest {
  const { replicas } = (live as { readonly spec?: { readonly replicas?: number } }).spec ?? {};
  return { ...manifest, spec: { ...(manifest.spec as object), replicas } };
}

/** Server-side apply with force would take the object over without a word. */
export function refuseForeign(owner: Owner, { kind, metadata }: KubernetesObject): void {
  const controller = metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (controller?.uid === owner.metadata.uid) return;
  const whose = controller === undefined ? "is nobody's of ours" : `belongs to ${controller.kind} ${controller.name}`;
  throw new ChildError('name-conflict', `${kind} ${metadata.name} is there already and ${whose}`);
}

/** By the API server itself, by a quota (403), or by a webhook (400 or 403). */
function invalidChild(
  resource: Resource,
  { metadata }: { readonly metadata: { readonly name: string } },
  error: unknown,
): unknown {
  const isRefused =
    isKubernetesError(error, 'api-invalid') ||
    isKubernetesError(error, 'api-refused') ||
    (isKubernetesError(error, 'api-forbidden') && error.status !== 401);
  if (!isRefused) return error;
  return new ChildError('invalid-child', `${resource.kind} ${metadata.name}: ${error.message}`, error);
}
