import { silentLogger } from '@sluice/runtime/logger';
import { expect, it } from 'vitest';
import { childIndexes } from '../../src/apply/child-kinds.ts';
import { Children } from '../../src/apply/children.ts';
import type { ChildError } from '../../src/apply/errors.ts';
import { Writer } from '../../src/apply/writer.ts';
import { type Manifest, ownedMetadata } from '../../src/desired/manifest.ts';
import { WORKLOAD } from '../../src/desired/workload.ts';
import type { ApiRequest, KubernetesClient } from '../../src/kubernetes/client.ts';
import { errorOfStatus } from '../../src/kubernetes/errors.ts';
import { ObjectCache } from '../../src/kubernetes/object-cache.ts';
import type { KubernetesObject } from '../../src/kubernetes/resource.ts';
import { OwnObjects } from '../../src/reconcilers/own-objects.ts';
import { examplePool } from '../defaulted.ts';

const pool = examplePool('regtest');
const { signal } = new AbortController();

it('are made without taking others away, or with it', async () => {
  const services = new ObjectCache<KubernetesObject>(childIndexes);
  const service = (name: string): Manifest => ({
    ...{ apiVersion: 'v1', kind: 'Service', metadata: ownedMetadata(pool, name, {}) },
  });
  services.put(service('pool-gw-sv2') as unknown as KubernetesObject);
  const caches = new Map([['Service', services]]);
  const written: string[] = [];
  const request = async ({ method, path }: ApiRequest) => {
    if (method === 'GET') throw errorOfStatus(404, 'there is none yet');
    written.push(`${method} ${path.split('/').at(-1)}`);
  };
  const writer = new Writer({ request } as unknown as KubernetesClient, { signal, isHeld: () => true });
  const children = new Children({ writer, caches, log: silentLogger(), onForeignFields: () => undefined });
  const objects = new OwnObjects(pool, caches);
  const making = { children, signal, refused: [] };
  await objects.make([service('pool-cm')], making);
  expect(written).toEqual(['PATCH pool-cm']);
  await objects.keep([service('pool-cm')], making);
  expect(written).toEqual(['PATCH pool-cm', 'PATCH pool-cm', 'DELETE pool-gw-sv2']);
});

it('are told of when they have become others, and not before', async () => {
  const services = new ObjectCache<KubernetesObject>(childIndexes);
  const service = (name: string, port: number): Manifest => ({
    ...{ apiVersion: 'v1', kind: 'Service', metadata: ownedMetadata(pool, name, {}), spec: { ports: [{ port }] } },
  });
  const live = service('pool-cm', 1) as unknown as KubernetesObject;
  services.put(live);
  const caches = new Map([['Service', services]]);
  let isRefused = true;
  const request = async ({ method }: ApiRequest) => {
    if (method === 'GET') throw errorOfStatus(404, 'there is none yet');
    if (isRefused) throw errorOfStatus(422, 'not like that');
  };
  const writer = new Writer({ request } as unknown as KubernetesClient, { signal, isHeld: () => true });
  const children = new Children({ writer, caches, log: silentLogger(), onForeignFields: () => undefined });
  const told: unknown[] = [];
  const objects = new OwnObjects(pool, caches, (manifest, before) => void told.push([manifest, before]));
  const desired = [service('pool-cm', 2), service('pool-jd', 1)];
  const refused: ChildError[] = [];
  await objects.make(desired, { children, signal, refused });
  expect([told, refused.map(({ code }) => code)]).toEqual([[], ['invalid-child', 'invalid-child']]);
  isRefused = false;
  await objects.make(desired, { children, signal, refused });
  expect(told).toEqual([[desired[0], live]]);
});

it('wait where something new of their workload is refused, and have what holds its port taken away', async () => {
  const caches = new Map(['Service', 'ReplicaSet', 'Deployment'].map((kind) => [kind, new ObjectCache(childIndexes)]));
  const object = (kind: string, name: string, of: string, spec = {}): Manifest => ({
    ...{ apiVersion: kind === 'Service' ? 'v1' : 'apps/v1', kind },
    ...{ metadata: ownedMetadata(pool, name, { [WORKLOAD]: of }), spec },
  });
  const service = (name: string, nodePort: number) => object('Service', name, 'pool-gw', { ports: [{ nodePort }] });
  for (const [name, port] of [
    ['pool-gw-before', 30_001],
    ['pool-gw-other', 30_002],
  ] as const)
    caches.get('Service')?.put(service(name, port) as unknown as KubernetesObject);
  let isTaken = true;
  const written: string[] = [];
  const request = async ({ method, path }: ApiRequest) => {
    if (method === 'GET') throw errorOfStatus(404, 'there is none yet');
    const name = path.split('/').at(-1) ?? '';
    if (method === 'PATCH' && name === 'pool-gw-now' && isTaken) throw errorOfStatus(422, 'the port is taken');
    written.push(`${method} ${name}`);
  };
  const writer = new Writer({ request } as unknown as KubernetesClient, { signal, isHeld: () => true });
  const children = new Children({ writer, caches, log: silentLogger(), onForeignFields: () => undefined });
  const objects = new OwnObjects(pool, caches);
  const desired = [
    ...[service('pool-gw-now', 30_001), object('ReplicaSet', 'pool-gw-1', 'pool-gw')],
    object('Deployment', 'pool-cm', 'pool-cm'),
  ];
  const refused: ChildError[] = [];
  expect(await objects.keep(desired, { children, signal, refused })).toBe(false);
  expect(refused.map(({ code }) => code)).toEqual(['invalid-child']);
  expect(written).toEqual(['PATCH pool-cm', 'DELETE pool-gw-before']);
  isTaken = false;
  await objects.keep(desired, { children, signal, refused: [] });
  expect(written.slice(2)).toContain('PATCH pool-gw-1');
  expect(written).toContain('DELETE pool-gw-other');
});

it('leave a ConfigMap that pods of an older revision are started with, and look at no other namespace for it', async () => {
  const [configMaps, replicaSets] = [0, 1].map(() => new ObjectCache<KubernetesObject>(childIndexes));
  for (const name of ['pool-cm-1', 'pool-cm-2', 'pool-cm-3'])
    configMaps?.put({ kind: 'ConfigMap', metadata: ownedMetadata(pool, name, {}) } as unknown as KubernetesObject);
  const startedWith = (namespace: string, name: string) => {
    const template = { spec: { volumes: [{ configMap: { name } }] } };
    replicaSets?.put({ kind: 'ReplicaSet', metadata: { name, namespace }, spec: { template } } as KubernetesObject);
  };
  startedWith('mining', 'pool-cm-1');
  startedWith('elsewhere', 'pool-cm-2');
  const caches = new Map([
    ['ConfigMap', configMaps],
    ['ReplicaSet', replicaSets],
  ] as [string, ObjectCache<KubernetesObject>][]);
  const removed: (string | undefined)[] = [];
  const request = async ({ path }: ApiRequest) => void removed.push(path.split('/').at(-1));
  const writer = new Writer({ request } as unknown as KubernetesClient, { signal, isHeld: () => true });
  const children = new Children({ writer, caches, log: silentLogger(), onForeignFields: () => undefined });
  // What is in other namespaces is not even walked over.
  const walked = () => {
    throw new Error('all namespaces are walked over');
  };
  Object.assign(replicaSets as object, { values: walked });
  await new OwnObjects(pool, caches).keep([], { children, signal, refused: [] });
  expect(removed).toEqual(['pool-cm-2', 'pool-cm-3']);
});
