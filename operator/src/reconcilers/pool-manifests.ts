// All objects of a MiningPool, in the order in which pods need them.
import type { MiningPool } from '../api/v1alpha1.ts';
import { channelManagers } from '../desired/channel-managers.ts';
import { gateways } from '../desired/gateways.ts';
import type { DefaultImage } from '../desired/image-reference.ts';
import { jobDistributors } from '../desired/job-distributors.ts';
import type { Manifest } from '../desired/manifest.ts';
import { shareValidators } from '../desired/share-validators.ts';
import { templateProviders } from '../desired/template-providers.ts';
import { isWorkload } from './readiness.ts';

export interface PoolManifests {
  /** What pods are started with stands before the workloads that start them. */
  readonly all: readonly Manifest[];
  /** Of the gateways' newest revision; undefined while there is no key by which miners know the pool. */
  readonly gateways: Manifest | undefined;
}

/** @param authorityPublicKey in base58check; the gateways wait for it */
export function poolManifests(pool: MiningPool, image: DefaultImage, authorityPublicKey?: string): PoolManifests {
  const { services, gateways: fleet } = pool.spec;
  const edge =
    authorityPublicKey === undefined ? undefined : gateways(pool, { image, authorityPublicKey }, fleet.replicas);
  const groups: readonly object[] = [
    channelManagers(pool, image),
    jobDistributors(pool, image),
    shareValidators(pool, image, services.shareValidator.minReplicas),
    templateProviders(pool, image),
    ...(edge === undefined ? [] : [edge]),
  ];
  const manifests = groups.flatMap((group) => Object.values(group).flat() as readonly Manifest[]);
  const workloads = manifests.filter(isWorkload);
  return { all: [...manifests.filter((each) => !isWorkload(each)), ...workloads], gateways: edge?.replicaSet };
}
