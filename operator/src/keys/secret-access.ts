// Secrets as they are now: none is watched, and each is read by its name.
import { secrets } from '../apply/child-kinds.ts';
import type { Writer } from '../apply/writer.ts';
import { isKubernetesError } from '../kubernetes/errors.ts';
import { objectPath } from '../kubernetes/resource.ts';
import type { Secret } from './authority-secret.ts';

/** @throws KubernetesError for everything but that there is none */
export async function readSecret(writer: Writer, namespace: string, name: string): Promise<Secret | undefined> {
  try {
    return await writer.read<Secret>(objectPath(secrets, { namespace, name }));
  } catch (error) {
    if (isKubernetesError(error, 'api-not-found')) return undefined;
    throw error;
  }
}

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
