// An object that is as it should be, and is looked at again and again.
import { silentLogger } from '@sluice/runtime/logger';
import { beforeEach, expect, it } from 'vitest';
import { childIndexes, childKind } from '../../src/apply/child-kinds.ts';
import { Children, FIELD_MANAGER } from '../../src/apply/children.ts';
import { Writer } from '../../src/apply/writer.ts';
import { type Manifest, ownedMetadata } from '../../src/desired/manifest.ts';
import type { ApiRequest, KubernetesClient } from '../../src/kubernetes/client.ts';
import { ObjectCache } from '../../src/kubernetes/object-cache.ts';
import type { KubernetesObject } from '../../src/kubernetes/resource.ts';
import { examplePool } from '../defaulted.ts';

const pool = examplePool('regtest');
const resource = childKind('Deployment');
const deployment = (image: string): Manifest => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: ownedMetadata(pool, 'pool-cm', {}) },
  spec: { template: { spec: { containers: [{ name: 'sluice', image }] } } },
});

let cache: ObjectCache<KubernetesObject>;
let children: Children;
let sent: string[];
/** Of the object in the cache, as often as its fields were looked at. */
let looks: number;

/** As the API server's watch brings it. */
function bring(object: object): void {
  const whole = { ...object, metadata: { ...(object as KubernetesObject).metadata, uid: 'u', generation: 1 } };
  const { spec } = whole as { spec?: unknown };
  const counted = Object.defineProperty(whole, 'spec', {
    get: () => {
      looks += 1;
      return spec;
    },
  });
  cache.put(counted as KubernetesObject);
}

beforeEach(async () => {
  [cache, sent, looks] = [new ObjectCache(childIndexes), [], 0];
  const request = async ({ method, contentType, body }: ApiRequest) => {
    sent.push(`${method} ${contentType?.split('/')[1]}`);
    if (contentType === 'application/apply-patch+yaml') bring(body as object);
  };
  const writer = new Writer({ request } as unknown as KubernetesClient, {
    signal: new AbortController().signal,
    isHeld: () => true,
  });
  const caches = new Map([['Deployment', cache]]);
  children = new Children({ writer, caches, log: silentLogger(), onForeignFields: () => undefined });
  bring({
    metadata: { name: 'pool-cm', namespace: 'mining', ownerReferences: ownedMetadata(pool, '', {}).ownerReferences },
  });
  expect(await children.apply(resource, pool, deployment('a'))).toBe('changed');
  expect(await children.apply(resource, pool, deployment('a'))).toBe('unchanged');
  [sent, looks] = [[], 0];
});

it('is compared once', async () => {
  expect(await children.apply(resource, pool, deployment('a'))).toBe('unchanged');
  expect([sent, looks]).toEqual([[], 0]);
});

it('is compared again when something else is desired', async () => {
  expect(await children.apply(resource, pool, deployment('b'))).toBe('changed');
  expect(sent).toEqual(['PATCH apply-patch+yaml']);
});

it('is compared again when somebody has changed it', async () => {
  bring(deployment('c'));
  expect(await children.apply(resource, pool, deployment('a'))).toBe('changed');
  expect(sent).toEqual(['PATCH apply-patch+yaml']);
});

it('is looked through again for what others have added', async () => {
  const live = cache.get('mining/pool-cm') as KubernetesObject;
  const entry = (manager: string, field: string) => ({
    ...{ manager, operation: 'Apply' },
    fieldsV1: { 'f:spec': { 'f:template': { 'f:spec': { [field]: {} } } } },
  });
  const managedFields = [entry(FIELD_MANAGER, 'f:containers'), entry('kubectl', 'f:hostNetwork')];
  const spec = { template: { spec: { containers: [{ name: 'sluice', image: 'a' }], hostNetwork: true } } };
  bring({ ...live, metadata: { ...live.metadata, managedFields }, spec });
  expect(await children.apply(resource, pool, deployment('a'))).toBe('changed');
  expect(sent).toEqual(['PATCH json-patch+json']);
});

it("is not taken for ours once it is somebody else's", async () => {
  bring({ ...deployment('a'), metadata: { name: 'pool-cm', namespace: 'mining' } });
  await expect(children.apply(resource, pool, deployment('a'))).rejects.toMatchObject({ code: 'name-conflict' });
});
