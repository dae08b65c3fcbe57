// Resources, and a namespace, that are deleted at the worst moment: pods are being exchanged, miners moved, or no operator is there. kwok says of pods that
// they run; their miners are the test's.
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { examplePool } from '../../operator/test/defaulted.ts';
import { controlPlanePrograms, whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { pathOf } from '../support/kubernetes/custom-resources.ts';
import { isSettled, ScaledCluster } from '../support/kubernetes/scaled-cluster.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes([...controlPlanePrograms, 'kwok']);
const namespace = 'mining';
const MINERS = 300;
/** The garbage collector hears of a new kind within 30 seconds, and of what owned an object when it looks at that once more. */
const COLLECTED_MS = 90_000;
/** All that a resource is made into, but for what Kubernetes makes of that. */
const kinds = [
  ...['apps/v1/replicasets', 'apps/v1/deployments', 'apps/v1/statefulsets', 'policy/v1/poddisruptionbudgets'],
  'networking.k8s.io/v1/networkpolicies',
];
const coreKinds = ['pods', 'services', 'configmaps', 'secrets'];

interface Child {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string };
}

describe.skipIf(missing !== undefined)(`what is deleted${missing === undefined ? '' : ` (${missing})`}`, () => {
  let cluster: ScaledCluster;

  const client = () => cluster.plane.client();
  /** As `Deployment/NAME`. */
  const childrenOf = async (instance: string): Promise<readonly string[]> => {
    const selector = `labelSelector=${encodeURIComponent(`app.kubernetes.io/instance=${instance}`)}`;
    const paths = [
      ...kinds.map((kind) => {
        const [group, version, plural] = kind.split('/');
        return `/apis/${group}/${version}/namespaces/${namespace}/${plural}`;
      }),
      ...coreKinds.map((plural) => `/api/v1/namespaces/${namespace}/${plural}`),
    ];
    const lists = await Promise.all(paths.map((path) => client().get(`${path}?${selector}`)));
    return lists.flatMap(({ body }) => body.items.map(({ metadata }: Child) => `${body.kind}/${metadata.name}`));
  };
  const remove = async (kind: string, name: string, propagationPolicy = 'Background') => {
    const { status } = await client().delete(`${cluster.path(kind, name)}?propagationPolicy=${propagationPolicy}`);
    expect(status).toBe(200);
  };
  /** Resolves with after how many seconds the resource was gone, and after how many everything. */
  const gone = async (kind: string, name: string) => {
    const begin = performance.now();
    const seconds = () => ((performance.now() - begin) / 1_000).toFixed(1);
    await waitFor(async () => (await client().get(cluster.path(kind, name))).status === 404, 60_000);
    const resource = seconds();
    await waitFor(async () => (await childrenOf(name)).length === 0, COLLECTED_MS);
    console.log(`${kind} ${name}: gone after ${resource} s, with all that it owned after ${seconds()} s`);
  };
  const applyPool = (name: string, tag: string) => {
    const { spec } = examplePool('regtest');
    return cluster.apply('MiningPool', name, {
      ...spec,
      image: { repository: 'registry.example/sluice', tag, digest: '', pullPolicy: 'IfNotPresent', pullSecrets: [] },
    });
  };
  /** Resolves while miners are being moved from pods of one revision to those of another. @param begin of the exchange */
  const inTheMiddle = async (workload: string, begin: () => Promise<void>) => {
    const fleet = cluster.miners.fleet(workload);
    await waitFor(() => isSettled(fleet, 2), 90_000);
    fleet.join(MINERS);
    await waitFor(() => fleet.connected === MINERS);
    await begin();
    await waitFor(() => fleet.pods.some(({ order }) => order !== undefined), 60_000);
    expect(new Set(fleet.pods.map(({ revision }) => revision)).size).toBe(2);
  };

  beforeAll(async () => {
    cluster = await ScaledCluster.start();
  });
  afterAll(async () => {
    await cluster.stop();
  });

  it.concurrent.each(['Background', 'Foreground'])('while its proxies are exchanged goes, %s', async (policy) => {
    onTestFailed(() => console.log(cluster.operator.log(80)));
    const name = `fleet-${policy.toLowerCase()}`;
    const rebalance = { enabled: false, tolerancePercent: 25 };
    await cluster.applyFleet(name, 2, { proxies: { rebalance } });
    await inTheMiddle(`${name}-px`, () => cluster.applyFleet(name, 2, { proxies: { rebalance }, tag: '2' }));
    await remove('ProxyFleet', name, policy);
    await gone('ProxyFleet', name);
  });

  it.concurrent.each(['Background', 'Foreground'])('while a whole pool is exchanged goes, %s', async (policy) => {
    onTestFailed(() => console.log(cluster.operator.log(80)));
    const name = `pool-${policy.toLowerCase()}`;
    await applyPool(name, '1');
    await inTheMiddle(`${name}-gw`, () => applyPool(name, '2'));
    await remove('MiningPool', name, policy);
    await gone('MiningPool', name);
  });

  it.concurrent('with its namespace goes, and so does the namespace', async () => {
    onTestFailed(() => console.log(cluster.operator.log(80)));
    const name = 'short-lived';
    const path = `/api/v1/namespaces/${name}`;
    await client().post('/api/v1/namespaces', { metadata: { name } });
    const { apiVersion, kind, spec } = examplePool('regtest');
    const metadata = { name: 'demo', namespace: name };
    await client().apply(pathOf({ kind, metadata }), { apiVersion, kind, metadata, spec });
    const running = async () =>
      (await client().get(`${path}/pods`)).body.items.filter(
        ({ status }: { status: { phase: string } }) => status.phase === 'Running',
      ).length;
    await waitFor(async () => (await running()) === 12, 90_000);
    const begin = performance.now();
    await client().delete(path);
    await waitFor(async () => (await client().get(path)).status === 404, 90_000);
    console.log(`a namespace with a live pool: gone after ${((performance.now() - begin) / 1_000).toFixed(1)} s`);
  });

  it('while no operator is there stays with its pods, and goes when one is back', async () => {
    onTestFailed(() => console.log(cluster.operator.log(80)));
    await cluster.applyFleet('orphan', 2);
    await waitFor(() => isSettled(cluster.miners.fleet('orphan-px'), 2), 90_000);
    await cluster.operator.kill('SIGTERM');
    const before = await childrenOf('orphan');
    await remove('ProxyFleet', 'orphan');
    // By another resource's end it is known that the garbage collector has looked.
    await client().post(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: 'owner' } });
    const owner = (await client().get(`/api/v1/namespaces/${namespace}/configmaps/owner`)).body.metadata;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.uid }];
    await client().post(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: 'owned', ownerReferences } });
    await client().delete(`/api/v1/namespaces/${namespace}/configmaps/owner`);
    const owned = async () => (await client().get(`/api/v1/namespaces/${namespace}/configmaps/owned`)).status;
    await waitFor(async () => (await owned()) === 404, COLLECTED_MS);
    expect((await client().get(cluster.path('ProxyFleet', 'orphan'))).body.metadata.deletionTimestamp).toBeDefined();
    expect(await childrenOf('orphan')).toEqual(before);

    cluster.operator.launch();
    await cluster.operator.ready();
    await gone('ProxyFleet', 'orphan');
    // What was deleted before it came is not made anew by one that knows nothing of it.
    for (const name of ['fleet-foreground', 'pool-foreground']) expect(await childrenOf(name)).toEqual([]);
  });
});
