import { type Manifest, ownedMetadata } from './manifest.ts';
import { type Workload, workloadLabels, workloadName, workloadSelector } from './workload.ts';

/** One pod at a time may be evicted, as when nodes are emptied; those that are not ready may always, since they serve nobody. */
export function disruptionBudget(workload: Workload): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMetadata(workload.owner, workloadName(workload), workloadLabels(workload)),
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: workloadSelector(workload) },
    },
  };
}
