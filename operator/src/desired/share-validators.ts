import type { MiningPool } from '../api/v1alpha1.ts';
import type { DefaultImage } from './image-reference.ts';
import { poolService, type ServiceManifests } from './pool-service.ts';
import { streamBounds } from './stream-bounds.ts';

/** @param replicas as the scaling decides */
export function shareValidators(pool: MiningPool, image: DefaultImage, replicas: number): ServiceManifests {
  const { network, bus, services } = pool.spec;
  return poolService(pool, image, {
    infix: 'sv',
    component: 'share-validator',
    replicas,
    pods: services.shareValidator,
    settings: { network, ...streamBounds(bus) },
  });
}
