import { expect, it } from 'vitest';
import { ObjectCache } from '../../src/kubernetes/object-cache.ts';
import type { KubernetesObject } from '../../src/kubernetes/resource.ts';
import { OwnWrites } from '../../src/scaling-loop/own-writes.ts';

const object = (resourceVersion: string, uid = 'one'): KubernetesObject => ({
  metadata: { namespace: 'mining', name: 'pod', uid, resourceVersion },
});

it('is seen when the cache has come to it, or past it', () => {
  const cache = new ObjectCache<KubernetesObject>();
  const written = new OwnWrites();
  expect(written.areSeen()).toBe(true);
  cache.put(object('99'));
  written.note(cache, object('100'));
  expect(written.areSeen()).toBe(false);
  cache.put(object('100'));
  expect(written.areSeen()).toBe(true);
  written.note(cache, object('102'));
  cache.put(object('1000'));
  expect(written.areSeen()).toBe(true);
});

it('is seen when the object is gone, or another one of its name is there', () => {
  const cache = new ObjectCache<KubernetesObject>();
  const written = new OwnWrites();
  cache.put(object('5'));
  written.note(cache, object('6'));
  cache.put(object('1', 'two'));
  expect(written.areSeen()).toBe(true);
  written.note(cache, object('7', 'two'));
  cache.remove('mining/pod');
  expect(written.areSeen()).toBe(true);
});
