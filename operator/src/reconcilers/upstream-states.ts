// What a fleet's upstreams are like, from what its proxies say of them.
import type { ProxyFleet, ProxyFleetStatus } from '../api/v1alpha1.ts';
import { upstreamHost } from '../desired/upstream-access.ts';
import type { Finding } from '../status/conditions.ts';
import type { KnownPools } from './known-pools.ts';

/** One upstream in the eyes of one proxy, as `GET /api/v1/upstreams` has it. */
export interface SeenUpstream {
  /** `HOST:PORT` */
  readonly name: string;
  readonly state: string;
  readonly down_reason: string | null;
}

type UpstreamState = NonNullable<ProxyFleetStatus['upstreams']>[number];

export interface UpstreamStates {
  /** That the most proxies mine for; undefined: none does. */
  readonly active: string | undefined;
  /** In the order of the spec; those that no proxy knows are left out. */
  readonly upstreams: readonly UpstreamState[];
  /** UpstreamAvailable. */
  readonly finding: Finding;
}

/** @param seen by each proxy that answered */
export function upstreamStates(
  { spec }: ProxyFleet,
  { addressOf, missing }: KnownPools,
  seen: readonly (readonly SeenUpstream[])[],
): UpstreamStates {
  const all = spec.upstreams.map((upstream) => {
    const host = upstreamHost(upstream, addressOf);
    const looks = seen.flatMap((list) => list.find(({ name }) => name === host) ?? []);
    return { name: upstream.name, state: stateOf(looks, missing.has(upstream.name)), looks };
  });
  const miners = (each: (typeof all)[number]) => each.looks.filter(({ state }) => state === 'active').length;
  const [most] = all.filter(({ state }) => state === 'Active').toSorted((a, b) => miners(b) - miners(a));
  const reasons = all.flatMap(({ name, looks }) => {
    const reason = looks.find(({ down_reason }) => down_reason !== null)?.down_reason;
    return reason === undefined ? [] : [`${name}: ${reason}`];
  });
  return {
    active: most?.name,
    upstreams: all.flatMap(({ name, state }) => (state === undefined ? [] : [{ name, state }])),
    finding: {
      type: 'UpstreamAvailable',
      ...available(
        [...missing].map(([upstream, why]) => `upstream ${upstream}: ${why}`),
        seen.length,
        most?.name,
        reasons,
      ),
    },
  };
}

function stateOf(looks: readonly SeenUpstream[], isMissing: boolean): UpstreamState['state'] | undefined {
  const is = (...states: string[]) => looks.some(({ state }) => states.includes(state));
  if (is('active')) return 'Active';
  if (isMissing) return 'NotFound';
  if (is('standby', 'not-needed')) return 'Standby';
  return looks.length === 0 ? undefined : 'Unavailable';
}

function available(
  missing: readonly string[],
  answers: number,
  active: string | undefined,
  reasons: readonly string[],
): Omit<Finding, 'type'> {
  if (missing.length > 0) return { status: 'False', reason: 'PoolNotFound', message: missing.join('; ') };
  if (answers === 0)
    return { status: 'Unknown', reason: 'NoAnswer', message: 'No proxy has told of its upstreams yet.' };
  if (active === undefined) return { status: 'False', reason: 'NoUpstreamWorks', message: reasons.join('; ') };
  return { status: 'True', reason: 'UpstreamWorks', message: '' };
}
