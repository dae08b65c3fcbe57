// The operator as a whole: caches that every instance keeps, and a term of leading in which resources are reconciled.
import type { EcBackend } from '@sluice/noise/ec';
import type { Clock } from '@sluice/runtime/clock';
import type { Health } from '@sluice/runtime/health';
import type { Logger } from '@sluice/runtime/logger';
import { createMetrics, type MetricsOf, type MetricsRegistry } from '@sluice/runtime/metrics';
import { randomBytes, randomFraction } from '@sluice/runtime/random';
import { customKinds } from './api/custom-kinds.ts';
import type { MiningPool } from './api/v1alpha1.ts';
import { CHILD_SELECTOR, childIndexes, childKinds } from './apply/child-kinds.ts';
import { Children, FIELD_MANAGER } from './apply/children.ts';
import { DataVolumes } from './apply/data-volumes.ts';
import { foreignManagers } from './apply/foreign-fields.ts';
import { type Term, Writer } from './apply/writer.ts';
import { NatsUsers } from './bus/nats-users.ts';
import { requestReload } from './bus/request-reload.ts';
import { Controller, type ControllerModules } from './control/controller.ts';
import { Lifecycle } from './control/lifecycle.ts';
import { controllerMetrics, queueMetrics } from './control/metrics.ts';
import type { CustomResource, Reconciler } from './control/reconciler.ts';
import { EventRecorder } from './events/event-recorder.ts';
import { FleetKeys } from './keys/fleet-keys.ts';
import { KnownKeys } from './keys/known-keys.ts';
import { followKeys, keyMetrics } from './keys/metrics.ts';
import type { KubernetesClient } from './kubernetes/client.ts';
import { Informer } from './kubernetes/informer.ts';
import { keptParts } from './kubernetes/kept-parts.ts';
import { informerMetrics } from './kubernetes/metrics.ts';
import { type Change, ObjectCache } from './kubernetes/object-cache.ts';
import { type KubernetesObject, keyOf } from './kubernetes/resource.ts';
import { LeaderElection } from './leader/leader-election.ts';
import type { LeasePlace } from './leader/lease.ts';
import { leaderMetrics } from './leader/metrics.ts';
import { ChainLooks } from './reconcilers/chain-looks.ts';
import { addressNow, poolKeys } from './reconcilers/known-pools.ts';
import { MiningPoolReconciler } from './reconcilers/mining-pool.ts';
import { PodMonitors } from './reconcilers/pod-monitors.ts';
import type { DefaultImages } from './reconcilers/pool-manifests.ts';
import { ProxyFleetReconciler } from './reconcilers/proxy-fleet.ts';
import { ProxySecrets } from './reconcilers/proxy-secrets.ts';
import { UnwatchedChildren } from './reconcilers/unwatched-children.ts';
import { UpstreamLooks } from './reconcilers/upstream-looks.ts';
import { scalingMetrics } from './scaling-loop/metrics.ts';
import { PodRequests } from './scaling-loop/pod-requests.ts';
import { ASKED_PODS, BY_WORKLOAD, keptPod, type Pod, podKind, workloadsOf } from './scaling-loop/pods.ts';
import { Scaling } from './scaling-loop/scaling.ts';
import { Scraper } from './scaling-loop/scraper.ts';
import { followConditions, statusMetrics } from './status/metrics.ts';
import { StatusWriter } from './status/status-writer.ts';

/** Everything is looked at again, should a change ever have been missed. */
const RESYNC_MS = 10 * 60_000;

/** The index of fleets by the pools that their upstreams name. */
const BY_POOL = 'pool';

export interface OperatorOptions {
  readonly images: DefaultImages;
  /** Empty: all. */
  readonly watchNamespaces: readonly string[];
  /** Where metrics are collected from. */
  readonly monitoringNamespace: string;
  readonly workers: number;
  /** Where pods are asked and told: a URL with `{ip}`, or with `{namespace}` and `{name}`. */
  readonly podUrl: string;
  /** Between two questions to a pod. */
  readonly scrapeMs: number;
  /** Of this process, and of no other one ever. */
  readonly identity: string;
  readonly lease: LeasePlace;
}

export interface OperatorModules {
  readonly client: KubernetesClient;
  readonly ec: EcBackend;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly health: Health;
}

