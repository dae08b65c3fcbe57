import type { MiningPool } from '../api/v1alpha1.ts';
import type { DefaultImage } from './image-reference.ts';
import { PAYOUT, payoutFingerprint } from './payout-fingerprint.ts';
import { podNameAs } from './pod-template.ts';
import { poolService, type ServiceManifests } from './pool-service.ts';

export function jobDistributors(pool: MiningPool, image: DefaultImage): ServiceManifests {
  const { network, payout, services } = pool.spec;
  const { controller, ...others } = poolService(pool, image, {
    infix: 'jd',
    component: 'job-distributor',
    replicas: services.jobDistributor.replicas,
    pods: services.jobDistributor,
    settings: {
      network,
      payout: payout.outputs.map(({ descriptor, weight }) => `${descriptor}=${weight}`),
      ...(payout.coinbaseTag === '' ? {} : { poolTag: payout.coinbaseTag }),
    },
    inputs: { env: [podNameAs('SLUICE_INSTANCE')], volumes: [], volumeMounts: [] },
  });
  const annotations = { ...controller.metadata.annotations, [PAYOUT]: payoutFingerprint(pool) };
  return { ...others, controller: { ...controller, metadata: { ...controller.metadata, annotations } } };
}
