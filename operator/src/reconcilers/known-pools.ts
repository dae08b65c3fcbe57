// Where the pools are that a fleet's upstreams name: as it follows from them, or as it was when they were there last.
import type { MiningPool, ProxyFleet } from '../api/v1alpha1.ts';
import type { CustomResource } from '../control/reconciler.ts';
import { poolAddress, type ResolvePool } from '../desired/upstream-access.ts';
import { AUTHORITY_PUBLIC_KEY } from '../keys/key-owner.ts';

/**
 * On a ProxyFleet: the addresses of its pools by their names, as JSON. A pool that goes leaves the proxies as they are, so that none is exchanged
 * when it goes or when it comes back.
 */
export const POOL_ADDRESSES = 'mining.sluice.dev/pool-addresses';

export interface KnownPools {
  readonly addressOf: ResolvePool;
  /** Why an upstream's pool is not to be had now, by the upstream's name. */
  readonly missing: ReadonlyMap<string, string>;
  /** What the annotation is to say. */
  readonly annotation: string;
}

/** @param poolNamed the pools of the fleet's namespace */
export function knownPools(fleet: ProxyFleet, poolNamed: (name: string) => MiningPool | undefined): KnownPools {
  const before = remembered(fleet.metadata.annotations?.[POOL_ADDRESSES]);
  const addresses = new Map<string, string>();
  const missing = new Map<string, string>();
  for (const { name: upstream, poolRef } of fleet.spec.upstreams) {
    if (poolRef === undefined) continue;
    const { name } = poolRef;
    const pool = poolNamed(name);
    const now = pool && addressNow(pool);
    const address = now ?? before.get(name);
    if (address !== undefined) addresses.set(name, address);
    if (now !== undefined) continue;
    const why = pool === undefined ? `there is no MiningPool ${name}` : `MiningPool ${name} has no key yet`;
    missing.set(upstream, address === undefined ? why : `${why}; its last address is kept`);
  }
  return {
    addressOf: (name) => addresses.get(name),
    missing,
    annotation: JSON.stringify(Object.fromEntries([...addresses].sort(([a], [b]) => (a < b ? -1 : 1)))),
  };
}

/** The pools that a fleet's upstreams name, as `NAMESPACE/NAME`; a resource of another kind names none. */
export function poolKeys(resource: CustomResource): readonly string[] {
  if (resource.kind !== 'ProxyFleet') return [];
  const { metadata, spec } = resource as unknown as ProxyFleet;
  return spec.upstreams.flatMap(({ poolRef }) =>
    poolRef === undefined ? [] : [`${metadata.namespace}/${poolRef.name}`],
  );
}

/** Where the pool is; undefined while it has no key. */
export function addressNow(pool: MiningPool): string | undefined {
  const key = pool.metadata.annotations?.[AUTHORITY_PUBLIC_KEY];
  return key === undefined ? undefined : poolAddress(pool, key);
}

/** Whoever may annotate may write anything: what is no address of a pool is as if it were not there. */
function remembered(annotation = '{}'): ReadonlyMap<string, string> {
  try {
    const entries = Object.entries(JSON.parse(annotation) as object);
    return new Map(entries.filter((entry): entry is [string, string] => ADDRESS.test(String(entry[1]))));
  } catch {
    return new Map();
  }
}

const ADDRESS = /^stratum2\+tcp:\/\/[a-z][-a-z0-9]{0,62}:[0-9]{1,5}\/[1-9A-HJ-NP-Za-km-z]{50,53}$/;
