import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { afterEach, expect, it, vi } from 'vitest';
import { customKindOf } from '../../src/api/custom-kinds.ts';
import { childIndexes } from '../../src/apply/child-kinds.ts';
import { Children } from '../../src/apply/children.ts';
import { Writer } from '../../src/apply/writer.ts';
import { controllerMetrics, queueMetrics } from '../../src/control/metrics.ts';
import type { CustomResource } from '../../src/control/reconciler.ts';
import { ACCEPTING, REVISION } from '../../src/desired/fleet.ts';
import { ownedProxies, proxies } from '../../src/desired/proxies.ts';
import { EventRecorder } from '../../src/events/event-recorder.ts';
import type { ApiRequest, KubernetesClient } from '../../src/kubernetes/client.ts';
import { errorOfStatus } from '../../src/kubernetes/errors.ts';
import { ObjectCache } from '../../src/kubernetes/object-cache.ts';
import type { KubernetesObject } from '../../src/kubernetes/resource.ts';
import { closing, draining } from '../../src/scaling/pod-stage.ts';
import { FleetScaling } from '../../src/scaling-loop/fleet-scaling.ts';
import { scalingMetrics } from '../../src/scaling-loop/metrics.ts';
import { PodOrders } from '../../src/scaling-loop/pod-orders.ts';
import { PodRequests } from '../../src/scaling-loop/pod-requests.ts';
import { BY_WORKLOAD, type Pod, workloadsOf } from '../../src/scaling-loop/pods.ts';
import { ScaledObjects } from '../../src/scaling-loop/scaled-objects.ts';
import { Scraper } from '../../src/scaling-loop/scraper.ts';
import { exampleProxyFleet } from '../defaulted.ts';

const context = {
  image: { repository: 'registry.example/sluice', tag: '1', digest: '' },
  authorityPublicKey: undefined,
  resolvePool: () => undefined,
};

const example = exampleProxyFleet('farm');
const upstreams = [{ name: 'first', url: 'stratum+tcp://pool.example:3333', identity: 'account' }];
const fleet = { ...example, spec: { ...example.spec, upstreams } };
/** Of the same namespace, without pods. */
const other = { ...fleet, metadata: { ...fleet.metadata, name: 'other', uid: 'other' } };
const made = proxies(fleet, context, 0);
if (made === undefined) throw new Error('an example that makes no proxies');
const { replicaSet } = made;

let server: Server | undefined;
afterEach(() => {
  vi.useRealTimers();
  server?.closeAllConnections();
  server?.close();
});

