// The scaling of a fleet by leaders of whom each dies after its first write or order, on a real control plane: whoever comes next has seen nothing of it but
// what the cluster holds. kwok says of pods that they run; what they answer over HTTP, and their miners, are the test's.
import { systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { randomFraction } from '@sluice/runtime/random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { customKindOf } from '../../operator/src/api/custom-kinds.ts';
import type { ProxyFleet } from '../../operator/src/api/v1alpha1.ts';
import { BY_CONTROLLER, CHILD_SELECTOR, childKind } from '../../operator/src/apply/child-kinds.ts';
import { Children } from '../../operator/src/apply/children.ts';
import { type Term, Writer } from '../../operator/src/apply/writer.ts';
import { controllerMetrics, queueMetrics } from '../../operator/src/control/metrics.ts';
import type { CustomResource } from '../../operator/src/control/reconciler.ts';
import { ownedProxies, proxies } from '../../operator/src/desired/proxies.ts';
import { EventRecorder } from '../../operator/src/events/event-recorder.ts';
import { KubernetesClient } from '../../operator/src/kubernetes/client.ts';
import { kubeconfigAccess } from '../../operator/src/kubernetes/cluster-access.ts';
import { Informer } from '../../operator/src/kubernetes/informer.ts';
import { informerMetrics } from '../../operator/src/kubernetes/metrics.ts';
import { ObjectCache } from '../../operator/src/kubernetes/object-cache.ts';
import type { KubernetesObject } from '../../operator/src/kubernetes/resource.ts';
import { FleetScaling } from '../../operator/src/scaling-loop/fleet-scaling.ts';
import { scalingMetrics } from '../../operator/src/scaling-loop/metrics.ts';
import { PodOrders } from '../../operator/src/scaling-loop/pod-orders.ts';
import { PodRequests } from '../../operator/src/scaling-loop/pod-requests.ts';
import {
  ASKED_PODS,
  BY_WORKLOAD,
  keptPod,
  type Pod,
  podKind,
  workloadsOf,
} from '../../operator/src/scaling-loop/pods.ts';
import { ScaledObjects } from '../../operator/src/scaling-loop/scaled-objects.ts';
import { Scraper } from '../../operator/src/scaling-loop/scraper.ts';
import { exampleProxyFleet } from '../../operator/test/defaulted.ts';
import { controlPlanePrograms, whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { applyCustomResourceDefinitions, pathOf } from '../support/kubernetes/custom-resources.ts';
import { type FakeFleet, FakeMiners } from '../support/kubernetes/fake-miners.ts';
import { Kwok } from '../support/kubernetes/kwok.ts';
import { isSettled } from '../support/kubernetes/scaled-cluster.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes([...controlPlanePrograms, 'kwok']);
const namespace = 'default';
const name = 'farm';

describe.skipIf(missing !== undefined)(`leaders that die${missing === undefined ? '' : ` (${missing})`}`, () => {
  const registry = new MetricsRegistry();
  const metrics = createMetrics(registry, scalingMetrics);
  const controller = {
    ...{ clock: systemClock, log: silentLogger(), random: randomFraction },
    metrics: createMetrics(registry, controllerMetrics),
    queueMetrics: createMetrics(registry, queueMetrics),
  };
  const owners = new ObjectCache<CustomResource>();
  const replicaSets = new ObjectCache<KubernetesObject>({
    [BY_CONTROLLER]: ({ metadata }) => metadata.ownerReferences?.map(({ uid }) => uid) ?? [],
  });
  const pods = new ObjectCache<Pod>({ [BY_WORKLOAD]: workloadsOf });
  const path = pathOf({ kind: 'ProxyFleet', metadata: { name, namespace } });
  let plane: ControlPlane;
  let kwok: Kwok;
  let miners: FakeMiners;
  let fleet: FakeFleet;
  let client: KubernetesClient;
  let informers: readonly Informer<never>[] = [];
  let requests: PodRequests;
  let deaths = 0;

  const childrenOf = (writer: Writer) =>
    new Children({
      ...{ writer, log: silentLogger(), onForeignFields: () => undefined },
      caches: new Map([['ReplicaSet', replicaSets]]),
    });
  /** Leads until it has written once, or given one order, and is about to do it again. */
  const lead = async (owner: ProxyFleet, signal: AbortSignal) => {
    const death = new AbortController();
    let left = 1;
    const term: Term = {
      signal: AbortSignal.any([death.signal, signal]),
      isHeld() {
        left -= 1;
        if (left < 0) death.abort();
        return left >= 0;
      },
    };
    const writer = new Writer(client, term);
    const immortal = new Writer(client, { signal, isHeld: () => true });
    const shared = { clock: systemClock, log: silentLogger(), metrics, requests, writer };
    const modules = {
      ...{ ...shared, controller, onFound: () => undefined },
      // What it makes once, and what it tells, is not what is tried here.
      children: childrenOf(immortal),
      events: new EventRecorder({ ...shared, writer: immortal, identity: 'test' }),
      scraper: new Scraper(shared),
      orders: new PodOrders(shared),
      objects: new ScaledObjects({
        ...{ resource: customKindOf({ kind: 'ProxyFleet' }), writer, owners, replicaSets, pods },
      }),
    };
    const scaling = new FleetScaling({ name: 'proxy-scaling', infix: 'px', workers: 1, scrapeMs: 1_000 }, modules);
    const made = proxies(owner, context, 0);
    scaling.start();
    if (made !== undefined) scaling.follow(ownedProxies(owner), made.replicaSet);
    if (!term.signal.aborted)
      await new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }));
    await scaling.stop();
    deaths += 1;
  };
  const context = {
    image: { repository: 'registry.example/sluice', tag: '1', digest: '' },
    authorityPublicKey: undefined,
    resolvePool: () => undefined,
  };
  /** The fleet as the API server has it, with so many pods of such an image, and its newest ReplicaSet made. */
  const prepare = async (replicas: number, tag: string): Promise<ProxyFleet> => {
    const live: ProxyFleet = (await plane.client().get(path)).body;
    const { spec } = live;
    const owner: ProxyFleet = {
      ...{ ...live, apiVersion: 'mining.sluice.dev/v1alpha1', kind: 'ProxyFleet' },
      spec: { ...spec, image: { ...spec.image, tag }, proxies: { ...spec.proxies, replicas } },
    };
    const made = proxies(owner, context, 0);
    const children = childrenOf(new Writer(client, { signal: new AbortController().signal, isHeld: () => true }));
    if (made !== undefined) await children.apply(childKind('ReplicaSet'), owner, made.replicaSet);
    await waitFor(() => replicaSets.get(`${namespace}/${made?.replicaSet.metadata.name}`) !== undefined);
    return owner;
  };
  /** One leader after the other, until the fleet is what it is to be. */
  const until = async (owner: ProxyFleet, condition: () => boolean) => {
    const stopping = new AbortController();
    const leading = (async () => {
      while (!stopping.signal.aborted) await lead(owner, stopping.signal);
    })();
    try {
      await waitFor(condition, 150_000);
    } finally {
      stopping.abort();
      await leading;
    }
  };
  beforeAll(async () => {
    plane = await ControlPlane.start();
    kwok = await Kwok.start(plane, 2);
    await applyCustomResourceDefinitions(plane);
    const { apiVersion, kind, spec } = exampleProxyFleet('farm');
    const upstreams = [{ name: 'first', url: 'stratum+tcp://pool.example:3333', identity: 'account' }];
    const { autoscaling, rollout, rebalance } = spec.proxies;
    const answer = await plane.client().apply(path, {
      ...{ apiVersion, kind, metadata: { name, namespace } },
      spec: {
        ...{ ...spec, upstreams },
        proxies: {
          ...spec.proxies,
          autoscaling: { ...autoscaling, enabled: false },
          rollout: { ...rollout, minReadySeconds: 1 },
          rebalance: { ...rebalance, enabled: false },
        },
      },
    });
    expect([answer.status, answer.body.message]).toEqual([201, undefined]);
    client = new KubernetesClient(kubeconfigAccess(plane.kubeconfig), { metrics: registry });
    const modules = {
      ...{ client, clock: systemClock, random: randomFraction, log: silentLogger() },
      metrics: createMetrics(registry, informerMetrics),
    };
    informers = [
      new Informer<CustomResource>(
        { resource: customKindOf({ kind: 'ProxyFleet' }), namespace, keep: (object) => object },
        { ...modules, cache: owners },
      ),
      new Informer(
        { resource: childKind('ReplicaSet'), namespace, labelSelector: CHILD_SELECTOR, keep: (object) => object },
        { ...modules, cache: replicaSets },
      ),
      new Informer<Pod>(
        { resource: podKind, namespace, labelSelector: ASKED_PODS, keep: keptPod },
        { ...modules, cache: pods },
      ),
    ] as unknown as readonly Informer<never>[];
    for (const informer of informers) informer.start();
    await Promise.all(informers.map((informer) => informer.synced()));
    miners = await FakeMiners.start(plane, namespace);
    fleet = miners.fleet(`${name}-px`);
    requests = new PodRequests(miners.podUrl);
  });
  afterAll(async () => {
    await Promise.all(informers.map((informer) => informer.stop()));
    client.close();
    await miners.stop();
    await kwok.stop();
    await plane.stop();
  });

  it('end with as many pods as there are to be, no pod gone that held a miner, and each miner moved once', async () => {
    await until(await prepare(5, '1'), () => isSettled(fleet, 5));
    fleet.join(150);
    await waitFor(() => fleet.connected === 150);
    await until(await prepare(2, '1'), () => isSettled(fleet, 2));
    expect([fleet.wrongs, fleet.mostMoves]).toEqual([[], 1]);
    expect(deaths).toBeGreaterThan(15);
  }, 200_000);

  it('end an exchange of all pods the same way', async () => {
    const [before] = fleet.pods.map(({ revision }) => revision);
    const moves = fleet.miners.map((miner) => miner.moves);
    const owner = await prepare(2, '2');
    await until(owner, () => isSettled(fleet, 2) && fleet.pods.every(({ revision }) => revision !== before));
    expect(fleet.wrongs).toEqual([]);
    expect(fleet.miners.map((miner, at) => miner.moves - (moves[at] ?? 0))).toEqual(Array(150).fill(1));
    expect(fleet.most).toBe(5);
  }, 200_000);
});
