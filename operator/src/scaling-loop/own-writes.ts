// The versions that were written here. A cache that has not come to them yet shows what was before, and nothing is decided from it.
import type { ObjectCache } from '../kubernetes/object-cache.ts';
import { type KubernetesObject, keyOf } from '../kubernetes/resource.ts';

type Cache = Pick<ObjectCache<KubernetesObject>, 'get'>;

export class OwnWrites {
  /** By uid; each goes when it is seen. */
  readonly #written = new Map<string, { readonly cache: Cache; readonly key: string; readonly version: bigint }>();

  /** @param written as the API server answered @param cache that will show it */
  note(cache: Cache, { metadata }: KubernetesObject): void {
    const { uid = '', resourceVersion = '0' } = metadata;
    this.#written.set(uid, { cache, key: keyOf(metadata), version: BigInt(resourceVersion) });
  }

  /** Whether all of it is in the caches, or gone again. */
  areSeen(): boolean {
    for (const [uid, { cache, key, version }] of this.#written) {
      const cached = cache.get(key)?.metadata;
      // The API server's versions are numbers that grow.
      if (cached?.uid === uid && BigInt(cached.resourceVersion ?? '0') < version) return false;
      this.#written.delete(uid);
    }
    return true;
  }
}