/** The port of pods that take requests and answer none. @param onAsked called with each */
async function silentPods(onAsked: (request: string) => void): Promise<number> {
  server = createServer(({ method, url }) => onAsked(`${method} ${url?.split('?')[0]}`));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A pod that has just answered is not asked again in a test. */
const SCRAPE_MS = 3_600_000;
const DEADLINE = { timeout: 20_000 };

interface Given {
  /** The API server's answers. */
  readonly request: (asked: ApiRequest) => Promise<KubernetesObject>;
  readonly pods?: readonly Pod[];
  readonly podPort?: number;
}

/** The scaling of the fleet, by one worker, as it is told of a resource whose status is news. */
function scalingOf({ request, pods = [], podPort = 9100 }: Given) {
  const registry = new MetricsRegistry();
  const client = { request } as unknown as KubernetesClient;
  const writer = new Writer(client, { signal: new AbortController().signal, isHeld: () => true });
  const shared = { clock: systemClock, log: silentLogger(), metrics: createMetrics(registry, scalingMetrics), writer };
  const requests = new PodRequests(`http://{ip}:${podPort}`);
  const owners = new ObjectCache<CustomResource>();
  for (const each of [fleet, other]) owners.put(each as unknown as CustomResource);
  const podCache = new ObjectCache<Pod>({ [BY_WORKLOAD]: workloadsOf });
  for (const pod of pods) podCache.put(pod);
  const found = Promise.withResolvers<string>();
  const replicaSets = new ObjectCache<KubernetesObject>(childIndexes);
  const scaling = new FleetScaling(
    { name: 'proxy-scaling', infix: 'px', workers: 1, scrapeMs: SCRAPE_MS },
    {
      ...{ ...shared, onFound: found.resolve },
      children: new Children({ writer, log: shared.log, caches: new Map(), onForeignFields: () => undefined }),
      events: new EventRecorder({ ...shared, identity: 'test' }),
      scraper: new Scraper({ ...shared, requests }),
      orders: new PodOrders({ ...shared, requests }),
      objects: new ScaledObjects({
        ...{ resource: customKindOf({ kind: 'ProxyFleet' }), writer, owners, pods: podCache, replicaSets },
      }),
      controller: {
        ...{ clock: systemClock, log: shared.log, random: () => 0 },
        metrics: createMetrics(registry, controllerMetrics),
        queueMetrics: createMetrics(registry, queueMetrics),
      },
    },
  );
  const follow = () => scaling.follow(ownedProxies(fleet), replicaSet).findings;
  const looks = async () => {
    const [series] = await registry.series('controller_runtime_reconcile_total');
    return Number(series?.value ?? 0);
  };
  return { scaling, follow, found: found.promise, registry, owners, replicaSets, looks };
}

/** The fleet's own Secret, and whatever is written. */
const ownObject = async ({ path }: ApiRequest): Promise<KubernetesObject> => {
  const name = path.split('/').at(-1) ?? '';
  const { uid, namespace } = (name.startsWith('other') ? other : fleet).metadata;
  const ownerReferences = [{ apiVersion: '', kind: 'ProxyFleet', name: 'farm', uid, controller: true }];
  const metadata = { name, namespace, uid: name, resourceVersion: '1', ownerReferences };
  return { kind: 'Secret', metadata, data: { token: Buffer.from('token').toString('base64') } } as KubernetesObject;
};

const podOf = (annotations: Readonly<Record<string, string>>): Pod => ({
  metadata: {
    ...{ name: 'proxy', namespace: fleet.metadata.namespace, uid: 'proxy', resourceVersion: '1', annotations },
    labels: { ...replicaSet.metadata.labels, 'mining.sluice.dev/workload': 'farm-px' },
  },
  status: { phase: 'Running', podIP: '127.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
});

it('says of a fleet whose Secret is of somebody else that it cannot be scaled, and writes nothing', async () => {
  const asked: string[] = [];
  const { scaling, follow, found } = scalingOf({
    request: async ({ method, path }) => {
      asked.push(`${method} ${path}`);
      const name = path.split('/').at(-1) ?? '';
      return { kind: 'Secret', metadata: { name, namespace: 'mining', uid: 'theirs', resourceVersion: '1' } };
    },
  });
  expect(follow().filter(({ type }) => type === 'Degraded')).toEqual([]);
  scaling.start();
  expect(await found).toBe(`${fleet.metadata.namespace}/farm`);
  const message = "Secret farm-px-orders is there already and is nobody's of ours";
  expect(follow()).toContainEqual({ type: 'Degraded', status: 'True', reason: 'NameConflict', message });
  await scaling.stop();
  expect(asked.filter((each) => !each.startsWith('GET '))).toEqual([]);
});

it('asks a pod that ends again within moments, since its miners are counted where they went as well', async () => {
  const again = Promise.withResolvers<void>();
  let asked = 0;
  server = createServer((_, answer) => {
    asked += 1;
    if (asked === 2) again.resolve();
    answer.end('{"connections":12,"order":null,"left":0}');
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const podPort = (server.address() as AddressInfo).port;
  const pod = podOf({});
  const ending = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: new Date().toISOString() } };
  const { scaling, follow } = scalingOf({ request: ownObject, pods: [ending], podPort });
  follow();
  scaling.start();
  await again.promise;
  await scaling.stop();
});

it('looks at a fleet while pods of another one say nothing', async () => {
  const podPort = await silentPods(() => undefined);
  const { scaling, follow, found, registry } = scalingOf({ request: ownObject, pods: [podOf({})], podPort });
  follow();
  // Behind it, of the only worker.
  scaling.follow(ownedProxies(other), replicaSet);
  scaling.start();
  expect(await found).toBe(`${fleet.metadata.namespace}/other`);
  expect(await registry.series('sluice_operator_scrapes_total')).toEqual([]);
  await scaling.stop();
});

it('has no order under way any more when it has stopped, though a write failed beside it', async () => {
  const asked = Promise.withResolvers<void>();
  const podPort = await silentPods((each) => each === 'POST /drain' && asked.resolve());
  const { labels: _, annotations } = draining(Date.now(), Date.now() + 60_000);
  const pod = podOf({ ...closing(Date.now()).annotations, ...annotations } as Record<string, string>);
  const { scaling, follow, registry } = scalingOf({
    ...{ pods: [pod], podPort },
    request: async (sent) => {
      if (sent.method !== 'GET') throw errorOfStatus(500, 'no writes today');
      return ownObject(sent);
    },
  });
  follow();
  scaling.start();
  await asked.promise;
  await scaling.stop();
  const failed = { labels: { order: 'move', result: 'failed' }, value: 1 };
  expect(await registry.series('sluice_operator_pod_orders_total')).toMatchObject([failed]);
});

type Held = PromiseWithResolvers<void>;

/** As many pods as the fleet is to have. @param podIP where they are asked; empty: nowhere */
const acceptingPods = (podIP: string) =>
  ['one', 'other'].map((name): Pod => {
    const { metadata, status } = podOf({});
    const labels = { ...metadata.labels, [ACCEPTING]: 'true' };
    return { metadata: { ...metadata, name, uid: name, labels }, status: { ...status, podIP } };
  });

/** An API server that keeps what is written of the fleet. @param owners where it is brought @param onWritten called then */
const keeping = (owners: () => ObjectCache<CustomResource>, onWritten: () => void) => async (sent: ApiRequest) => {
  // Others are Events.
  if (sent.method !== 'PATCH') return ownObject(sent);
  const { annotations } = (sent.body as KubernetesObject).metadata;
  const written = { ...fleet, metadata: { ...fleet.metadata, annotations, resourceVersion: '2' } };
  owners().put(written as unknown as CustomResource);
  onWritten();
  return written as unknown as KubernetesObject;
};

it('looks at a fleet with which nothing happens when a pod of it has changed, and not before', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  server = createServer((_, answer) => answer.end('{"connections":12,"order":null,"left":0}'));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const podPort = (server.address() as AddressInfo).port;
  const wrote = Promise.withResolvers<void>();
  const { scaling, follow, looks, owners } = scalingOf({
    ...{ pods: acceptingPods('127.0.0.1'), podPort },
    request: keeping(() => owners, wrote.resolve),
  });
  follow();
  scaling.start();
  // The first asks, the next one writes what was decided, and the last one finds nothing to do.
  await wrote.promise;
  await vi.waitFor(async () => expect(await looks()).toBe(3), DEADLINE);
  await vi.advanceTimersByTimeAsync(SCRAPE_MS / 2);
  expect(await looks()).toBe(3);
  scaling.noticed(fleet.metadata.namespace, 'other-px');
  scaling.noticed(fleet.metadata.namespace, 'farm-gw');
  await vi.advanceTimersByTimeAsync(SCRAPE_MS / 4);
  expect(await looks()).toBe(3);
  scaling.noticed(fleet.metadata.namespace, 'farm-px');
  await vi.advanceTimersByTimeAsync(1_000);
  await vi.waitFor(async () => expect(await looks()).toBe(4), DEADLINE);
  await scaling.stop();
});

it('looks seldom at a fleet with which nothing happens while none of its pods can be asked, and decides nothing', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const wrote = Promise.withResolvers<void>();
  const { scaling, follow, looks, owners, replicaSets } = scalingOf({
    pods: acceptingPods(''),
    request: keeping(() => owners, wrote.resolve),
  });
  follow();
  scaling.start();
  // The first writes what was decided, and the second one finds nothing to do.
  await wrote.promise;
  await vi.waitFor(async () => expect(await looks()).toBe(1), DEADLINE);
  await vi.advanceTimersByTimeAsync(1_000);
  await vi.waitFor(async () => expect(await looks()).toBe(2), DEADLINE);
  const decisions = vi.spyOn(replicaSets, 'find');
  // Its Secret may be gone, of which nobody tells.
  await vi.advanceTimersByTimeAsync(598_000);
  expect(await looks()).toBe(2);
  await vi.advanceTimersByTimeAsync(3_000);
  await vi.waitFor(async () => expect(await looks()).toBe(3), DEADLINE);
  expect(decisions).not.toHaveBeenCalled();
  scaling.noticed(fleet.metadata.namespace, 'farm-px');
  await vi.advanceTimersByTimeAsync(1_000);
  await vi.waitFor(async () => expect(await looks()).toBe(4), DEADLINE);
  expect(decisions).toHaveBeenCalled();
  await scaling.stop();
});

