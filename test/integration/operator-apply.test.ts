// The operator's objects on a real API server with the operator's own account: made, kept, never taken from others, and not touched where
// nothing differs, which the audit log tells.
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { childKinds, secrets } from '../../operator/src/apply/child-kinds.ts';
import { Children, FIELD_MANAGER } from '../../operator/src/apply/children.ts';
import { foreignManagers } from '../../operator/src/apply/foreign-fields.ts';
import { Writer } from '../../operator/src/apply/writer.ts';
import { gateways } from '../../operator/src/desired/gateways.ts';
import type { Manifest, Owner } from '../../operator/src/desired/manifest.ts';
import { KubernetesClient } from '../../operator/src/kubernetes/client.ts';
import { kubeconfigAccess } from '../../operator/src/kubernetes/cluster-access.ts';
import { keptParts } from '../../operator/src/kubernetes/kept-parts.ts';
import { ObjectCache } from '../../operator/src/kubernetes/object-cache.ts';
import { type KubernetesObject, objectPath, type Resource } from '../../operator/src/kubernetes/resource.ts';
import { examplePool } from '../../operator/test/defaulted.ts';
import { writesOf } from '../support/kubernetes/audit-log.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { createOperatorAccount, type OperatorAccount } from '../support/kubernetes/operator-account.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const namespace = 'default';
const context = {
  image: { repository: 'registry.example/sluice', tag: '1.2.3', digest: '' },
  authorityPublicKey: '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72',
};

