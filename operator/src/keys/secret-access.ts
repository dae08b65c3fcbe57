// Secrets as they are now: none is watched, and each is read by its name.
import { secrets } from '../apply/child-kinds.ts';
import type { Writer } from '../apply/writer.ts';
import { ignoreNotFound } from '../kubernetes/errors.ts';
import { objectPath } from '../kubernetes/resource.ts';
import type { Secret } from './authority-secret.ts';

/** @throws KubernetesError for everything but that there is none */
export const readSecret = (writer: Writer, namespace: string, name: string): Promise<Secret | undefined> =>
  writer.read<Secret>(objectPath(secrets, { namespace, name })).catch(ignoreNotFound);

/**
 * Changes the very version that was read.
 * @throws KubernetesError `api-conflict` when it is another one by now
 */
export async function patchSecret(
  writer: Writer,
  { metadata }: Secret,
  change: { readonly metadata: object; readonly data: object },
): Promise<void> {
  const { uid, resourceVersion } = metadata;
  await writer.write({
    method: 'PATCH',
    path: objectPath(secrets, metadata),
    contentType: 'application/merge-patch+json',
    body: { ...change, metadata: { ...change.metadata, uid, resourceVersion } },
  });
}
