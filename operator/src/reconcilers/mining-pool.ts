// What a MiningPool becomes: the objects that src/desired says, made, kept and taken away.
import type { MiningPool } from '../api/v1alpha1.ts';
import type { Children } from '../apply/children.ts';
import type { DataVolumes } from '../apply/data-volumes.ts';
import type { ChildError } from '../apply/errors.ts';
import { collect, degraded, REFUSED_RETRY_MS, readyUnless } from '../control/child-faults.ts';
import type { CustomResource, Outcome, Reconciler } from '../control/reconciler.ts';
import { ownedGateways } from '../desired/gateways.ts';
import type { Manifest } from '../desired/manifest.ts';
import { natsServers } from '../desired/nats-servers.ts';
import type { NetworkContext } from '../desired/network-policy.ts';
import { PAYOUT } from '../desired/payout-fingerprint.ts';
import type { EventRecorder } from '../events/event-recorder.ts';
import type { FleetKeys } from '../keys/fleet-keys.ts';
import { AUTHORITY_PUBLIC_KEY, annotationOf } from '../keys/key-owner.ts';
import type { KubernetesObject } from '../kubernetes/resource.ts';
import type { Scaling } from '../scaling-loop/scaling.ts';
import type { ChainLooks } from './chain-looks.ts';
import { endpoints } from './endpoints.ts';
import { type ChildCaches, type Making, OwnObjects } from './own-objects.ts';
import type { PodMonitors } from './pod-monitors.ts';
import { busReady, type PoolWorkloads, templatesFresh } from './pool-conditions.ts';
import { type DefaultImages, type PoolManifests, poolManifests } from './pool-manifests.ts';
import { growVolumes, pendingVolumes } from './pool-volumes.ts';
import { workloadKinds } from './readiness.ts';
import { SettledPools } from './settled-pools.ts';
import type { UnwatchedChildren } from './unwatched-children.ts';

/** A Secret that is somebody else's is looked at again after this. */
const FAULT_RETRY_MS = 30_000;

export interface MiningPoolOptions {
  /** What the operator was installed with. */
  readonly images: DefaultImages;
  readonly network: NetworkContext;
  readonly keys: FleetKeys;
  readonly caches: ChildCaches;
  readonly unwatched: UnwatchedChildren;
  readonly monitors: PodMonitors;
  readonly volumes: DataVolumes;
  readonly events: EventRecorder;
  readonly chains: ChainLooks;
  readonly scaling: Pick<Scaling, 'gateways' | 'validators'>;
}

export class MiningPoolReconciler implements Reconciler {
  readonly #options: MiningPoolOptions;
  readonly #settled = new SettledPools();

  constructor(options: MiningPoolOptions) {
    this.#options = options;
  }

  async reconcile(resource: CustomResource, children: Children, signal: AbortSignal): Promise<Outcome> {
    const pool = resource as unknown as MiningPool;
    const { images, network, keys, caches, unwatched, scaling, volumes, monitors, chains } = this.#options;
    const { name } = pool.metadata;
    const fleet = ownedGateways(pool);
    const faults: ChildError[] = [];
    const settled = await keys.settle(pool, fleet, pool.spec.noise, children).catch(collect(faults));
    // Where the gateways' Secret is somebody else's they go on under the key that miners know.
    const authorityPublicKey = settled ? settled.authorityPublicKey : annotationOf(pool, AUTHORITY_PUBLIC_KEY);
    const objects = new OwnObjects(pool, caches, (manifest, before) => this.#tellPayout(pool, manifest, before));
    const looked = await unwatched.ensure(pool, children, (each) => objects.live('StatefulSet', each));
    const basis = { secrets: looked.secrets, authorityPublicKey, objects: objects.all() };
    const manifests = this.#settled.get(pool, basis) ?? poolManifests(pool, { images, network, ...basis });
    const { workloads, gateways } = manifests;
    // Before the ReplicaSet is made: one of another revision than is followed would be removed while it has no pods.
    const scaled = gateways && scaling.gateways.follow(fleet, gateways);
    scaling.validators.follow(pool);
    const refused: ChildError[] = [];
    if (manifests.all !== undefined && (await this.#make(pool, manifests, objects, { children, signal, refused })))
      this.#settled.set(pool, basis, manifests);
    const monitorFaults = await monitors.keep(pool, children);
    const missing = [...looked.secrets.unmade, ...(gateways === undefined ? [`${name}-gw`] : [])];
    const storage = await pendingVolumes(workloads, { volumes, caches });
    const seen: PoolWorkloads = {
      live: (infix) => workloadKinds.flatMap((kind) => objects.live(kind, `${name}-${infix}`) ?? [])[0],
      pendingStorage: (infix) => storage.reasons.get(`${name}-${infix}`),
    };
    const chain = chains.of(pool, signal);
    const waits = [settled?.requeueAfterMs ?? FAULT_RETRY_MS, looked.requeueAfterMs, storage.requeueAfterMs];
    if (refused.length > 0) waits.push(REFUSED_RETRY_MS);
    return {
      findings: [
        ...readyUnless(refused, objects.readiness(workloads, missing, scaled?.workload)),
        ...degraded([...refused, ...faults, ...looked.faults, ...monitorFaults]),
        ...(scaled?.findings ?? []),
        ...(settled === undefined ? [] : [settled.finding]),
        ...[busReady(pool, seen), templatesFresh(pool, seen)],
      ],
      requeueAfterMs: Math.min(...waits.filter((ms) => ms !== undefined)),
      status: {
        ...(authorityPublicKey === undefined ? {} : { authorityPublicKey }),
        ...(chain === undefined ? {} : { chain }),
        ...(scaled === undefined ? {} : { gateways: scaled.status }),
        endpoints: endpoints(fleet, (each) => objects.live('Service', each), authorityPublicKey),
      },
    };
  }

  async finalize(resource: CustomResource): Promise<undefined> {
    const pool = resource as unknown as MiningPool;
    const { keys, volumes, images } = this.#options;
    await keys.finalize(pool, pool.spec.noise);
    const servers = natsServers(pool, images.nats, '')?.statefulSet;
    if (servers !== undefined && pool.spec.bus.streamDeletionPolicy === 'Delete') await volumes.remove(servers);
  }

  forget(uid: string): void {
    const { unwatched, monitors, chains } = this.#options;
    for (const kept of [unwatched, monitors, chains]) kept.forget(uid);
  }

  /** Resolves with whether there was nothing to do. */
  async #make(
    pool: MiningPool,
    { all, gateways }: PoolManifests,
    objects: OwnObjects,
    making: Making,
  ): Promise<boolean> {
    const { volumes, caches } = this.#options;
    const { grow, stuck } = await growVolumes(pool, all, { volumes, caches }, making);
    if (grow) return false;
    const makeable = all.filter(({ kind, metadata }) => kind !== 'StatefulSet' || !stuck.has(metadata.name));
    if (gateways !== undefined) return objects.keep(makeable, making);
    // While nothing can be said of gateways, those that there were stay with their Service, whose address stands in every miner.
    await objects.make(makeable, making);
    return false;
  }

  #tellPayout(pool: MiningPool, manifest: Manifest, live: KubernetesObject): void {
    const [before, now] = [live, manifest].map(({ metadata }) => metadata.annotations?.[PAYOUT]);
    if (before === undefined || now === undefined || before === now) return;
    const note = `blocks pay the outputs with fingerprint ${now}, no more those with ${before}`;
    this.#options.events.record(pool, { type: 'Warning', reason: 'PayoutChanged', action: 'Changed', note });
  }
}
