// All objects of a MiningPool that are watched, in the order in which pods need them.
import type { MiningPool } from '../api/v1alpha1.ts';
import { bitcoindNodes, nodeDisruptionBudget } from '../desired/bitcoind-nodes.ts';
import { channelManagers } from '../desired/channel-managers.ts';
import { gateways } from '../desired/gateways.ts';
import type { DefaultImage } from '../desired/image-reference.ts';
import { jobDistributors } from '../desired/job-distributors.ts';
import type { Manifest } from '../desired/manifest.ts';
import { natsServers } from '../desired/nats-servers.ts';
import { poolNetworkPolicies } from '../desired/network-policies.ts';
import type { NetworkContext } from '../desired/network-policy.ts';
import { shareValidators } from '../desired/share-validators.ts';
import { templateProviders } from '../desired/template-providers.ts';
import { validatorReplicas } from '../scaling/share-validators.ts';
import { isWorkload } from './readiness.ts';

/** What pods run where a resource names no other image. */
export interface DefaultImages {
  readonly sluice: DefaultImage;
  readonly nats: DefaultImage;
  readonly bitcoind: DefaultImage;
}

/** Secrets, by their uids, that pods read when they start and never again. */
export interface SecretUids {
  /** Of the user `system` of managed NATS servers. */
  readonly natsSystem: string;
  /** Of the RPC of managed nodes, by their names. */
  readonly nodes: ReadonlyMap<string, string>;
  /** Workloads that there are not yet and whose Secret is not to be had: they are made when it is. */
  readonly unmade: readonly string[];
}

export interface PoolContext {
  readonly images: DefaultImages;
  readonly network: NetworkContext;
  readonly secrets: SecretUids;
  /** In base58check; the gateways wait for it. */
  readonly authorityPublicKey: string | undefined;
}

export interface PoolManifests {
  /** What pods are started with stands before the workloads that start them. */
  readonly all: readonly Manifest[];
  /** These alone. */
  readonly workloads: readonly Manifest[];
  /** Of the gateways' newest revision; undefined while there is no key by which miners know the pool. */
  readonly gateways: Manifest | undefined;
}

export function poolManifests(pool: MiningPool, context: PoolContext): PoolManifests {
  const { shareValidator } = pool.spec.services;
  const { images, network, secrets, authorityPublicKey } = context;
  const image = images.sluice;
  const edge = authorityPublicKey === undefined ? undefined : gateways(pool, { image, authorityPublicKey }, 0);
  const groups: readonly object[] = [
    { policies: poolNetworkPolicies(pool, network) },
    natsServers(pool, images.nats, secrets.natsSystem) ?? {},
    ...bitcoindNodes(pool, images.bitcoind, secrets.nodes),
    { budget: nodeDisruptionBudget(pool) ?? [] },
    channelManagers(pool, image),
    jobDistributors(pool, image),
    shareValidators(pool, image, validatorReplicas(pool.metadata.annotations ?? {}, shareValidator)),
    templateProviders(pool, image),
    ...(edge === undefined ? [] : [edge]),
  ];
  const manifests = groups.flatMap((group) => Object.values(group).flat() as readonly Manifest[]);
  const workloads = manifests.filter((each) => isWorkload(each) && !secrets.unmade.includes(each.metadata.name));
  const all = [...manifests.filter((each) => !isWorkload(each)), ...workloads];
  return { all, workloads, gateways: edge?.replicaSet };
}
