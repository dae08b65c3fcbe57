// Lists in pages, so that no answer is large.
import type { KubernetesClient } from './client.ts';
import { collectionPath, type KubernetesObject, type Resource } from './resource.ts';

/** Objects of one page. */
const PAGE_OBJECTS = 500;

export interface ListOptions {
  /** Without one: all namespaces. */
  readonly namespace?: string | undefined;
  /** Such as `app=x`; without one: every object. */
  readonly labelSelector?: string | undefined;
  readonly signal?: AbortSignal;
}

export interface ListPage<T> {
  readonly objects: readonly T[];
  /** Of the list as a whole: from here a watch goes on. */
  readonly resourceVersion: string;
}

interface List<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

/** All objects of a kind, at least one page. @throws KubernetesError */
export async function* listPages<T extends KubernetesObject>(
  client: KubernetesClient,
  resource: Resource,
  { namespace, labelSelector, signal }: ListOptions,
): AsyncGenerator<ListPage<T>, void> {
  const { apiVersion, kind } = resource;
  let next: string | undefined;
  do {
    const { metadata, items } = await client.request<List<T>>({
      method: 'GET',
      path: collectionPath(resource, namespace),
      query: { labelSelector, limit: PAGE_OBJECTS, continue: next },
      signal,
    });
    // The items of a list have neither.
    yield {
      objects: items.map((item) => ({ ...item, apiVersion, kind })),
      resourceVersion: metadata.resourceVersion,
    };
    next = metadata.continue || undefined;
  } while (next !== undefined);
}
