import type { Fleet } from '../api/v1alpha1.ts';
import { ACCEPTING, type OwnedFleet } from './fleet.ts';
import { type Manifest, ownedMetadata } from './manifest.ts';
import { workloadLabels, workloadName, workloadSelector } from './workload.ts';

/** The name of a listener's Service, and with it its address, depends on nothing but the names of the owner and the listener. */
export const listenerServiceName = (owned: OwnedFleet, listener: string) => `${workloadName(owned)}-${listener}`;

export function listenerService(owned: OwnedFleet, listener: Fleet['listeners'][number]): Manifest {
  const { annotations, type, externalTrafficPolicy, nodePort, sourceRanges, loadBalancerClass, ipFamilyPolicy } =
    listener.service;
  const metadata = ownedMetadata(owned.owner, listenerServiceName(owned, listener.name), workloadLabels(owned));
  const port = { name: listener.name, protocol: 'TCP', port: listener.port, targetPort: listener.name };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, ...(annotations === undefined ? {} : { annotations }) },
    spec: {
      type,
      selector: { ...workloadSelector(owned), [ACCEPTING]: 'true' },
      ports: [nodePort === undefined ? port : { ...port, nodePort }],
      // Of no meaning, and refused, where nothing comes from outside.
      ...(type === 'ClusterIP' ? {} : { externalTrafficPolicy }),
      ...(sourceRanges.length === 0 ? {} : { loadBalancerSourceRanges: sourceRanges }),
      ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
      ...(ipFamilyPolicy === undefined ? {} : { ipFamilyPolicy }),
    },
  };
}
