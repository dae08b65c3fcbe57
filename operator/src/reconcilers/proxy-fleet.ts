// What a ProxyFleet becomes: proxies, their Services and their configuration, which names the pools that they mine for.
import type { MiningPool, ProxyFleet } from '../api/v1alpha1.ts';
import type { Children } from '../apply/children.ts';
import type { ChildError } from '../apply/errors.ts';
import type { Writer } from '../apply/writer.ts';
import { annotate } from '../control/annotations.ts';
import { collect, degraded, readyUnless } from '../control/child-faults.ts';
import type { CustomResource, Outcome, Reconciler } from '../control/reconciler.ts';
import { type FleetManifests, listenAddresses } from '../desired/fleet-manifests.ts';
import type { DefaultImage } from '../desired/image-reference.ts';
import { fleetNetworkPolicy } from '../desired/network-policies.ts';
import type { NetworkContext } from '../desired/network-policy.ts';
import { ownedProxies, proxies } from '../desired/proxies.ts';
import type { FleetKeys, KeysOutcome } from '../keys/fleet-keys.ts';
import { AUTHORITY_PUBLIC_KEY, annotationOf } from '../keys/key-owner.ts';
import type { FleetScaling } from '../scaling-loop/fleet-scaling.ts';
import type { Finding } from '../status/conditions.ts';
import { endpoints } from './endpoints.ts';
import { type KnownPools, knownPools, POOL_ADDRESSES } from './known-pools.ts';
import { type ChildCaches, OwnObjects } from './own-objects.ts';
import type { PodMonitors } from './pod-monitors.ts';
import type { ProxySecrets } from './proxy-secrets.ts';
import type { UpstreamLooks } from './upstream-looks.ts';
import { upstreamStates } from './upstream-states.ts';

/** Proxies tell of their upstreams when they are asked. */
const LOOK_AGAIN_MS = 20_000;

export interface ProxyFleetOptions {
  /** What the operator was installed with. */
  readonly image: DefaultImage;
  readonly network: NetworkContext;
  readonly caches: ChildCaches;
  /** By `NAMESPACE/NAME`. */
  readonly poolOf: (key: string) => MiningPool | undefined;
  readonly writer: Writer;
  readonly keys: FleetKeys;
  readonly scaling: FleetScaling;
  readonly monitors: PodMonitors;
  readonly looks: UpstreamLooks;
  readonly secrets: ProxySecrets;
}

export class ProxyFleetReconciler implements Reconciler {
  readonly #options: ProxyFleetOptions;

  constructor(options: ProxyFleetOptions) {
    this.#options = options;
  }

  async reconcile(resource: CustomResource, children: Children, signal: AbortSignal): Promise<Outcome> {
    const fleet = resource as unknown as ProxyFleet;
    const { image, network, caches, scaling, monitors, looks, secrets } = this.#options;
    const { name } = fleet.metadata;
    const owned = ownedProxies(fleet);
    const pools = await this.#settlePools(fleet);
    const keyFaults: ChildError[] = [];
    const settled = await this.#settleKeys(fleet, children).catch(collect(keyFaults));
    // Where the Secret is somebody else's, or is refused, those that there are go on under the key that miners know.
    const authorityPublicKey = settled ? settled.authorityPublicKey : annotationOf(fleet, AUTHORITY_PUBLIC_KEY);

    const made = proxies(fleet, { image, authorityPublicKey, resolvePool: pools.addressOf }, 0);
    // Before the ReplicaSet is made: one of another revision than is followed would be removed while it has no pods.
    const scaled = made && scaling.follow(owned, made.replicaSet);
    const desired = made === undefined ? [] : [fleetNetworkPolicy(fleet, network), ...inOrder(made)];
    const objects = new OwnObjects(fleet, caches);
    // While nothing can be said of new proxies, those that there are stay with all that is theirs.
    const refused: ChildError[] = [];
    if (made !== undefined) await objects.keep(desired, { children, signal, refused });
    const monitorFaults = await monitors.keep(fleet, children);

    const faults = await secrets.missing(fleet);
    const { active, upstreams, finding } = upstreamStates(fleet, pools, await looks.of(fleet));
    return {
      findings: [
        ...readyUnless(refused, objects.readiness(desired, made === undefined ? [`${name}-px`] : [], scaled?.workload)),
        ...(scaled?.findings ?? []),
        ...[finding, ...(settled === undefined ? [] : [settled.finding])],
        ...degraded([...refused, ...keyFaults, ...monitorFaults]),
        ...(faults.length === 0 ? [] : [secretMissing(faults)]),
      ],
      status: {
        ...(authorityPublicKey === undefined ? {} : { authorityPublicKey }),
        ...(active === undefined ? {} : { activeUpstream: active }),
        ...(scaled === undefined ? {} : { proxies: scaled.status }),
        upstreams,
        endpoints: endpoints(owned, (each) => objects.live('Service', each), authorityPublicKey),
      },
      requeueAfterMs: Math.min(LOOK_AGAIN_MS, settled?.requeueAfterMs ?? LOOK_AGAIN_MS),
    };
  }

  async finalize(resource: CustomResource): Promise<undefined> {
    const fleet = resource as unknown as ProxyFleet;
    const { noise } = fleet.spec;
    if (noise !== undefined) await this.#options.keys.finalize(fleet, noise);
  }

  forget(uid: string): void {
    const { monitors, looks, secrets } = this.#options;
    for (const kept of [monitors, looks, secrets]) kept.forget(uid);
  }

  /** Noted before anything is made of it: whoever goes on after us must not find a pool gone and nothing known of it. */
  async #settlePools(fleet: ProxyFleet): Promise<KnownPools> {
    const { poolOf, writer } = this.#options;
    const { namespace, annotations = {} } = fleet.metadata;
    const pools = knownPools(fleet, (name) => poolOf(`${namespace}/${name}`));
    if (pools.annotation !== (annotations[POOL_ADDRESSES] ?? '{}'))
      await annotate(writer, fleet, { [POOL_ADDRESSES]: pools.annotation });
    return pools;
  }

  async #settleKeys(fleet: ProxyFleet, children: Children): Promise<KeysOutcome> {
    const { keys } = this.#options;
    const { noise } = fleet.spec;
    if (noise === undefined || listenAddresses(fleet.spec.proxies, 'SV2').length === 0) {
      keys.forget(fleet);
      return noKeys;
    }
    return keys.settle(fleet, ownedProxies(fleet), noise, children);
  }
}

/** What pods are started with stands before the ReplicaSet that starts them. */
const inOrder = ({ services, configMap, disruptionBudget, replicaSet }: FleetManifests) => [
  ...services,
  ...[configMap, disruptionBudget, replicaSet],
];

const secretMissing = (faults: readonly string[]): Finding => ({
  ...{ type: 'Degraded', status: 'True', reason: 'SecretMissing', message: faults.join('; ') },
});

/** Miners of Stratum V1 ask nobody who he is. */
const noKeys: KeysOutcome = {
  authorityPublicKey: undefined,
  finding: { type: 'KeysValid', status: 'True', reason: 'NoKeyNeeded', message: '' },
  requeueAfterMs: LOOK_AGAIN_MS,
};
