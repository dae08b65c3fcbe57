import { contentHash } from './content-hash.ts';
import { fleetLabels, fleetName, fleetSelector, type OwnedFleet, REVISION } from './fleet.ts';
import { type Manifest, ownedMetadata } from './manifest.ts';

/** What a pod of a fleet is made of. */
export interface PodTemplate {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: object;
}

/** The revision that a template is: nothing else decides whether pods are exchanged. */
export const revisionOf = (template: PodTemplate): string => contentHash(template);

/** The ReplicaSet of one revision. Not a Deployment, which would delete pods that nobody has emptied. */
export function replicaSet(owned: OwnedFleet, template: PodTemplate, replicas: number): Manifest {
  const revision = { [REVISION]: revisionOf(template) };
  const labels = { ...fleetLabels(owned), ...revision };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: ownedMetadata(owned.owner, `${fleetName(owned)}-${revision[REVISION]}`, labels),
    spec: {
      replicas,
      minReadySeconds: owned.fleet.rollout.minReadySeconds,
      selector: { matchLabels: { ...fleetSelector(owned), ...revision } },
      template: {
        ...template,
        metadata: { ...template.metadata, labels: { ...template.metadata.labels, ...revision } },
      },
    },
  };
}
