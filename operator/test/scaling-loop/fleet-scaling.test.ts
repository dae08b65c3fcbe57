import { systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { expect, it } from 'vitest';
import { customKindOf } from '../../src/api/custom-kinds.ts';
import { BY_CONTROLLER } from '../../src/apply/child-kinds.ts';
import { Children } from '../../src/apply/children.ts';
import { Writer } from '../../src/apply/writer.ts';
import { controllerMetrics, queueMetrics } from '../../src/control/metrics.ts';
import type { CustomResource } from '../../src/control/reconciler.ts';
import { ownedProxies, proxies } from '../../src/desired/proxies.ts';
import { EventRecorder } from '../../src/events/event-recorder.ts';
import type { KubernetesClient } from '../../src/kubernetes/client.ts';
import { ObjectCache } from '../../src/kubernetes/object-cache.ts';
import type { KubernetesObject } from '../../src/kubernetes/resource.ts';
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

it('says of a fleet whose Secret is of somebody else that it cannot be scaled, and writes nothing', async () => {
  const example = exampleProxyFleet('farm');
  const upstreams = [{ name: 'first', url: 'stratum+tcp://pool.example:3333', identity: 'account' }];
  const fleet = { ...example, spec: { ...example.spec, upstreams } };
  const asked: string[] = [];
  const client = {
    request: async ({ method, path }: { readonly method: string; readonly path: string }) => {
      asked.push(`${method} ${path}`);
      const name = path.split('/').at(-1) ?? '';
      return { kind: 'Secret', metadata: { name, namespace: 'mining', uid: 'theirs', resourceVersion: '1' } };
    },
  } as unknown as KubernetesClient;
  const registry = new MetricsRegistry();
  const writer = new Writer(client, { signal: new AbortController().signal, isHeld: () => true });
  const shared = { clock: systemClock, log: silentLogger(), metrics: createMetrics(registry, scalingMetrics), writer };
  const requests = new PodRequests('http://{ip}:9100');
  const owners = new ObjectCache<CustomResource>();
  owners.put(fleet as unknown as CustomResource);
  const found = Promise.withResolvers<string>();
  const scaling = new FleetScaling(
    { name: 'proxy-scaling', workers: 1, scrapeMs: 1_000 },
    {
      ...{ ...shared, onFound: found.resolve },
      children: new Children({ writer, log: shared.log, caches: new Map(), onForeignFields: () => undefined }),
      events: new EventRecorder({ ...shared, identity: 'test' }),
      scraper: new Scraper({ ...shared, requests }),
      orders: new PodOrders({ ...shared, requests }),
      objects: new ScaledObjects({
        ...{ resource: customKindOf({ kind: 'ProxyFleet' }), writer, owners },
        replicaSets: new ObjectCache<KubernetesObject>({ [BY_CONTROLLER]: () => [] }),
        pods: new ObjectCache<Pod>({ [BY_WORKLOAD]: workloadsOf }),
      }),
      controller: {
        ...{ clock: systemClock, log: shared.log, random: () => 0 },
        metrics: createMetrics(registry, controllerMetrics),
        queueMetrics: createMetrics(registry, queueMetrics),
      },
    },
  );
  const made = proxies(fleet, context, 0);
  if (made === undefined) throw new Error('an example that makes no proxies');
  const follow = () => scaling.follow(ownedProxies(fleet), made.replicaSet).findings;
  expect(follow().filter(({ type }) => type === 'Degraded')).toEqual([]);
  scaling.start();
  expect(await found.promise).toBe(`${fleet.metadata.namespace}/farm`);
  const message = "Secret farm-px-orders is there already and is nobody's of ours";
  expect(follow()).toContainEqual({ type: 'Degraded', status: 'True', reason: 'NameConflict', message });
  await scaling.stop();
  expect(asked.filter((each) => !each.startsWith('GET '))).toEqual([]);
});
