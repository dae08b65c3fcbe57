// Where the pools are that upstreams name, while they are there and when they are not.
import { describe, expect, it } from 'vitest';
import type { MiningPool, ProxyFleet } from '../../src/api/v1alpha1.ts';
import { knownPools, POOL_ADDRESSES } from '../../src/reconcilers/known-pools.ts';
import { examplePool, exampleProxyFleet } from '../defaulted.ts';

const KEY = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const ADDRESS = `stratum2+tcp://main-gw-sv2:3336/${KEY}`;
const annotated = <T extends MiningPool | ProxyFleet>(
  resource: T,
  annotations: Readonly<Record<string, string>>,
): T => ({
  ...resource,
  metadata: { ...resource.metadata, annotations },
});
const main = examplePool('production');
const withKey = annotated(main, { 'mining.sluice.dev/authority-public-key': KEY });
const fleet = (note?: string) => {
  const example = exampleProxyFleet('farm-on-own-pool');
  return note === undefined ? example : annotated(example, { [POOL_ADDRESSES]: note });
};
const having = (pool?: MiningPool) => (name: string) => (name === pool?.metadata.name ? pool : undefined);

describe('the pools of a fleet', () => {
  it('have the address of their first listener of Stratum V2, with their key', () => {
    const { addressOf, missing, annotation } = knownPools(fleet(), having(withKey));
    expect(addressOf('main')).toBe(ADDRESS);
    expect(missing.size).toBe(0);
    expect(annotation).toBe(JSON.stringify({ main: ADDRESS }));
  });

  it.each<[string, MiningPool | undefined, string]>([
    ['there is none', undefined, 'there is no MiningPool main'],
    ['it has no key', main, 'MiningPool main has no key yet'],
  ])('are missing where %s, and have their last address if there was one', (_, pool, why) => {
    const never = knownPools(fleet(), having(pool));
    expect([never.addressOf('main'), never.annotation, [...never.missing]]).toEqual([undefined, '{}', [['own', why]]]);
    const note = JSON.stringify({ main: ADDRESS });
    const gone = knownPools(fleet(note), having(pool));
    expect([gone.addressOf('main'), gone.annotation]).toEqual([ADDRESS, note]);
    expect(gone.missing.get('own')).toBe(`${why}; its last address is kept`);
  });

  it('have a new address where they have a new key, whatever was noted', () => {
    const note = JSON.stringify({ main: ADDRESS.replace('9auq', '9bbb') });
    expect(knownPools(fleet(note), having(withKey)).addressOf('main')).toBe(ADDRESS);
  });

  it('are forgotten when no upstream names them', () => {
    const note = JSON.stringify({ main: ADDRESS, other: ADDRESS });
    expect(knownPools(fleet(note), having(withKey)).annotation).toBe(JSON.stringify({ main: ADDRESS }));
  });

  it.each([
    '',
    'null',
    '[]',
    '7',
    '{"main":7}',
    '{"main":"stratum2+tcp://elsewhere:1"}',
    '{"main":"stratum+tcp://a:1/b"}',
  ])('are not known from a note that is none: %s', (note) => {
    expect(knownPools(fleet(note), having()).addressOf('main')).toBe(undefined);
  });
});
