import { type Manifest, type Owner, ownedMetadata } from './manifest.ts';
import { type Workload, workloadLabels, workloadName, workloadSelector } from './workload.ts';

type Labels = Readonly<Record<string, string>>;

export const disruptionBudget = (workload: Workload): Manifest =>
  disruptionBudgetOf(workload.owner, workloadName(workload), workloadLabels(workload), workloadSelector(workload));

/** One pod at a time may be evicted, as when nodes are emptied; those that are not ready may always, since they serve nobody. */
export function disruptionBudgetOf(owner: Owner, name: string, labels: Labels, selector: Labels): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMetadata(owner, name, labels),
    spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: selector } },
  };
}