describe.skipIf(missing !== undefined)(`children${missing === undefined ? '' : ` (${missing})`}`, () => {
  let plane: ControlPlane;
  let account: OperatorAccount;
  let client: KubernetesClient;
  let children: Children;
  let isLeader = true;
  let owners = 0;
  let owner: Owner;
  let manifests: readonly Manifest[];
  let removed: string[] = [];
  const caches = new Map(childKinds.map(({ kind }) => [kind, new ObjectCache<KubernetesObject>()]));

  const resourceOf = ({ kind }: Pick<Manifest, 'kind'>) => childKinds.find((other) => other.kind === kind) as Resource;
  const ofKind = (kind: string) => manifests.find((manifest) => manifest.kind === kind) as Manifest;
  const pathOf = (manifest: Manifest) => objectPath(resourceOf(manifest), manifest.metadata);
  const live = async (manifest: Manifest) => (await plane.client().get(pathOf(manifest))).body;
  /** As the informers would. */
  const fill = async () => {
    for (const manifest of manifests) {
      const answer = await plane.client().get(pathOf(manifest));
      const cache = caches.get(manifest.kind) as ObjectCache<KubernetesObject>;
      if (answer.status === 404) cache.remove(`${namespace}/${manifest.metadata.name}`);
      else cache.put(keptParts(answer.body, foreignManagers(answer.body, FIELD_MANAGER)));
    }
  };
  const applyAll = async () => {
    const outcomes: string[] = [];
    for (const manifest of manifests) outcomes.push(await children.apply(resourceOf(manifest), owner, manifest));
    return outcomes;
  };
  const writes = () => writesOf(account.user, plane).length;

  beforeAll(async () => {
    plane = await ControlPlane.start();
    account = await createOperatorAccount(plane);
    client = new KubernetesClient(kubeconfigAccess(account.kubeconfig), { metrics: new MetricsRegistry() });
    const writer = new Writer(client, { isHeld: () => isLeader, signal: new AbortController().signal });
    children = new Children({
      ...{ writer, caches, log: silentLogger() },
      onForeignFields: (_, fields) => removed.push(...fields.map(({ manager, pointer }) => `${manager} ${pointer}`)),
    });
  });
  afterAll(async () => {
    client.close();
    await plane.stop();
  });

  beforeEach(async () => {
    // A ConfigMap stands for the custom resource: something with a uid that owns.
    const name = `pool-${owners}`;
    owners += 1;
    const made = await plane.client().post(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name } });
    const pool = examplePool('production');
    const metadata = { ...pool.metadata, name, namespace, uid: made.body.metadata.uid };
    owner = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
    const desired = gateways({ ...pool, metadata }, context, 2);
    manifests = [desired.configMap, desired.replicaSet, desired.disruptionBudget, ...desired.services].map(
      (manifest) => {
        const references = manifest.metadata.ownerReferences.map((each) => ({
          ...each,
          apiVersion: 'v1',
          kind: 'ConfigMap',
        }));
        return { ...manifest, metadata: { ...manifest.metadata, ownerReferences: references } };
      },
    );
    removed = [];
  });
  afterEach(() => {
    isLeader = true;
  });

  it('are made once, and nothing is sent where nothing differs, whatever the API server has filled in', async () => {
    expect(new Set(await applyAll())).toEqual(new Set(['created']));
    await fill();
    const before = writes();
    expect(before).toBeGreaterThan(0);
    expect(new Set(await applyAll())).toEqual(new Set(['unchanged']));
    // Also where the cache does not know them yet.
    for (const cache of caches.values()) cache.replace([]);
    expect(new Set(await applyAll())).toEqual(new Set(['unchanged']));
    expect(writes()).toBe(before);
  });

  it('leave a ReplicaSet the number of pods that the scaling has given it, whatever else changes', async () => {
    await applyAll();
    const set = ofKind('ReplicaSet');
    const isCounted = (pods: number) => waitFor(async () => (await live(set)).status.replicas === pods);
    await isCounted(2);
    await fill();
    const scaled = await live(set);
    scaled.spec.replicas = 5;
    expect((await plane.client().put(pathOf(set), scaled)).status).toBe(200);
    await isCounted(5);
    const changed = { ...set, spec: { ...(set.spec as object), minReadySeconds: 77 } };
    // The cache still has the number from before.
    await expect(children.apply(resourceOf(set), owner, changed)).rejects.toMatchObject({ code: 'api-conflict' });
    await fill();
    expect(await children.apply(resourceOf(set), owner, changed)).toBe('changed');
    expect((await live(set)).spec).toMatchObject({ replicas: 5, minReadySeconds: 77 });
    await fill();
    expect(await children.apply(resourceOf(set), owner, changed)).toBe('unchanged');
  });

  it('get back what others have changed, and others keep what they have added to metadata', async () => {
    await applyAll();
    const service = ofKind('Service');
    const edit = await live(service);
    edit.spec.selector = { app: 'taken-over' };
    edit.metadata.annotations = { ...edit.metadata.annotations, 'cloud.example/id': 'lb-1' };
    expect((await plane.client().put(pathOf(service), edit)).status).toBe(200);
    await fill();
    expect(await children.apply(resourceOf(service), owner, service)).toBe('changed');
    const restored = await live(service);
    expect(restored.spec.selector).toEqual((service.spec as { selector: object }).selector);
    expect(restored.metadata.annotations).toMatchObject({ 'cloud.example/id': 'lb-1' });
    await fill();
    expect(await children.apply(resourceOf(service), owner, service)).toBe('unchanged');
  });

  it('lose what is not set any more', async () => {
    const service = ofKind('Service');
    const before = { ...service, metadata: { ...service.metadata, annotations: { 'cloud.example/kind': 'internal' } } };
    await children.apply(resourceOf(service), owner, before);
    expect((await live(service)).metadata.annotations).toMatchObject({ 'cloud.example/kind': 'internal' });
    await fill();
    expect(await children.apply(resourceOf(service), owner, service)).toBe('changed');
    expect((await live(service)).metadata.annotations).not.toHaveProperty('cloud.example/kind');
    await fill();
    expect(await children.apply(resourceOf(service), owner, service)).toBe('unchanged');
  });

  it("lose what others have added to pods: a sidecar, a variable, the host's network, a volume", async () => {
    await applyAll();
    const set = ofKind('ReplicaSet');
    const before = (await live(set)).spec.template;
    const edit = await live(set);
    const { spec } = edit.spec.template;
    spec.hostNetwork = true;
    for (const port of spec.containers[0].ports) port.hostPort = port.containerPort;
    spec.containers[0].env.unshift({ name: 'ADDED', value: 'x' });
    spec.containers[0].image = 'registry.example/other:1';
    spec.containers.unshift({ name: 'sidecar', image: 'registry.example/sidecar:1' });
    spec.volumes.push({ name: 'added', emptyDir: {} });
    expect((await plane.client().put(pathOf(set), edit)).status).toBe(200);
    await fill();
    expect(await children.apply(resourceOf(set), owner, set)).toBe('changed');
    expect((await live(set)).spec.template).toEqual(before);
    expect(removed.length).toBeGreaterThan(3);
    await fill();
    expect(await children.apply(resourceOf(set), owner, set)).toBe('unchanged');
  });

  it('are not taken from who has the name already', async () => {
    const service = ofKind('Service');
    const theirs = {
      metadata: { name: service.metadata.name },
      spec: { selector: { app: 'theirs' }, ports: [{ port: 80 }] },
    };
    const collection = pathOf(service).replace(/\/[^/]+$/, '');
    expect((await plane.client().post(collection, theirs)).status).toBe(201);
    const before = await live(service);
    const conflict = expect.objectContaining({ code: 'name-conflict' });
    await expect(children.apply(resourceOf(service), owner, service)).rejects.toThrow(conflict);
    await expect(children.remove(resourceOf(service), owner, before)).rejects.toThrow(conflict);
    // Neither from a resource of another kind, or of the same name made anew.
    await plane.client().delete(pathOf(service));
    await children.apply(resourceOf(service), owner, service);
    const again = { ...owner, metadata: { ...owner.metadata, uid: '00000000-0000-0000-0000-000000000000' } };
    await expect(children.apply(resourceOf(service), again, service)).rejects.toThrow(conflict);
  });

  it('are told of when the API server refuses them', async () => {
    const service = ofKind('Service');
    const spec = { ...(service.spec as object), type: 'Nonsense' };
    const invalid = children.apply(resourceOf(service), owner, { ...service, spec });
    await expect(invalid).rejects.toThrow(expect.objectContaining({ code: 'invalid-child' }));
    await expect(invalid).rejects.toThrow(/Service pool-\d+-gw-sv2.*Nonsense/);
  });

  it('are removed only as they were looked at', async () => {
    await applyAll();
    const budget = ofKind('PodDisruptionBudget');
    const seen: KubernetesObject = await live(budget);
    await plane
      .client()
      .put(pathOf(budget), { ...seen, metadata: { ...seen.metadata, labels: { changed: 'meanwhile' } } });
    await expect(children.remove(resourceOf(budget), owner, seen)).rejects.toThrow(
      expect.objectContaining({ code: 'api-conflict' }),
    );
    await children.remove(resourceOf(budget), owner, await live(budget));
    expect((await plane.client().get(pathOf(budget))).status).toBe(404);
    // That it is gone is what was wanted.
    await children.remove(resourceOf(budget), owner, seen);
  });

  it('are never made anew for the cached object when another has its name', async () => {
    await applyAll();
    await fill();
    const config = ofKind('ConfigMap');
    await plane.client().delete(pathOf(config));
    const labels = { ...config.metadata.labels, changed: 'yes' };
    const changed = { ...config, metadata: { ...config.metadata, labels } };
    await expect(children.apply(resourceOf(config), owner, changed)).rejects.toThrow(
      expect.objectContaining({ code: 'api-conflict' }),
    );
    expect((await plane.client().get(pathOf(config))).status).toBe(404);
  });

  it('that are Secrets are made once, and what is in them stays', async () => {
    const manifest = (value: string): Manifest => ({
      ...{ apiVersion: 'v1', kind: 'Secret', stringData: { value } },
      metadata: { ...ofKind('ConfigMap').metadata, name: `${owner.metadata.name}-secret` },
    });
    const dataOf = (secret: KubernetesObject) => (secret as KubernetesObject & { data: { value: string } }).data.value;
    const first = await children.createOnce(secrets, owner, manifest('first'));
    const second = await children.createOnce(secrets, owner, manifest('second'));
    expect(Buffer.from(dataOf(first), 'base64').toString()).toBe('first');
    expect(dataOf(second)).toBe(dataOf(first));
    expect(second.metadata.uid).toBe(first.metadata.uid);
  });

  it('are not written without the lease', async () => {
    isLeader = false;
    const before = writes();
    await expect(applyAll()).rejects.toThrow(expect.objectContaining({ code: 'not-leader' }));
    expect(writes()).toBe(before);
    expect((await plane.client().get(pathOf(ofKind('ConfigMap')))).status).toBe(404);
  });
});
