// What `kubectl sluice` reads of a cluster and writes to it, as whoever the kubeconfig is of.
import { customKinds } from '@sluice/operator/api/custom-kinds';
import type { MiningPool, ProxyFleet } from '@sluice/operator/api/v1alpha1';
import { CHILD_SELECTOR } from '@sluice/operator/apply/child-kinds';
import { HEALTH_PORT } from '@sluice/operator/desired/pod-template';
import type { KubernetesClient } from '@sluice/operator/kubernetes/client';
import { ignoreNotFound } from '@sluice/operator/kubernetes/errors';
import { listPages } from '@sluice/operator/kubernetes/list-pages';
import { type KubernetesObject, objectPath, type Resource } from '@sluice/operator/kubernetes/resource';
import { podKind, type Pod as ScaledPod } from '@sluice/operator/scaling-loop/pods';
import { Turns } from '@sluice/operator/scaling-loop/turns';
import { KubectlError } from './errors.ts';

export type Owner = MiningPool | ProxyFleet;

export interface Pod extends ScaledPod {
  readonly status?: ScaledPod['status'] & {
    readonly reason?: string;
    readonly message?: string;
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly image: string;
      readonly restartCount: number;
      readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
      readonly lastState?: object;
    }[];
  };
}

export interface ClusterEvent extends KubernetesObject {
  readonly involvedObject: { readonly kind?: string; readonly name?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly note?: string;
  readonly count?: number;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

const LOG_TIMEOUT_MS = 30_000;
const METRICS_TIMEOUT_MS = 3_000;
/** Pods that are asked for their metrics at once, of all resources. */
const ASKED_AT_ONCE = 16;

const eventKind: Resource = { apiVersion: 'v1', kind: 'Event', plural: 'events', namespaced: true };

/** Errors of the API are KubernetesErrors everywhere. */
export class Cluster {
  readonly #client: KubernetesClient;
  readonly #turns = new Turns(ASKED_AT_ONCE);
  readonly namespace: string;

  constructor(client: KubernetesClient, namespace: string) {
    this.#client = client;
    this.namespace = namespace;
  }

  /** All of both kinds. @param isEverywhere of every namespace */
  async owners(isEverywhere: boolean): Promise<readonly Owner[]> {
    const namespace = isEverywhere ? undefined : this.namespace;
    const lists = await Promise.all(customKinds.map((resource) => this.#list<Owner>(resource, namespace)));
    return lists.flat();
  }

  /** @param name or KIND/NAME @throws KubectlError `resource-unknown`, `resource-ambiguous` */
  async owner(name: string): Promise<Owner> {
    const [, kind, ownName = name] = /^([a-z]+)\/(.+)$/i.exec(name) ?? [];
    const kinds = customKinds.filter(({ kind: each, plural }) =>
      [undefined, each.toLowerCase(), plural].includes(kind?.toLowerCase()),
    );
    const found = await Promise.all(kinds.map((resource) => this.#find<Owner>(resource, ownName)));
    const [owner, other] = found.filter((each) => each !== undefined);
    if (other !== undefined)
      throw new KubectlError(
        'resource-ambiguous',
        `a MiningPool and a ProxyFleet have the name ${ownName}: miningpool/${ownName}?`,
      );
    if (owner !== undefined) return owner;
    const what = kinds.map((each) => each.kind).join(' or ') || `kind ${kind}`;
    throw new KubectlError('resource-unknown', `no ${what} ${ownName} in namespace ${this.namespace}`);
  }

  /** Pods that the operator has for a resource. */
  async pods({ kind, metadata }: Owner): Promise<readonly Pod[]> {
    const selector = `${CHILD_SELECTOR},app.kubernetes.io/instance=${metadata.name}`;
    const pods = await this.podsWith(selector, metadata.namespace);
    // A pool and a fleet may have one name.
    return pods.filter((pod) => (componentOf(pod) === 'proxy') === (kind === 'ProxyFleet'));
  }

  /** Undefined: it is gone. */
  async pod(name: string): Promise<Pod | undefined> {
    return this.#find<Pod>(podKind, name);
  }

  /** Those that the operator, or another one of that label, runs in a namespace. */
  async podsWith(labelSelector: string, namespace: string): Promise<readonly Pod[]> {
    return this.#list<Pod>(podKind, namespace, labelSelector);
  }

  /** Of a resource and of what is made for it, by their names. */
  async events({ metadata: { name, namespace } }: Owner): Promise<readonly ClusterEvent[]> {
    const all = await this.#list<ClusterEvent>(eventKind, namespace);
    return all.filter(({ involvedObject: { name: of = '' } }) => of === name || of.startsWith(`${name}-`));
  }

  /** The last lines of a pod's log. */
  async log(name: string, namespace: string, lines: number): Promise<readonly string[]> {
    const path = objectPath(podKind, { name, namespace }, 'log');
    const text = await this.#text(path, { tailLines: lines }, LOG_TIMEOUT_MS);
    return text.split('\n').filter((line) => line !== '');
  }

  /** What it says of itself, through the API server; undefined where that is not permitted, or does not reach it. */
  async metricsText({ metadata: { name, namespace } }: Pod): Promise<string | undefined> {
    const path = objectPath(podKind, { name: `${name}:${HEALTH_PORT}`, namespace }, 'proxy/metrics');
    return this.#turns.take(() => this.#text(path, {}, METRICS_TIMEOUT_MS)).catch(() => undefined);
  }

  /** Annotations are set, or taken off with null; of this very object. */
  async annotate(object: Owner | Pod, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#patch(object, { uid: object.metadata.uid, annotations });
  }

  /** Of this very version. */
  async setFinalizers(owner: Owner, finalizers: readonly string[]): Promise<void> {
    await this.#patch(owner, { resourceVersion: owner.metadata.resourceVersion, finalizers });
  }

  async #patch(object: Owner | Pod, metadata: object): Promise<void> {
    const resource = customKinds.find(({ kind }) => kind === object.kind) ?? podKind;
    await this.#client.request({
      method: 'PATCH',
      path: objectPath(resource, object.metadata),
      contentType: 'application/merge-patch+json',
      body: { metadata },
    });
  }

  async #find<T>(resource: Resource, name: string): Promise<T | undefined> {
    const path = objectPath(resource, { name, namespace: this.namespace });
    return this.#client.request<T>({ method: 'GET', path }).catch(ignoreNotFound);
  }

  async #list<T extends KubernetesObject>(
    resource: Resource,
    namespace: string | undefined,
    labelSelector?: string,
  ): Promise<readonly T[]> {
    const found: T[] = [];
    for await (const { objects } of listPages<T>(this.#client, resource, { namespace, labelSelector }))
      found.push(...objects);
    return found;
  }

  async #text(path: string, query: Readonly<Record<string, number>>, timeoutMs: number): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.#client.stream(path, query, AbortSignal.timeout(timeoutMs)))
      chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }
}

/** The program that runs in a pod of the operator's; empty for one of others. */
export const componentOf = ({ metadata: { labels = {} } }: Pod): string =>
  labels['app.kubernetes.io/managed-by'] === 'sluice-operator' ? (labels['app.kubernetes.io/component'] ?? '') : '';
