// What the operator notes on a custom resource, because it must outlive every status.
import { customKindOf } from '../api/custom-kinds.ts';
import type { MiningPool, ProxyFleet } from '../api/v1alpha1.ts';
import type { Writer } from '../apply/writer.ts';
import { type KubernetesObject, objectPath } from '../kubernetes/resource.ts';

/**
 * @param annotations null: taken off
 * @param precondition by default that the resource of that name is this one, in whatever version
 * @throws KubernetesError `api-conflict` where the precondition does not hold; ChildError `not-leader`
 */
export async function annotate(
  writer: Writer,
  resource: MiningPool | ProxyFleet,
  annotations: Readonly<Record<string, string | null>>,
  precondition: Pick<KubernetesObject['metadata'], 'uid' | 'resourceVersion'> = { uid: resource.metadata.uid },
): Promise<void> {
  await writer.write({
    method: 'PATCH',
    path: objectPath(customKindOf(resource), resource.metadata),
    contentType: 'application/merge-patch+json',
    body: { metadata: { ...precondition, annotations } },
  });
}
