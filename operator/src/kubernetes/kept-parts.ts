// What a cache keeps of an object: managedFields and what kubectl remembers are often larger than everything else.
import type { KubernetesObject, ManagedFields } from './resource.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object without them. @param managedFields what is kept of those all the same */
export function keptParts<T extends KubernetesObject>(object: T, managedFields: readonly ManagedFields[] = []): T {
  const { managedFields: _, annotations, ...metadata } = object.metadata;
  const { [LAST_APPLIED]: __, ...others } = annotations ?? {};
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(annotations === undefined ? {} : { annotations: others }),
      ...(managedFields.length === 0 ? {} : { managedFields }),
    },
  };
}
