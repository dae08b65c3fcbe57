// Every write of the operator goes through here, and none once the lease may be another's.
import type { ApiRequest, KubernetesClient } from '../kubernetes/client.ts';
import { ignoreNotFound } from '../kubernetes/errors.ts';
import { type KubernetesObject, objectPath, type Resource } from '../kubernetes/resource.ts';
import { ChildError } from './errors.ts';

/** The time during which this process may write. */
export interface Term {
  /** Whether the lease is certainly held, by a clock that cannot be set. */
  isHeld(): boolean;
  /** Aborted when the lease is lost, or given up. */
  readonly signal: AbortSignal;
}

export class Writer {
  readonly #client: KubernetesClient;
  readonly #term: Term;

  constructor(client: KubernetesClient, term: Term) {
    this.#client = client;
    this.#term = term;
  }

  /** @throws ChildError `not-leader`, and as the client */
  async write<T>(asked: Omit<ApiRequest, 'signal' | 'beforeSend'>): Promise<T> {
    const what = `${asked.method} ${asked.path}`;
    const { signal } = this.#term;
    if (signal.aborted) throw notLeading(what);
    // Not earlier: the lease may be lost while credentials and a connection are waited for.
    return this.#client.request<T>({ ...asked, signal, beforeSend: () => this.assertLeading(what) });
  }

  /**
   * Removes the object that was looked at, and no other or newer one; that it is gone already is as well.
   * @param propagationPolicy `Orphan` leaves what it owns
   * @throws ChildError `not-leader`; KubernetesError `api-conflict` when it is another one by now
   */
  async remove(
    resource: Resource,
    { metadata }: KubernetesObject,
    propagationPolicy: 'Background' | 'Orphan' = 'Background',
  ): Promise<void> {
    const { uid, resourceVersion } = metadata;
    const body = {
      ...{ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy },
      preconditions: { uid, resourceVersion },
    };
    await this.write({ method: 'DELETE', path: objectPath(resource, metadata), body }).catch(ignoreNotFound);
  }

  /** For what is done elsewhere than at the API server. @param what is not done otherwise @throws ChildError `not-leader` */
  assertLeading(what: string): void {
    if (this.#term.signal.aborted || !this.#term.isHeld()) throw notLeading(what);
  }

  /** What there is now, whatever caches say. */
  read<T>(path: string): Promise<T> {
    return this.#client.request<T>({ method: 'GET', path, signal: this.#term.signal });
  }
}

const notLeading = (what: string) => new ChildError('not-leader', `${what}: not written`);
