import { contentHash } from './content-hash.ts';
import { type OwnedFleet, REVISION } from './fleet.ts';
import { type Manifest, ownedMetadata } from './manifest.ts';
import type { PodTemplate } from './pod-template.ts';
import { workloadLabels, workloadName, workloadSelector } from './workload.ts';

/** The revision that a template is: nothing else decides whether pods are exchanged. */
export const revisionOf = (template: PodTemplate): string => contentHash(template);

/** The ReplicaSet of one revision. Not a Deployment, which would delete pods that nobody has emptied. */
export function replicaSet(owned: OwnedFleet, template: PodTemplate, replicas: number): Manifest {
  const revision = { [REVISION]: revisionOf(template) };
  const labels = { ...workloadLabels(owned), ...revision };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: ownedMetadata(owned.owner, `${workloadName(owned)}-${revision[REVISION]}`, labels),
    spec: {
      replicas,
      minReadySeconds: owned.fleet.rollout.minReadySeconds,
      selector: { matchLabels: { ...workloadSelector(owned), ...revision } },
      template: {
        ...template,
        metadata: { ...template.metadata, labels: { ...template.metadata.labels, ...revision } },
      },
    },
  };
}
