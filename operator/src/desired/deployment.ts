import { type Manifest, ownedMetadata } from './manifest.ts';
import type { PodTemplate } from './pod-template.ts';
import { type Workload, workloadLabels, workloadName, workloadSelector } from './workload.ts';

/** Of a service whose pods hold no connections of miners. One is started before one is ended, so that somebody always answers. */
export function deployment(workload: Workload, template: PodTemplate, replicas: number): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: ownedMetadata(workload.owner, workloadName(workload), workloadLabels(workload)),
    spec: {
      replicas,
      // Old ones name configurations that are taken away with their last pod.
      revisionHistoryLimit: 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: workloadSelector(workload) },
      template,
    },
  };
}
