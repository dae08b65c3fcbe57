// What a MiningPool becomes: the objects that src/desired says, made, kept and taken away.
import type { MiningPool } from '../api/v1alpha1.ts';
import type { Children } from '../apply/children.ts';
import type { CustomResource, Outcome, Reconciler } from '../control/reconciler.ts';
import type { DefaultImage } from '../desired/image-reference.ts';
import type { FleetKeys } from '../keys/fleet-keys.ts';
import { type ChildCaches, OwnObjects } from './own-objects.ts';
import { poolManifests } from './pool-manifests.ts';

export interface MiningPoolOptions {
  /** What the operator was installed with. */
  readonly image: DefaultImage;
  readonly keys: FleetKeys;
  readonly caches: ChildCaches;
}

export class MiningPoolReconciler implements Reconciler {
  readonly #options: MiningPoolOptions;

  constructor(options: MiningPoolOptions) {
    this.#options = options;
  }

  async reconcile(resource: CustomResource, children: Children, signal: AbortSignal): Promise<Outcome> {
    const pool = resource as unknown as MiningPool;
    const { image, keys, caches } = this.#options;
    const fleet = { owner: pool, infix: 'gw', component: 'connection-gateway' } as const;
    const { authorityPublicKey, finding, requeueAfterMs } = await keys.settle(pool, fleet, pool.spec.noise, children);
    const manifests = poolManifests(pool, image, authorityPublicKey);
    const objects = new OwnObjects(pool, caches);
    await objects.keep(manifests.all, children, signal);
    const { gateways } = manifests;
    const missing = gateways === undefined ? [`${pool.metadata.name}-gw`] : [];
    return {
      findings: [...objects.readiness(manifests.all, missing), finding],
      requeueAfterMs,
      status: {
        ...(authorityPublicKey === undefined ? {} : { authorityPublicKey }),
        ...(gateways === undefined ? {} : { gateways: objects.fleetStatus(gateways, pool.spec.gateways.replicas) }),
      },
    };
  }

  async finalize(resource: CustomResource): Promise<undefined> {
    const pool = resource as unknown as MiningPool;
    await this.#options.keys.finalize(pool, pool.spec.noise);
  }
}
