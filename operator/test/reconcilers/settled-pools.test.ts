// A pool whose objects are all as they should be, and that is reconciled again and again.
import { beforeEach, expect, it } from 'vitest';
import type { MiningPool } from '../../src/api/v1alpha1.ts';
import { childIndexes, childKinds } from '../../src/apply/child-kinds.ts';
import type { Children } from '../../src/apply/children.ts';
import type { CustomResource } from '../../src/control/reconciler.ts';
import { REVISION } from '../../src/desired/fleet.ts';
import type { Manifest } from '../../src/desired/manifest.ts';
import { ObjectCache } from '../../src/kubernetes/object-cache.ts';
import { type KubernetesObject, keyOf, type Resource } from '../../src/kubernetes/resource.ts';
import { type MiningPoolOptions, MiningPoolReconciler } from '../../src/reconcilers/mining-pool.ts';
import { examplePool } from '../defaulted.ts';

const { signal } = new AbortController();
const image = { repository: 'registry.example/sluice', tag: '1', digest: '' };
/** Of a Deployment, which the pool has not made itself. */
const OF_CHANNEL_MANAGERS = 'demo-cm-1';

let pool: MiningPool;
let caches: ReadonlyMap<string, ObjectCache<KubernetesObject>>;
let reconciler: MiningPoolReconciler;
let secrets: object;
let authorityPublicKey: string;
/** Kind and name of each object that was made or compared, and of each that was removed. */
let applied: string[];
let removed: string[];
/** Kind and name of each object that the API server has as it should be, and the caches have not. */
let unseen: Set<string>;
/** Of the gateways that were followed. */
let revisions: (string | undefined)[];

const cacheOf = (kind: string) => caches.get(kind) as ObjectCache<KubernetesObject>;

/** As the API server's watch brings it. */
function bring(kind: string, manifest: Pick<Manifest, 'metadata'>): void {
  const { metadata } = manifest;
  const live = { ...manifest, kind, metadata: { ...metadata, uid: metadata.name, generation: 1 } };
  cacheOf(kind).put(live as unknown as KubernetesObject);
}

const children = {
  apply: async ({ kind }: Resource, _: unknown, manifest: Manifest) => {
    applied.push(`${kind} ${manifest.metadata.name}`);
    if (unseen.has(`${kind} ${manifest.metadata.name}`)) return 'unchanged';
    if (cacheOf(kind).get(keyOf(manifest.metadata)) !== undefined) return 'unchanged';
    bring(kind, manifest);
    return 'created';
  },
  remove: async ({ kind }: Resource, _: unknown, { metadata }: KubernetesObject) => {
    removed.push(`${kind} ${metadata.name}`);
    cacheOf(kind).remove(keyOf(metadata));
  },
} as unknown as Children;

/** Resolves with how many objects were compared, and what came of it. */
async function reconcile() {
  [applied, removed] = [[], []];
  const outcome = await reconciler.reconcile(pool as unknown as CustomResource, children, signal);
  return { compared: applied.length, outcome };
}
const compared = async () => (await reconcile()).compared;

beforeEach(async () => {
  pool = examplePool('regtest');
  caches = new Map(childKinds.map(({ kind }) => [kind, new ObjectCache<KubernetesObject>(childIndexes)]));
  secrets = { natsSystem: 'system', nodes: new Map(), unmade: [] };
  authorityPublicKey = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
  revisions = [];
  unseen = new Set();
  const finding = { type: 'KeysValid', status: 'True', reason: 'KeysIssued', message: '' };
  const workload = { kind: 'ReplicaSet', metadata: { name: 'demo-gw', generation: 1 } };
  const follow = (_: unknown, { metadata }: Pick<Manifest, 'metadata'>) => {
    revisions.push(metadata.labels[REVISION]);
    return { status: {}, findings: [], workload };
  };
  reconciler = new MiningPoolReconciler({
    images: { sluice: image, nats: image, bitcoind: image },
    network: { operatorNamespace: 'sluice-system', monitoringNamespace: 'monitoring' },
    caches,
    keys: { settle: async () => ({ authorityPublicKey, finding, requeueAfterMs: 120_000 }) },
    unwatched: { ensure: async () => ({ secrets, faults: [] }) },
    monitors: { keep: async () => [] },
    volumes: { grow: async () => false, pending: async () => undefined },
    events: { record: () => undefined },
    chains: { of: () => undefined },
    scaling: { gateways: { follow }, validators: { follow: () => undefined } },
  } as unknown as MiningPoolOptions);
  await reconcile();
  const metadata = { name: OF_CHANNEL_MANAGERS, namespace: 'mining', labels: {} };
  const controller = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'demo-cm', uid: 'demo-cm', controller: true };
  bring('ReplicaSet', { metadata: { ...metadata, ownerReferences: [controller] } });
});

it('is compared once, and is the same without', async () => {
  const first = await reconcile();
  expect(first.compared).toBeGreaterThan(20);
  const again = await reconcile();
  expect([again.compared, removed]).toEqual([0, []]);
  expect(again.outcome).toEqual(first.outcome);
  expect(revisions.map((revision) => revision === revisions[0] && revision !== undefined)).toEqual([true, true, true]);
});

const serviceOf = () => cacheOf('Service').values().next().value as unknown as Manifest;

it.each<[what: string, change: () => void]>([
  ['an object of it', () => cacheOf('Service').put({ ...(serviceOf() as unknown as KubernetesObject) })],
  ['one that is gone', () => cacheOf('Service').remove(keyOf(serviceOf().metadata))],
  ['one that is not desired', () => bring('Service', { metadata: { ...serviceOf().metadata, name: 'demo-gw-other' } })],
  ['what a Deployment of it has made', () => cacheOf('ReplicaSet').remove(`mining/${OF_CHANNEL_MANAGERS}`)],
  [
    'what is known of its Secrets',
    () => {
      secrets = { ...secrets };
    },
  ],
  [
    'its key',
    () => {
      authorityPublicKey = authorityPublicKey.replace('9', '8');
    },
  ],
  [
    'the pool itself',
    () => {
      pool = { ...pool };
    },
  ],
])('is compared again where %s has changed', async (_, change) => {
  await reconcile();
  expect(await compared()).toBe(0);
  change();
  expect(await compared()).toBeGreaterThan(20);
  // What was made or removed is news.
  await reconcile();
  expect(await compared()).toBe(0);
});

it('is compared as long as it is not as it should be', async () => {
  const service = serviceOf();
  const name = `${service.metadata.name}-other`;
  bring('Service', { metadata: { ...service.metadata, name } });
  await reconcile();
  expect(removed).toEqual([`Service ${name}`]);
  expect(await compared()).toBeGreaterThan(20);
  expect(await compared()).toBe(0);
});

it('is compared as long as the cache does not have all of it: what it has never had goes without a word', async () => {
  const service = serviceOf();
  const key = keyOf(service.metadata);
  cacheOf('Service').remove(key);
  unseen.add(`Service ${service.metadata.name}`);
  await reconcile();
  expect(await compared()).toBeGreaterThan(20);
  // It is gone, and the cache never had it.
  unseen.clear();
  await reconcile();
  expect(cacheOf('Service').get(key)).toBeDefined();
  await reconcile();
  expect(await compared()).toBe(0);
});
