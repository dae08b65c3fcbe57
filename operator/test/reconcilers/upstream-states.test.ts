// What a fleet's upstreams are like, from what its proxies say of them.
import { describe, expect, it } from 'vitest';
import type { KnownPools } from '../../src/reconcilers/known-pools.ts';
import { type SeenUpstream, upstreamStates } from '../../src/reconcilers/upstream-states.ts';
import { exampleProxyFleet } from '../defaulted.ts';

const KEY = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const example = exampleProxyFleet('farm');
const fleet = {
  ...example,
  spec: { ...example.spec, upstreams: [{ name: 'own', poolRef: { name: 'main' } }, ...example.spec.upstreams] },
};
const there: KnownPools = {
  addressOf: (name) => (name === 'main' ? `stratum2+tcp://main-gw-sv2:3336/${KEY}` : undefined),
  missing: new Map(),
  annotation: '',
};
const gone: KnownPools = { ...there, missing: new Map([['own', 'there is no MiningPool main']]) };
const hosts = ['main-gw-sv2:3336', 'pool.example:3333', 'other.example:3333'];
/** What one proxy says of them, in order. */
const proxy = (...states: string[]): readonly SeenUpstream[] =>
  states.map((state, place) => ({
    name: hosts[place] ?? '',
    state,
    down_reason: state === 'down' ? 'upstream-unreachable' : null,
  }));
const found = (pools: KnownPools, ...seen: (readonly SeenUpstream[])[]) => {
  const { active, upstreams, finding } = upstreamStates(fleet, pools, seen);
  return { active, states: upstreams.map(({ name, state }) => `${name} ${state}`).join(', '), finding };
};

describe('upstreams', () => {
  it('are what any proxy has of them, and the active one is that of most', () => {
    const { active, states, finding } = found(
      there,
      proxy('down', 'active', 'standby'),
      proxy('active', 'standby', 'not-needed'),
      proxy('down', 'active', 'connecting'),
    );
    expect(active).toBe('first');
    expect(states).toBe('own Active, first Active, second Standby');
    expect(finding).toEqual({ type: 'UpstreamAvailable', status: 'True', reason: 'UpstreamWorks', message: '' });
  });

  it('are told with the reasons where no proxy has one', () => {
    const { active, states, finding } = found(there, proxy('down', 'down', 'connecting'));
    expect([active, states]).toEqual([undefined, 'own Unavailable, first Unavailable, second Unavailable']);
    expect(finding).toMatchObject({
      ...{ status: 'False', reason: 'NoUpstreamWorks' },
      message: 'own: upstream-unreachable; first: upstream-unreachable',
    });
  });

  it('are not known while no proxy answers', () => {
    const { active, states, finding } = found(there);
    expect([active, states, finding.status]).toEqual([undefined, '', 'Unknown']);
  });

  it('that name a pool which is gone say so, while another one is mined for', () => {
    const { active, states, finding } = found(gone, proxy('down', 'active', 'standby'));
    expect([active, states]).toEqual(['first', 'own NotFound, first Active, second Standby']);
    expect(finding).toMatchObject({
      ...{ status: 'False', reason: 'PoolNotFound' },
      message: 'upstream own: there is no MiningPool main',
    });
    // Before the first proxy is asked.
    expect(found(gone).states).toBe('own NotFound');
  });

  it('are known by their addresses, so that proxies of an older revision count as well', () => {
    const [, first, second] = proxy('', 'standby', 'active') as [SeenUpstream, SeenUpstream, SeenUpstream];
    expect(found(there, [second, first]).states).toBe('first Standby, second Active');
  });
});
