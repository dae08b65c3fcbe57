// Our entry in a resource's finalizers: the API server keeps the resource until it is taken out.
import type { Writer } from '../apply/writer.ts';
import { type KubernetesObject, objectPath, type Resource } from '../kubernetes/resource.ts';

export const FINALIZER = 'mining.sluice.dev/finalizer';

export const hasFinalizer = ({ metadata }: KubernetesObject): boolean =>
  metadata.finalizers?.includes(FINALIZER) === true;

/** @throws KubernetesError `api-conflict` when the resource is another version by now */
export async function addFinalizer(writer: Writer, resource: Resource, object: KubernetesObject): Promise<void> {
  await patch(writer, resource, object, [...(object.metadata.finalizers ?? []), FINALIZER]);
}

/** @throws KubernetesError `api-conflict` when the resource is another version by now; `api-not-found` when it is gone */
export async function removeFinalizer(writer: Writer, resource: Resource, object: KubernetesObject): Promise<void> {
  const others = (object.metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
  await patch(writer, resource, object, others);
}

async function patch(
  writer: Writer,
  resource: Resource,
  { metadata }: KubernetesObject,
  finalizers: readonly string[],
): Promise<void> {
  const { resourceVersion } = metadata;
  await writer.write({
    method: 'PATCH',
    path: objectPath(resource, metadata),
    contentType: 'application/merge-patch+json',
    // The version keeps what others have put into the list meanwhile.
    body: { metadata: { resourceVersion, finalizers } },
  });
}
