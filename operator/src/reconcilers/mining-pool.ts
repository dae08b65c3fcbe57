// What a MiningPool becomes: the objects that src/desired says, made, kept and taken away.
import type { MiningPool } from '../api/v1alpha1.ts';
import { BY_CONTROLLER, childKind } from '../apply/child-kinds.ts';
import type { Children } from '../apply/children.ts';
import type { CustomResource, Outcome, Reconciler } from '../control/reconciler.ts';
import { REVISION } from '../desired/fleet.ts';
import type { DefaultImage } from '../desired/image-reference.ts';
import type { Manifest } from '../desired/manifest.ts';
import type { ObjectCache } from '../kubernetes/object-cache.ts';
import type { KubernetesObject } from '../kubernetes/resource.ts';
import type { Finding } from '../status/conditions.ts';
import { configMapsInUse, obsoleteChildren } from './obsolete.ts';
import { type PoolManifests, poolManifests } from './pool-manifests.ts';
import { isWorkload, type LiveWorkload, readiness, workloadKinds } from './readiness.ts';

/** The key by which miners know the pool, in base58check. It outlives every status. */
const AUTHORITY_PUBLIC_KEY = 'mining.sluice.dev/authority-public-key';

export interface MiningPoolOptions {
  /** What the operator was installed with. */
  readonly image: DefaultImage;
  /** Of the kinds of children, by kind. */
  readonly caches: ReadonlyMap<string, ObjectCache<KubernetesObject>>;
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
    for (const manifest of manifests.all) {
      signal.throwIfAborted();
      await children.apply(childKind(manifest.kind), pool, manifest);
    }
    for (const child of this.#obsolete(pool, manifests.all)) {
      signal.throwIfAborted();
      await children.remove(childKind(child.kind ?? ''), pool, child);
    }
    const { gateways } = manifests;
    return {
      findings: [...this.#readiness(pool, manifests), keysFinding(authorityPublicKey)],
      status: {
        ...(authorityPublicKey === undefined ? {} : { authorityPublicKey }),
        ...(gateways === undefined ? {} : { gateways: this.#gatewaysStatus(pool, gateways) }),
      },
    };
  }

  #obsolete({ metadata }: MiningPool, manifests: readonly Manifest[]): readonly KubernetesObject[] {
    const { caches } = this.#options;
    const owned = [...caches.values()].flatMap((cache) => cache.find(BY_CONTROLLER, metadata.uid));
    const pods = workloadKinds.flatMap((kind) => [...(caches.get(kind)?.values() ?? [])]);
    const inUse = configMapsInUse(pods.filter((each) => each.metadata.namespace === metadata.namespace));
    return obsoleteChildren(owned, manifests, inUse);
  }

  #readiness({ metadata }: MiningPool, { all, gateways }: PoolManifests): readonly Finding[] {
    const wanted = all.filter(isWorkload).map(({ kind, metadata: { name } }) => ({
      name,
      live: this.#options.caches.get(kind)?.get(`${metadata.namespace}/${name}`) as LiveWorkload | undefined,
    }));
    const missing = wanted.filter(({ live }) => live === undefined).map(({ name }) => name);
    const live = wanted.flatMap((each) => each.live ?? []);
    return readiness(live, gateways === undefined ? [...missing, `${metadata.name}-gw`] : missing);
  }

  #gatewaysStatus({ metadata, spec }: MiningPool, newest: Manifest): object {
    const { matchLabels } = (newest.spec as { selector: { matchLabels: Readonly<Record<string, string>> } }).selector;
    const { [REVISION]: revision = '', ...fleet } = matchLabels;
    const cache = this.#options.caches.get('ReplicaSet');
    const revisions = (cache?.find(BY_CONTROLLER, metadata.uid) ?? []) as readonly LiveWorkload[];
    const sum = (of: (workload: LiveWorkload) => number | undefined) =>
      revisions.reduce((total, each) => total + (of(each) ?? 0), 0);
    return {
      replicas: sum(({ status }) => status?.replicas),
      ready: sum(({ status }) => status?.readyReplicas),
      updated: sum((each) => (each.metadata.name === newest.metadata.name ? each.status?.replicas : 0)),
      desired: spec.gateways.replicas,
      revision,
      selector: Object.entries(fleet)
        .map(([name, value]) => `${name}=${value}`)
        .join(','),
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
