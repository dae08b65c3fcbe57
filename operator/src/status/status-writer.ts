import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '@sluice/runtime/clock';
import type { Writer } from '../apply/writer.ts';
import { type KubernetesObject, objectPath, type Resource } from '../kubernetes/resource.ts';

/** Between two writes of one status: what changes all the time is told often enough by metrics. */
const INTERVAL_MS = 15_000;
const FIELD_MANAGER = 'sluice-operator-status';

/** Writes what was found into a resource's status, where it is another than the one that there is, and not too often. */
export class StatusWriter {
  readonly #writer: Writer;
  readonly #clock: Clock;
  /** By uid; of resources that there are. */
  readonly #writtenAt = new Map<string, number>();

  constructor(modules: { readonly writer: Writer; readonly clock: Clock }) {
    this.#writer = modules.writer;
    this.#clock = modules.clock;
  }

  /**
   * Resolves with undefined when the status is as it should be, or with the milliseconds until it may be written.
   * @param object as it is in the cache
   * @throws KubernetesError; ChildError `not-leader`
   */
  async write(
    resource: Resource,
    object: KubernetesObject & { readonly status?: object },
    status: object,
  ): Promise<number | undefined> {
    if (isDeepStrictEqual(object.status, status)) return undefined;
    const { name, namespace, uid = '' } = object.metadata;
    const now = this.#clock.monotonic();
    const left = (this.#writtenAt.get(uid) ?? Number.NEGATIVE_INFINITY) + INTERVAL_MS - now;
    if (left > 0) return Math.ceil(left);
    this.#writtenAt.set(uid, now);
    const { apiVersion, kind } = resource;
    await this.#writer.write({
      method: 'PATCH',
      path: objectPath(resource, object.metadata, 'status'),
      query: { fieldManager: FIELD_MANAGER, force: true },
      contentType: 'application/apply-patch+yaml',
      // With the uid it is for that resource alone, not for one of the same name made since.
      body: { apiVersion, kind, metadata: { name, namespace, uid }, status },
    });
    return undefined;
  }

  /** The resource is gone. */
  forget(uid: string): void {
    this.#writtenAt.delete(uid);
  }
}