export class Operator {
  readonly #options: OperatorOptions;
  readonly #modules: OperatorModules;
  readonly #informers: readonly Informer<never>[];
  readonly #resources = new Map(
    customKinds.map(({ kind }) => [kind, new ObjectCache<CustomResource>({ [BY_POOL]: poolKeys })]),
  );
  readonly #children: ReadonlyMap<string, ObjectCache<KubernetesObject>>;
  readonly #pods = new ObjectCache<Pod>({ [BY_WORKLOAD]: workloadsOf });
  readonly #election: LeaderElection;
  readonly #controllerModules: ControllerModules;
  readonly #knownKeys = new KnownKeys();
  readonly #keyMetrics: MetricsOf<typeof keyMetrics>;
  readonly #scalingMetrics: MetricsOf<typeof scalingMetrics>;
  readonly #podRequests: PodRequests;
  /** By kind; empty while another one leads. */
  #controllers: ReadonlyMap<string, Controller> = new Map();
  #scaling: Scaling | undefined;

  constructor(options: OperatorOptions, modules: OperatorModules) {
    this.#options = options;
    this.#modules = modules;
    const { metrics, clock, log, health } = modules;
    this.#children = new Map(childKinds.map(({ kind }) => [kind, new ObjectCache(childIndexes)]));
    this.#informers = this.#createInformers();
    for (const [kind, cache] of this.#resources) {
      cache.onChange(({ object, previous }) => {
        if (object !== undefined) this.#controllers.get(kind)?.add(keyOf(object.metadata));
        if (previous !== undefined && object?.metadata.uid !== previous.metadata.uid)
          this.#knownKeys.forget(previous.metadata.uid);
      });
    }
    this.#resources.get('MiningPool')?.onChange((change) => this.#wakeFleets(change));
    for (const cache of this.#children.values()) {
      cache.onChange(({ object, previous }) => this.#wakeOwner(object ?? previous));
    }
    this.#pods.onChange(({ object, previous }) => this.#scaling?.noticed((object ?? previous) as Pod));
    this.#controllerModules = {
      ...{ clock, log, random: randomFraction, metrics: createMetrics(metrics, controllerMetrics) },
      queueMetrics: createMetrics(metrics, queueMetrics),
    };
    this.#scalingMetrics = createMetrics(metrics, scalingMetrics);
    this.#podRequests = new PodRequests(options.podUrl);
    this.#election = new LeaderElection(
      { ...options.lease, identity: options.identity },
      {
        ...{
          client: modules.client,
          clock,
          log,
          random: randomFraction,
          metrics: createMetrics(metrics, leaderMetrics),
        },
        lead: (term) => this.#lead(term),
      },
    );
    this.#keyMetrics = createMetrics(metrics, keyMetrics);
    followKeys(this.#keyMetrics, this.#knownKeys);
    followConditions(createMetrics(metrics, statusMetrics), this.#resources);
    health.check('caches', () => (this.#isSynced() ? undefined : 'not all kinds are listed yet'));
  }

  async start(): Promise<void> {
    for (const informer of this.#informers) informer.start();
    this.#election.start();
  }

  async stop(): Promise<void> {
    await this.#election.stop();
    await Promise.all(this.#informers.map((informer) => informer.stop()));
  }

  #isSynced(): boolean {
    return this.#informers.every((informer) => informer.isSynced);
  }

  #createInformers(): readonly Informer<never>[] {
    const { watchNamespaces } = this.#options;
    const { client, clock, log, metrics: registry } = this.#modules;
    const metrics = createMetrics(registry, informerMetrics);
    const modules = { client, clock, log, metrics, random: randomFraction };
    const namespaces = watchNamespaces.length === 0 ? [undefined] : watchNamespaces;
    const informers = namespaces.flatMap((namespace) => [
      ...customKinds.map((resource) => {
        const cache = this.#resources.get(resource.kind) as ObjectCache<CustomResource>;
        return new Informer<CustomResource>(
          { resource, namespace, keep: (object) => keptParts(object) },
          { ...modules, cache },
        );
      }),
      ...childKinds.map((resource) => {
        const cache = this.#children.get(resource.kind) as ObjectCache<KubernetesObject>;
        const keep = (object: KubernetesObject) => keptParts(object, foreignManagers(object, FIELD_MANAGER));
        return new Informer({ resource, namespace, labelSelector: CHILD_SELECTOR, keep }, { ...modules, cache });
      }),
      new Informer<Pod>(
        { resource: podKind, namespace, labelSelector: ASKED_PODS, keep: keptPod },
        { ...modules, cache: this.#pods },
      ),
    ]);
    return informers as unknown as readonly Informer<never>[];
  }

  #wakeOwner(child: KubernetesObject | undefined): void {
    const owner = child?.metadata.ownerReferences?.find(({ controller }) => controller === true);
    if (child === undefined || owner === undefined) return;
    this.#controllers.get(owner.kind)?.add(keyOf({ ...child.metadata, name: owner.name }));
  }

  /** Those that mine for a pool which has another address now. */
  #wakeFleets({ object, previous }: Change<CustomResource>): void {
    const { namespace, name } = ((object ?? previous) as CustomResource).metadata;
    const address = (pool: CustomResource | undefined) => pool && addressNow(pool as unknown as MiningPool);
    if (address(object) === address(previous) && object !== undefined && previous !== undefined) return;
    for (const fleet of this.#resources.get('ProxyFleet')?.find(BY_POOL, `${namespace}/${name}`) ?? [])
      this.#controllers.get('ProxyFleet')?.add(keyOf(fleet.metadata));
  }

  #poolOf(key: string): MiningPool | undefined {
    return this.#resources.get('MiningPool')?.get(key) as unknown as MiningPool | undefined;
  }

  /** Until the term ends. */
  async #lead(term: Term): Promise<void> {
    const ended = new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }));
    if (term.signal.aborted) return;
    await Promise.race([ended, Promise.all(this.#informers.map((informer) => informer.synced()))]);
    if (term.signal.aborted) return;
    this.#controllers = this.#createControllers(term);
    const addAll = () => {
      for (const [kind, controller] of this.#controllers)
        for (const { metadata } of this.#resources.get(kind)?.values() ?? []) controller.add(keyOf(metadata));
    };
    this.#scaling?.start();
    for (const controller of this.#controllers.values()) controller.start();
    addAll();
    const resync = setInterval(addAll, RESYNC_MS);
    await ended;
    clearInterval(resync);
    const controllers = [...this.#controllers.values()];
    this.#controllers = new Map();
    await Promise.all([...controllers, this.#scaling].map((each) => each?.stop()));
    this.#scaling = undefined;
    this.#knownKeys.clear();
  }

  /** Everything that writes is made for one term alone. */
  #createControllers(term: Term): ReadonlyMap<string, Controller> {
    const { client, clock, log, ec } = this.#modules;
    const { images, identity, workers, lease, monitoringNamespace } = this.#options;
    const writer = new Writer(client, term);
    const events = new EventRecorder({ writer, clock, log, identity });
    const statusWriter = new StatusWriter({ writer, clock });
    const children = new Children({
      ...{ writer, log, caches: this.#children },
      onForeignFields: (child, fields) => {
        const managers = [...new Set(fields.map(({ manager }) => manager))].join(', ');
        const note = `what ${managers} had added to its pods was removed: ${fields.map(({ pointer }) => pointer).join(' ')}`;
        events.record(child, { type: 'Warning', reason: 'ForeignFieldsRemoved', action: 'Restored', note });
      },
    });
    const keys = new FleetKeys({
      ...{ writer, events, clock, ec, random: randomBytes, namespace: lease.namespace },
      ...{ known: this.#knownKeys, metrics: this.#keyMetrics },
    });
    const scaling = this.#createScaling(writer, children, events);
    this.#scaling = scaling;
    const network = { operatorNamespace: lease.namespace, monitoringNamespace };
    const reconcilers: Readonly<Record<string, Reconciler>> = {
      MiningPool: new MiningPoolReconciler({
        ...{ images, keys, events, scaling, caches: this.#children },
        network,
        monitors: new PodMonitors(clock),
        volumes: new DataVolumes({ writer, clock }),
        chains: new ChainLooks({
          scraper: new Scraper({ requests: this.#podRequests, clock, log, metrics: this.#scalingMetrics }),
          ...{ pods: this.#pods, clock },
          onNews: ({ metadata }) => this.#controllers.get('MiningPool')?.add(keyOf(metadata)),
        }),
        unwatched: new UnwatchedChildren({
          ...{ clock, random: randomBytes },
          natsUsers: new NatsUsers({ clock, random: randomBytes, requestReload, term }),
        }),
      }),
      ProxyFleet: new ProxyFleetReconciler({
        ...{ image: images.sluice, writer, keys, scaling: scaling.proxies, caches: this.#children },
        network,
        poolOf: (key) => this.#poolOf(key),
        monitors: new PodMonitors(clock),
        looks: new UpstreamLooks({ requests: this.#podRequests, pods: this.#pods, clock }),
        secrets: new ProxySecrets({ writer, clock }),
      }),
    };
    return new Map(
      customKinds.map((resource) => {
        const { kind } = resource;
        const cache = this.#resources.get(kind) as ObjectCache<CustomResource>;
        const reconciler = reconcilers[kind] as Reconciler;
        const modules = { resource, cache, reconciler, children, writer, statusWriter, events, clock, log };
        const lifecycle = new Lifecycle(modules);
        const reconcile = (key: string, signal: AbortSignal) => lifecycle.reconcile(key, signal);
        return [kind, new Controller({ name: kind.toLowerCase(), workers, reconcile }, this.#controllerModules)];
      }),
    );
  }

  #createScaling(writer: Writer, children: Children, events: EventRecorder): Scaling {
    const { clock, log } = this.#modules;
    const { workers, scrapeMs } = this.#options;
    const [pools, fleets] = ['MiningPool', 'ProxyFleet'].map((kind) => this.#resources.get(kind));
    return new Scaling(
      { workers, scrapeMs },
      {
        ...{ writer, children, events, clock, log },
        ...{ requests: this.#podRequests, metrics: this.#scalingMetrics, controller: this.#controllerModules },
        pools: pools as ObjectCache<CustomResource>,
        fleets: fleets as ObjectCache<CustomResource>,
        replicaSets: this.#children.get('ReplicaSet') as ObjectCache<KubernetesObject>,
        pods: this.#pods,
        onFound: (kind, key) => this.#controllers.get(kind)?.add(key),
      },
    );
  }
}
