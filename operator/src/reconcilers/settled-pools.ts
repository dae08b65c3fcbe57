// Pools whose objects were all found as they should be. What those are to be follows from the pool, from what is known of its Secrets and from nothing
// else: while none of that is another one, and none of the objects, nothing has to be made of the pool only to be compared.
import type { MiningPool } from '../api/v1alpha1.ts';
import type { Manifest } from '../desired/manifest.ts';
import type { KubernetesObject } from '../kubernetes/resource.ts';
import type { ObjectName } from './own-objects.ts';
import type { PoolManifests, SecretUids } from './pool-manifests.ts';

/** Beside the pool all that it is found settled by, each as it was found: what is only equal may be another one. */
interface PoolBasis {
  readonly secrets: SecretUids;
  readonly authorityPublicKey: string | undefined;
  /** As the caches had them before any was compared. */
  readonly objects: readonly KubernetesObject[];
}

/** What is asked of manifests that need not be applied. */
interface SettledPool {
  /** Not kept: there are many of them, and large ones. */
  readonly all?: undefined;
  readonly workloads: readonly ObjectName[];
  readonly gateways: Pick<Manifest, 'metadata'> | undefined;
}

/** Of one term. */
export class SettledPools {
  /** By the version of the pool that the cache has, and for as long. */
  readonly #found = new WeakMap<MiningPool, { readonly basis: PoolBasis; readonly settled: SettledPool }>();

  /** undefined: it was not found settled, or something is another one since. */
  get(pool: MiningPool, basis: PoolBasis): SettledPool | undefined {
    const found = this.#found.get(pool);
    return found !== undefined && isSame(found.basis, basis) ? found.settled : undefined;
  }

  /** All was as it should be, and nothing written. */
  set(
    pool: MiningPool,
    basis: PoolBasis,
    { workloads, gateways }: Pick<PoolManifests, 'workloads' | 'gateways'>,
  ): void {
    const settled = {
      workloads: workloads.map(({ kind, metadata: { name, namespace } }) => ({ kind, metadata: { name, namespace } })),
      gateways: gateways && { metadata: gateways.metadata },
    };
    this.#found.set(pool, { basis, settled });
  }
}

const isSame = (before: PoolBasis, now: PoolBasis): boolean =>
  before.secrets === now.secrets &&
  before.authorityPublicKey === now.authorityPublicKey &&
  before.objects.length === now.objects.length &&
  before.objects.every((object, index) => object === now.objects[index]);
