// The objects of one custom resource, whichever kind it is: made, kept, taken away, and looked at in the caches that follow the API server.
import { BY_CONTROLLER, BY_NAMESPACE, childKind } from '../apply/child-kinds.ts';
import type { Children } from '../apply/children.ts';
import type { ChildError } from '../apply/errors.ts';
import { collect } from '../control/child-faults.ts';
import type { Manifest, Owner } from '../desired/manifest.ts';
import { WORKLOAD } from '../desired/workload.ts';
import type { ObjectCache } from '../kubernetes/object-cache.ts';
import { type KubernetesObject, keyOf } from '../kubernetes/resource.ts';
import type { Finding } from '../status/conditions.ts';
import { configMapsInUse, obsoleteChildren } from './obsolete.ts';
import { isWorkload, type LiveWorkload, readiness, workloadKinds } from './readiness.ts';

/** Of the kinds of children, by kind. */
export type ChildCaches = ReadonlyMap<string, ObjectCache<KubernetesObject>>;

/** An object, as far as one looks for it. */
export type ObjectName = Pick<Manifest, 'kind'> & {
  readonly metadata: Pick<Manifest['metadata'], 'name' | 'namespace'>;
};

export interface Making {
  readonly children: Children;
  readonly signal: AbortSignal;
  /** Takes what is the matter with children that cannot be made. */
  readonly refused: ChildError[];
}

/** Told of an object that there was and that is another one now. @param before as the cache had it */
export type OnChanged = (manifest: Manifest, before: KubernetesObject) => void;

export class OwnObjects {
  readonly #owner: Owner;
  readonly #caches: ChildCaches;
  readonly #onChanged: OnChanged;

  constructor(owner: Owner, caches: ChildCaches, onChanged: OnChanged = () => undefined) {
    this.#owner = owner;
    this.#caches = caches;
    this.#onChanged = onChanged;
  }

  /** As the cache has it; undefined where there is none. */
  live(kind: string, name: string): KubernetesObject | undefined {
    return this.#caches.get(kind)?.get(keyOf({ namespace: this.#owner.metadata.namespace, name }));
  }

  /** Its own, and the ReplicaSets that its Deployments have made, as the caches have them. */
  all(): readonly KubernetesObject[] {
    const own = [...this.#caches.keys()].flatMap((kind) => this.#owned(kind, this.#owner.metadata.uid));
    return [...own, ...own.flatMap(({ metadata: { uid = '' } }) => this.#owned('ReplicaSet', uid))];
  }

  /**
   * Makes what is desired, in its order, and leaves out what is refused. Where that is something new of a workload, its configuration, the way to its
   * pods or who may go it, the workload itself stays as it is: its next pods would need it. Resolves with whether all of it was so already, and in
   * the caches. @throws as `Children` does, but for what is the matter with one child
   */
  async make(desired: readonly Manifest[], { children, signal, refused }: Making): Promise<boolean> {
    let isUnchanged = true;
    const waiting = new Set<string | undefined>();
    for (const manifest of desired) {
      signal.throwIfAborted();
      const { kind, metadata } = manifest;
      const before = this.live(kind, metadata.name);
      const workload = metadata.labels?.[WORKLOAD];
      const outcome =
        isWorkload(manifest) && workload !== undefined && waiting.has(workload)
          ? undefined
          : await children.apply(childKind(kind), this.#owner, manifest).catch(collect(refused));
      if (outcome === undefined && before === undefined) waiting.add(workload);
      if (outcome === 'changed' && before !== undefined) this.#onChanged(manifest, before);
      // What the cache has never had goes without a word.
      if (outcome !== 'unchanged' || before === undefined) isUnchanged = false;
    }
    return isUnchanged;
  }

  /**
   * Makes what is desired, then removes what is not and nobody needs. Where something was refused only Services go whose ports others are to have.
   * Resolves with whether there was nothing to do. @throws as `make` does
   */
  async keep(desired: readonly Manifest[], making: Making): Promise<boolean> {
    const { children, signal, refused } = making;
    const isUnchanged = await this.make(desired, making);
    const wantedPorts = new Set(desired.flatMap(nodePorts));
    const obsolete = this.#obsolete(desired).filter(
      (child) => refused.length === 0 || nodePorts(child).some((port) => wantedPorts.has(port)),
    );
    for (const child of obsolete) {
      signal.throwIfAborted();
      await children.remove(childKind(child.kind ?? ''), this.#owner, child);
    }
    return isUnchanged && obsolete.length === 0 && refused.length === 0;
  }

  /**
   * Ready and Progressing.
   * @param missing what else there is not yet, by name @param fleet its pods of all revisions, of which no ReplicaSet alone says how they are
   */
  readiness(
    desired: readonly ObjectName[],
    missing: readonly string[],
    fleet: LiveWorkload | undefined,
  ): readonly Finding[] {
    const workloads = desired.filter((each) => isWorkload(each) && each.kind !== 'ReplicaSet');
    const wanted = workloads.map(({ kind, metadata: { name } }) => ({
      name,
      live: this.live(kind, name) as LiveWorkload | undefined,
    }));
    const unmade = wanted.filter(({ live }) => live === undefined).map(({ name }) => name);
    const live = [...wanted.map((each) => each.live), fleet].filter((each) => each !== undefined);
    return readiness(live, [...unmade, ...missing]);
  }

  /** @param uid of the controller */
  #owned(kind: string, uid: string): readonly KubernetesObject[] {
    return this.#caches.get(kind)?.find(BY_CONTROLLER, uid) ?? [];
  }

  #obsolete(desired: readonly Manifest[]): readonly KubernetesObject[] {
    const { namespace, uid } = this.#owner.metadata;
    const owned = [...this.#caches.keys()].flatMap((kind) => this.#owned(kind, uid));
    // Not by their controller: a ReplicaSet of an older revision is its Deployment's.
    const workloads = () =>
      workloadKinds.flatMap((kind) => this.#caches.get(kind)?.find(BY_NAMESPACE, namespace) ?? []);
    return obsoleteChildren(owned, desired, () => configMapsInUse(workloads()));
  }
}

function nodePorts(object: { readonly kind?: string; readonly spec?: unknown }): readonly number[] {
  if (object.kind !== 'Service') return [];
  const { ports = [] } = (object.spec ?? {}) as { readonly ports?: readonly { readonly nodePort?: number }[] };
  return ports.flatMap(({ nodePort }) => nodePort ?? []);
}
