// Volumes that outlive their pods on a node that nobody makes volumes on: folders of it.
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Kubectl } from './kubectl.ts';

/**
 * Makes one for each name, which any pod may write to.
 * @param storageClassName of the claims that are to be given one
 * @param storage of each, as `10Gi`; nothing is reserved
 */
export async function makeHostVolumes(
  kubectl: Kubectl,
  directory: string,
  names: readonly string[],
  { storageClassName, storage }: { readonly storageClassName: string; readonly storage: string },
): Promise<void> {
  const volumes = names.map((name) => {
    const path = join(directory, name);
    mkdirSync(path);
    // The kubelet gives folders of the host to nobody.
    chmodSync(path, 0o777);
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        ...{ capacity: { storage }, accessModes: ['ReadWriteOnce'], storageClassName },
        hostPath: { path, type: 'Directory' },
      },
    };
  });
  await kubectl.apply(...volumes);
}
