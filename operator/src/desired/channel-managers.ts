import type { MiningPool } from '../api/v1alpha1.ts';
import type { DefaultImage } from './image-reference.ts';
import { poolService, type ServiceManifests } from './pool-service.ts';

export function channelManagers(pool: MiningPool, image: DefaultImage): ServiceManifests {
  const { network, services } = pool.spec;
  return poolService(pool, image, {
    infix: 'cm',
    component: 'channel-manager',
    replicas: services.channelManager.replicas,
    pods: services.channelManager,
    settings: { network },
  });
}
