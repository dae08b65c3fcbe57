// How proxies reach the pools that they mine for: a URL for each, and where its password is mounted.
import type { MiningPool, ProxyFleet } from '../api/v1alpha1.ts';
import { ownedGateways } from './gateways.ts';
import { listenerServiceName } from './listener-service.ts';
import { secretVolume } from './secret-volume.ts';

const PASSWORDS_FOLDER = '/etc/sluice/upstreams';
const AUTHORITY_FOLDER = '/etc/sluice/upstream-ca';

/** Where the gateways of a pool are, `stratum2+tcp://HOST:PORT/KEY`; undefined where that was never known. */
export type ResolvePool = (name: string) => string | undefined;

/** By the Service of the first listener of Stratum V2, whose address stays. @param authorityPublicKey in base58check */
export function poolAddress(pool: MiningPool, authorityPublicKey: string): string | undefined {
  const listener = pool.spec.gateways.listeners.find(({ protocol }) => protocol === 'SV2');
  if (listener === undefined) return undefined;
  const host = listenerServiceName(ownedGateways(pool), listener.name);
  return `stratum2+tcp://${host}:${listener.port}/${authorityPublicKey}`;
}

export interface UpstreamAccess {
  /** By their names in the configuration file. */
  readonly settings: object;
  /** In order of preference; those of pools that were never there are left out. */
  readonly urls: readonly string[];
  readonly volumes: readonly object[];
  readonly volumeMounts: readonly object[];
}

export function upstreamAccess({ metadata, spec }: ProxyFleet, resolvePool: ResolvePool): UpstreamAccess {
  const secrets = spec.upstreams.flatMap(({ name, credentialsSecretRef: secret }) =>
    secret === undefined ? [] : [{ volume: `upstream-${name}`, folder: `${PASSWORDS_FOLDER}/${name}`, secret }],
  );
  const authority = spec.upstreamCASecretRef;
  const mounts = [
    ...secrets,
    // No name of an upstream comes to this one.
    ...(authority === undefined ? [] : [{ volume: 'authority', folder: AUTHORITY_FOLDER, secret: authority }]),
  ];
  return {
    settings: authority === undefined ? {} : { upstreamCaFile: `${AUTHORITY_FOLDER}/${authority.key}` },
    urls: spec.upstreams.flatMap((upstream) => urlOf(upstream, metadata.name, resolvePool) ?? []),
    volumes: mounts.map(({ volume, secret }) => secretVolume(volume, secret.name, [secret.key])),
    volumeMounts: mounts.map(({ volume, folder }) => ({ name: volume, mountPath: folder, readOnly: true })),
  };
}

type Upstream = ProxyFleet['spec']['upstreams'][number];

/** `HOST:PORT`, as proxies call the upstream. */
export function upstreamHost({ poolRef, url }: Upstream, resolvePool: ResolvePool): string | undefined {
  const address = poolRef === undefined ? url : resolvePool(poolRef.name);
  return address && /^[^:]+:\/\/([^/]+)/.exec(address)?.[1];
}

function urlOf(upstream: Upstream, fleet: string, resolvePool: ResolvePool): string | undefined {
  const { name, poolRef, url = '', identity = fleet, weight, credentialsSecretRef } = upstream;
  const account = encodeURIComponent(identity);
  const shared = weight === undefined ? [] : [`weight=${weight}`];
  if (poolRef !== undefined) {
    const address = resolvePool(poolRef.name);
    return address === undefined ? undefined : withOptions(address, [`identity=${account}`, ...shared]);
  }
  if (url.startsWith('stratum2+tcp:')) return withOptions(url, [`identity=${account}`, ...shared]);
  const password =
    credentialsSecretRef === undefined ? [] : [`passwordFile=${PASSWORDS_FOLDER}/${name}/${credentialsSecretRef.key}`];
  // With Stratum V1 the account stands before the host.
  return withOptions(url.replace('://', `://${account}@`), [...password, ...shared]);
}

const withOptions = (url: string, options: readonly string[]) =>
  options.length === 0 ? url : `${url}?${options.join('&')}`;
