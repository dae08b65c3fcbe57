// The parts of a pod that are the same for every service of ours.
import type { Image, Scheduling } from '../api/v1alpha1.ts';

/** Of the user `node` in the image. */
const USER = 1000;

/** What the Pod Security Standard `restricted` asks of a pod, and no access to the API, which our services have no use for. */
export const restrictedPod = {
  automountServiceAccountToken: false,
  // Kubernetes would set a variable for each Service, and of those that begin with SLUICE_ ours take every one for a setting.
  enableServiceLinks: false,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: USER,
    runAsGroup: USER,
    fsGroup: USER,
    seccompProfile: { type: 'RuntimeDefault' },
  },
} as const;

/** What it asks of a container, and a root file system that cannot be written. */
export const restrictedContainer = {
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
} as const;

/** Pull secrets of a pod. */
export function pullSecrets({ pullSecrets }: Image): object {
  return pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets };
}

/** Where a pod runs. Without constraints of the user's its like are spread over zones and nodes. @param selector of its like */
export function placement(scheduling: Scheduling, selector: Readonly<Record<string, string>>): object {
  const { topologySpread = overZonesAndNodes, ...asInPods } = scheduling;
  const labelSelector = { matchLabels: selector };
  return { ...asInPods, topologySpreadConstraints: topologySpread.map((each) => ({ ...each, labelSelector })) };
}

const overZonesAndNodes = ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
  topologyKey,
  whenUnsatisfiable: 'ScheduleAnyway' as const,
  maxSkew: 1,
}));
