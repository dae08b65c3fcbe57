import { fleetLabels, fleetName, fleetSelector, type OwnedFleet } from './fleet.ts';
import { type Manifest, ownedMetadata } from './manifest.ts';

/** One pod of a fleet at a time may be evicted, as when nodes are emptied; those that are not ready may always, since they hold nobody. */
export function disruptionBudget(owned: OwnedFleet): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMetadata(owned.owner, fleetName(owned), fleetLabels(owned)),
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: fleetSelector(owned) },
    },
  };
}
