// The volumes of what the operator runs, on a real API server with the controllers that make and bind them: why they are waited for, how they grow
// under pods that stay, and when they go.

import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MiningPool } from '../../operator/src/api/v1alpha1.ts';
import { childKind } from '../../operator/src/apply/child-kinds.ts';
import { Children } from '../../operator/src/apply/children.ts';
import { DataVolumes } from '../../operator/src/apply/data-volumes.ts';
import { Writer } from '../../operator/src/apply/writer.ts';
import type { Manifest } from '../../operator/src/desired/manifest.ts';
import { natsServers } from '../../operator/src/desired/nats-servers.ts';
import { KubernetesClient } from '../../operator/src/kubernetes/client.ts';
import { kubeconfigAccess } from '../../operator/src/kubernetes/cluster-access.ts';
import { examplePool } from '../../operator/test/defaulted.ts';
import { taken } from '../support/kubernetes/api-client.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { createOperatorAccount } from '../support/kubernetes/operator-account.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const namespace = 'default';
const image = { repository: 'nats', tag: '2.15.2-alpine', digest: '' };

describe.skipIf(missing !== undefined)(`data volumes${missing === undefined ? '' : ` (${missing})`}`, () => {
  const clock = new ManualClock(Date.now());
  let plane: ControlPlane;
  let client: KubernetesClient;
  let children: Children;
  let volumes: DataVolumes;

  const claims = `/api/v1/namespaces/${namespace}/persistentvolumeclaims`;
  const sets = `/apis/apps/v1/namespaces/${namespace}/statefulsets`;
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const get = async (path: string) => (await plane.client().get(path)).body;
  const made = async (path: string, body: object) => taken(await plane.client().post(path, body));
  /** A pool whose servers have volumes. A ConfigMap stands for the custom resource: something with a uid that owns. */
  const poolOf = async (name: string, storage: object): Promise<MiningPool> => {
    const owner = await made(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name } });
    const pool = examplePool('regtest');
    const metadata = { ...pool.metadata, name, namespace, uid: owner.metadata.uid };
    const spec = structuredClone(pool.spec);
    Object.assign(spec.bus.managed ?? {}, { storage: { ephemeral: false, ...storage } });
    return { ...pool, apiVersion: 'v1', kind: 'ConfigMap', metadata, spec } as never;
  };
  const servers = (pool: MiningPool) => natsServers(pool, image, 'uid')?.statefulSet as Manifest;
  /** The same pods on a larger volume. Servers take a larger one up by another configuration, with which they are started anew. */
  const larger = (pool: MiningPool): Manifest => {
    const manifest = structuredClone(servers(pool)) as Manifest & {
      spec: { volumeClaimTemplates: [{ spec: object }] };
    };
    Object.assign(manifest.spec.volumeClaimTemplates[0].spec, { resources: { requests: { storage: '20Gi' } } });
    return manifest;
  };
  const apply = (pool: MiningPool, manifest = servers(pool)) =>
    children.apply(childKind('StatefulSet'), pool, manifest);
  const grow = async (pool: MiningPool, manifest: Manifest) => {
    const { status, body } = await plane.client().get(`${sets}/${pool.metadata.name}-nats`);
    return volumes.grow(pool, children, manifest, status === 200 ? body : undefined);
  };
  const claimOf = (pool: MiningPool) => `${claims}/data-${pool.metadata.name}-nats-0`;
  const claimed = (pool: MiningPool) => waitFor(async () => (await plane.client().get(claimOf(pool))).status === 200);
  /** A pool with one volume of a class, which is bound. */
  const bound = async (name: string, storageClassName: string) => {
    const pool = await poolOf(name, { size: '10Gi', storageClassName });
    await made('/api/v1/persistentvolumes', {
      metadata: { name: `${name}-volume` },
      spec: {
        ...{ storageClassName, capacity: { storage: '10Gi' }, accessModes: ['ReadWriteOnce'] },
        hostPath: { path: '/nowhere' },
      },
    });
    await apply(pool);
    await waitFor(async () => (await get(claimOf(pool))).status?.phase === 'Bound', 30_000);
    return pool;
  };

  beforeAll(async () => {
    plane = await ControlPlane.start();
    const account = await createOperatorAccount(plane);
    client = new KubernetesClient(kubeconfigAccess(account.kubeconfig), { metrics: new MetricsRegistry() });
    const writer = new Writer(client, { isHeld: () => true, signal: new AbortController().signal });
    children = new Children({
      ...{ writer, caches: new Map(), log: silentLogger() },
      onForeignFields: () => undefined,
    });
    volumes = new DataVolumes({ writer, clock });
    for (const [name, allowVolumeExpansion] of [
      ['growing', true],
      ['fixed', false],
    ] as const)
      await made('/apis/storage.k8s.io/v1/storageclasses', {
        ...{ metadata: { name }, provisioner: 'kubernetes.io/no-provisioner', allowVolumeExpansion },
      });
  });
  afterAll(async () => {
    client.close();
    await plane.stop();
  });

  it('are waited for with a reason, at once where the cluster has no default class', async () => {
    const pool = await poolOf('bare', { size: '10Gi' });
    await apply(pool);
    await claimed(pool);
    expect(await volumes.pending(servers(pool))).toMatch(/^data-bare-nats-0 has no StorageClass: /);
    const other = await poolOf('slow', { size: '10Gi', storageClassName: 'growing' });
    await apply(other);
    await claimed(other);
    expect(await volumes.pending(servers(other))).toBe(undefined);
    clock.advance(600_000);
    expect(await volumes.pending(servers(other))).toBe('data-slow-nats-0 waits for a volume of StorageClass growing');
  });

  it('grow under a pod that stays', async () => {
    const pool = await bound('large', 'growing');
    expect(await volumes.pending(servers(pool))).toBe(undefined);
    expect(await grow(pool, servers(pool))).toBe(false);
    await waitFor(async () => (await plane.client().get(`${pods}/large-nats-0`)).status === 200);
    const { uid } = (await get(`${pods}/large-nats-0`)).metadata;
    expect(await grow(pool, larger(pool))).toBe(true);
    expect((await get(claimOf(pool))).spec.resources.requests.storage).toBe('20Gi');
    await waitFor(async () => !(await grow(pool, larger(pool))));
    await apply(pool, larger(pool));
    expect(await grow(pool, larger(pool))).toBe(false);
    const [template] = (await get(`${sets}/large-nats`)).spec.volumeClaimTemplates;
    expect(template.spec.resources.requests.storage).toBe('20Gi');
    const adopter = (await get(`${sets}/large-nats`)).metadata.uid;
    await waitFor(async () => (await get(`${pods}/large-nats-0`)).metadata.ownerReferences?.[0]?.uid === adopter);
    expect((await get(`${pods}/large-nats-0`)).metadata.uid).toBe(uid);
  });

  it('stay as they are, with their servers, where their class cannot grow', async () => {
    const pool = await bound('small', 'fixed');
    const { uid } = (await get(`${sets}/small-nats`)).metadata;
    await expect(grow(pool, larger(pool))).rejects.toMatchObject({ code: 'invalid-child' });
    expect((await get(`${sets}/small-nats`)).metadata.uid).toBe(uid);
  });

  it('outlive everything, until they are to go, and those of others stay', async () => {
    const pool = await poolOf('done', { size: '10Gi' });
    await apply(pool);
    await claimed(pool);
    await plane.client().delete(`${sets}/done-nats`);
    await waitFor(async () => (await plane.client().get(`${sets}/done-nats`)).status === 404);
    expect((await get(claimOf(pool))).metadata.ownerReferences).toBe(undefined);
    const theirs = await poolOf('theirs', { size: '10Gi' });
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    await made(claims, { metadata: { name: 'data-theirs-nats-0' }, spec });
    await volumes.remove(servers(pool));
    await volumes.remove(servers(theirs));
    await waitFor(
      async () =>
        (await get(claimOf(pool))).metadata?.deletionTimestamp !== undefined ||
        (await plane.client().get(claimOf(pool))).status === 404,
    );
    expect((await get(claimOf(theirs))).metadata.deletionTimestamp).toBe(undefined);
  });
});
