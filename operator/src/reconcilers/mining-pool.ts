// What a MiningPool becomes: the objects that src/desired says, made, kept and taken away.
import type { MiningPool } from '../api/v1alpha1.ts';
import type { Children } from '../apply/children.ts';
import type { CustomResource, Outcome, Reconciler } from '../control/reconciler.ts';
import type { DefaultImage } from '../desired/image-reference.ts';
import type { Finding } from '../status/conditions.ts';
import { type ChildCaches, OwnObjects } from './own-objects.ts';
import { poolManifests } from './pool-manifests.ts';

/** The key by which miners know the pool, in base58check. It outlives every status. */
const AUTHORITY_PUBLIC_KEY = 'mining.sluice.dev/authority-public-key';

export interface MiningPoolOptions {
  /** What the operator was installed with. */
  readonly image: DefaultImage;
  readonly caches: ChildCaches;
}

export class MiningPoolReconciler implements Reconciler {
  readonly #options: MiningPoolOptions;

  constructor(options: MiningPoolOptions) {
    this.#options = options;
  }

  async reconcile(resource: CustomResource, children: Children, signal: AbortSignal): Promise<Outcome> {
    const pool = resource as unknown as MiningPool;
    const authorityPublicKey = pool.metadata.annotations?.[AUTHORITY_PUBLIC_KEY];
    const manifests = poolManifests(pool, this.#options.image, authorityPublicKey);
    const objects = new OwnObjects(pool, this.#options.caches);
    await objects.keep(manifests.all, children, signal);
    const { gateways } = manifests;
    const missing = gateways === undefined ? [`${pool.metadata.name}-gw`] : [];
    return {
      findings: [...objects.readiness(manifests.all, missing), keysFinding(authorityPublicKey)],
      status: {
        ...(authorityPublicKey === undefined ? {} : { authorityPublicKey }),
        ...(gateways === undefined ? {} : { gateways: objects.fleetStatus(gateways, pool.spec.gateways.replicas) }),
      },
    };
  }
}

const keysFinding = (authorityPublicKey: string | undefined): Finding =>
  authorityPublicKey === undefined
    ? {
        ...{ type: 'KeysValid', status: 'False', reason: 'AuthorityKeyMissing' },
        message: `Gateways are made when the annotation ${AUTHORITY_PUBLIC_KEY} says by which key miners know the pool.`,
      }
    : { type: 'KeysValid', status: 'True', reason: 'AuthorityKeyKnown', message: '' };
