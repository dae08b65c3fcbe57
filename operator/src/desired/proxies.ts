// What a ProxyFleet is made of.
import type { ProxyFleet } from '../api/v1alpha1.ts';
import { secondsOf } from './duration.ts';
import type { OwnedFleet } from './fleet.ts';
import { type FleetManifests, fleetManifests, listenAddresses } from './fleet-manifests.ts';
import type { DefaultImage } from './image-reference.ts';
import { tlsAccess } from './tls-access.ts';
import { type ResolvePool, upstreamAccess } from './upstream-access.ts';

export interface ProxyContext {
  /** What the operator was installed with. */
  readonly image: DefaultImage;
  /** By which the proxies check the certificate that they are given, in base58check; undefined while the fleet has no key. */
  readonly authorityPublicKey: string | undefined;
  /** Where the pools are that upstreams refer to. */
  readonly resolvePool: ResolvePool;
}

/** The fleet as the engine knows it. */
export const ownedProxies = (owner: ProxyFleet): OwnedFleet => ({
  ...{ owner, infix: 'px', component: 'proxy', fleet: owner.spec.proxies },
});

/**
 * @param replicas pods that its ReplicaSet is made with; how many it has afterwards is the scaling's
 * @returns undefined while there is no upstream that proxies could be told, or no key for a listener of Stratum V2
 */
export function proxies(owner: ProxyFleet, context: ProxyContext, replicas: number): FleetManifests | undefined {
  const { image, failover, identity, proxies: fleet } = owner.spec;
  const upstreams = upstreamAccess(owner, context.resolvePool);
  const listenSv2 = listenAddresses(fleet, 'SV2');
  const authorityPublicKey = listenSv2.length === 0 ? undefined : context.authorityPublicKey;
  if (upstreams.urls.length === 0 || (listenSv2.length > 0 && authorityPublicKey === undefined)) return undefined;
  const tls = tlsAccess(fleet);
  const isPerDevice = identity.mode === 'PerDevice';
  const settings = {
    listen: listenAddresses(fleet, 'SV1'),
    listenSv2,
    ...tls.settings,
    upstream: upstreams.urls,
    ...upstreams.settings,
    channels: isPerDevice ? 'per-miner' : 'aggregated',
    ...(isPerDevice ? { workerIdentity: identity.template } : {}),
    returnAfter: secondsOf(failover.returnAfter),
    reconnectAgents: fleet.drain.reconnect.vendors,
    reconnectVendors: fleet.drain.reconnect.vendors,
  };
  const inputs = {
    env: [],
    volumes: [...tls.volumes, ...upstreams.volumes],
    volumeMounts: [...tls.volumeMounts, ...upstreams.volumeMounts],
  };
  return fleetManifests(
    ownedProxies(owner),
    { image, defaultImage: context.image, settings, authorityPublicKey, inputs },
    replicas,
  );
}
