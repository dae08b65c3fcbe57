// The volume `data` of a pod of a StatefulSet.
import type { Storage } from '../api/v1alpha1.ts';

export interface DataVolume {
  /** Of the pod. */
  readonly volumes: readonly object[];
  /** Of the StatefulSet. */
  readonly claims: object;
}

/** @param size such as `10Gi`; of an ephemeral volume its bound */
export function dataVolume({ ephemeral, storageClassName }: Storage, size: string): DataVolume {
  if (ephemeral) return { volumes: [{ name: 'data', emptyDir: { sizeLimit: size } }], claims: {} };
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size } },
      ...(storageClassName === undefined ? {} : { storageClassName }),
    },
  };
  return { volumes: [], claims: { volumeClaimTemplates: [claim] } };
}