it('decides from what it is told while it still removes an empty ReplicaSet of a fleet with which nothing else happens', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const [wrote, removing, removed] = [0, 1, 2].map(() => Promise.withResolvers<void>()) as [Held, Held, Held];
  const { scaling, follow, looks, owners, replicaSets } = scalingOf({
    pods: acceptingPods(''),
    request: async (sent) => {
      if (sent.method !== 'DELETE') return keeping(() => owners, wrote.resolve)(sent);
      removing.resolve();
      await removed.promise;
      return {} as KubernetesObject;
    },
  });
  follow();
  scaling.start();
  await wrote.promise;
  await vi.waitFor(async () => expect(await looks()).toBe(1), DEADLINE);
  const { labels } = replicaSet.metadata;
  const { uid, namespace } = fleet.metadata;
  replicaSets.put({
    kind: 'ReplicaSet',
    metadata: {
      ...{
        name: 'earlier',
        namespace,
        uid: 'earlier',
        resourceVersion: '1',
        labels: { ...labels, [REVISION]: 'earlier' },
      },
      ownerReferences: [{ apiVersion: '', kind: 'ProxyFleet', name: 'farm', uid, controller: true }],
    },
    spec: { replicas: 0 },
  } as KubernetesObject);
  await vi.advanceTimersByTimeAsync(1_000);
  await removing.promise;
  scaling.noticed(namespace, 'farm-px');
  removed.resolve();
  await vi.waitFor(async () => expect(await looks()).toBe(2), DEADLINE);
  const decisions = vi.spyOn(replicaSets, 'find');
  await vi.advanceTimersByTimeAsync(1_000);
  await vi.waitFor(async () => expect(await looks()).toBe(3), DEADLINE);
  expect(decisions).toHaveBeenCalled();
  await scaling.stop();
});
