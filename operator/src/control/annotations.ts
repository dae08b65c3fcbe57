// What the operator notes on a custom resource, because it must outlive every status.
import { customKindOf } from '../api/custom-kinds.ts';
import type { MiningPool, ProxyFleet } from '../api/v1alpha1.ts';
import type { Writer } from '../apply/writer.ts';
import { objectPath } from '../kubernetes/resource.ts';

/** @throws KubernetesError `api-conflict` when the resource of that name is another one by now; ChildError `not-leader` */
export async function annotate(
  writer: Writer,
  resource: MiningPool | ProxyFleet,
  annotations: Readonly<Record<string, string>>,
): Promise<void> {
  const { metadata } = resource;
  await writer.write({
    method: 'PATCH',
    path: objectPath(customKindOf(resource), metadata),
    contentType: 'application/merge-patch+json',
    body: { metadata: { uid: metadata.uid, annotations } },
  });
}
