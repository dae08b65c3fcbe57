// The operator's cache beside a real API server, over a connection that fails in every way that was seen in the field: after each the cache
// is what a fresh list gives.
import { systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KubernetesClient } from '../../operator/src/kubernetes/client.ts';
import { kubeconfigAccess } from '../../operator/src/kubernetes/cluster-access.ts';
import { Informer } from '../../operator/src/kubernetes/informer.ts';
import { informerMetrics, type RestartReason } from '../../operator/src/kubernetes/metrics.ts';
import { ObjectCache } from '../../operator/src/kubernetes/object-cache.ts';
import type { KubernetesObject } from '../../operator/src/kubernetes/resource.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { FaultProxy } from '../support/kubernetes/fault-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const resource = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };
const configMaps = '/api/v1/namespaces/default/configmaps';
const selector = 'app=informed';
/** More than one page. */
const OBJECTS = 520;
const SILENCE_MS = 1_000;

type ConfigMap = KubernetesObject & { readonly data?: Readonly<Record<string, string>> };

describe.skipIf(missing !== undefined)(`the informer${missing === undefined ? '' : ` (${missing})`}`, () => {
  let plane: ControlPlane;
  let proxy: FaultProxy;
  let client: KubernetesClient;
  let informer: Informer<ConfigMap>;
  let next = 0;
  const registry = new MetricsRegistry();
  const metrics = createMetrics(registry, informerMetrics);
  const cache = new ObjectCache<ConfigMap>({ data: ({ data = {} }) => Object.values(data) });

  const create = async () => {
    const metadata = { name: `informed-${next}`, labels: { app: 'informed' } };
    next += 1;
    const { status } = await plane.client().post(configMaps, { metadata, data: { value: metadata.name } });
    expect(status).toBe(201);
  };
  /** One object more, one changed, one gone. */
  const change = async () => {
    const [first, second] = (await fresh()) as [ConfigMap, ConfigMap];
    const data = { value: `changed-${next}` };
    const changed = await plane.client().put(`${configMaps}/${first.metadata.name}`, { ...first, data });
    const gone = await plane.client().delete(`${configMaps}/${second.metadata.name}`);
    expect([changed.status, gone.status]).toEqual([200, 200]);
    await create();
  };
  const fresh = async (): Promise<readonly ConfigMap[]> =>
    (await plane.client().get(`${configMaps}?labelSelector=${encodeURIComponent(selector)}`)).body.items;
  const versionsOf = (objects: Iterable<ConfigMap>) =>
    [...objects].map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`).sort();
  const isCurrent = async () => {
    const listed = versionsOf(await fresh());
    return versionsOf(cache.values()).join() === listed.join() && listed.length >= OBJECTS;
  };
  const restarts = async (reason: RestartReason) =>
    (await registry.series('sluice_operator_watch_restarts_total')).find(({ labels }) => labels.reason === reason)
      ?.value ?? 0;
  const lists = async () => (await registry.series('sluice_operator_lists_total'))[0]?.value ?? 0;

  beforeAll(async () => {
    plane = await ControlPlane.start();
    proxy = await FaultProxy.start(plane);
    await Promise.all(Array.from({ length: OBJECTS }, create));
    const access = { ...kubeconfigAccess(plane.kubeconfig), url: proxy.url };
    client = new KubernetesClient(access, { metrics: registry });
    informer = new Informer(
      { resource, namespace: 'default', labelSelector: selector, silenceMs: SILENCE_MS, keep: (object) => object },
      { client, cache, clock: systemClock, random: Math.random, log: silentLogger(), metrics },
    );
    informer.start();
    await informer.synced();
  });
  afterAll(async () => {
    await informer.stop();
    client.close();
    await proxy.stop();
    await plane.stop();
  });

  it('takes all pages of the first list', async () => {
    expect(informer.isSynced).toBe(true);
    expect(versionsOf(cache.values())).toEqual(versionsOf(await fresh()));
    expect(cache.size).toBe(OBJECTS);
    const [object] = cache.find('data', 'informed-7');
    expect(object).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'informed-7' } });
  });

  it('follows what changes, and tells of it with what was before', async () => {
    const told: string[] = [];
    cache.onChange(({ object, previous }) =>
      told.push(`${previous?.data?.value ?? '-'} ${object?.data?.value ?? '-'}`),
    );
    await change();
    await waitFor(isCurrent);
    expect(told).toHaveLength(3);
    expect(told.filter((line) => line.startsWith('- '))).toEqual([`- informed-${next - 1}`]);
    expect(told.filter((line) => line.endsWith(' -'))).toHaveLength(1);
  });

  it.each<[string, RestartReason, number, () => unknown]>([
    ['a connection that is reset', 'broken', 0, () => proxy.reset()],
    ['a watch that fails with 500', 'refused', 0, () => proxy.failWatches(500)],
    ['a watch whose version is too old', 'expired', 1, () => proxy.failWatches(410)],
    ['requests that are answered 500', 'refused', 0, () => proxy.refuse(500, 3)],
    [
      'requests that are answered 429, as of a fresh definition',
      'refused',
      0,
      () => proxy.refuse(429, 2, { 'retry-after': '0' }),
    ],
    ['a list that is answered 410', 'expired', 1, () => proxy.refuse(410, 2)],
  ])('is current again after %s', async (_, reason, relists, fail) => {
    await waitFor(() => proxy.watches === 1);
    const before = { restarts: await restarts(reason), lists: await lists() };
    fail();
    await change();
    await waitFor(async () => (await restarts(reason)) > before.restarts);
    await waitFor(isCurrent);
    // Where the version is still known, only what was missed is sent.
    expect((await lists()) - before.lists).toBe(relists);
  });

  it('is current again after a watch that says nothing any more', async () => {
    await waitFor(() => proxy.watches === 1);
    const before = await lists();
    const keptBack = proxy.silence();
    await change();
    await waitFor(() => keptBack() > 0);
    await waitFor(isCurrent);
    expect(await restarts('silent')).toBeGreaterThan(0);
    expect(await lists()).toBe(before);
  });

  it('sees what was made anew under the same name while it could not watch', async () => {
    await waitFor(() => proxy.watches === 1);
    const [object] = (await fresh()) as [ConfigMap];
    const left = proxy.refuse(410, 2);
    const { name } = object.metadata;
    await plane.client().delete(`${configMaps}/${name}`);
    const again = { metadata: { name, labels: { app: 'informed' } }, data: { value: 'made-anew' } };
    expect((await plane.client().post(configMaps, again)).status).toBe(201);
    await waitFor(isCurrent);
    expect(left()).toBe(0);
    expect(cache.find('data', 'made-anew').map(({ metadata }) => metadata.name)).toEqual([name]);
    expect(cache.find('data', object.data?.value ?? '')).toEqual([]);
  });
});
