import { contentHash } from './content-hash.ts';
import { type Manifest, type Owner, ownedMetadata } from './manifest.ts';

/** The file in it, which is the service's `--config`. */
export const CONFIG_FILE = 'config.yaml';

/** Settings of a service for `--config`. JSON is YAML, and no writer of YAML can change what it writes, which would exchange every pod. */
export function configMap(
  owner: Owner,
  prefix: string,
  labels: Readonly<Record<string, string>>,
  settings: object,
): Manifest {
  return configMapOf(owner, prefix, labels, { [CONFIG_FILE]: `${JSON.stringify(settings, null, 2)}\n` });
}

/** Files under a name that holds their hash: other files are another ConfigMap, and pods keep theirs. */
export function configMapOf(
  owner: Owner,
  prefix: string,
  labels: Readonly<Record<string, string>>,
  data: Readonly<Record<string, string>>,
): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: ownedMetadata(owner, `${prefix}-${contentHash(data)}`, labels),
    immutable: true,
    data,
  };
}
