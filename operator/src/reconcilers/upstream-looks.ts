// What proxies say of their upstreams when they are asked, and not again within moments.
import type { Clock } from '@sluice/runtime/clock';
import type { ProxyFleet } from '../api/v1alpha1.ts';
import { ownedProxies } from '../desired/proxies.ts';
import type { ObjectCache } from '../kubernetes/object-cache.ts';
import type { PodRequests } from '../scaling-loop/pod-requests.ts';
import { BY_WORKLOAD, type Pod, workloadKey } from '../scaling-loop/pods.ts';
import type { SeenUpstream } from './upstream-states.ts';

/** Between two looks at a fleet, however often it is reconciled. */
const LOOK_MS = 15_000;
/** Of one fleet; the others have the same upstreams. */
const ASKED_PODS = 32;

export interface UpstreamLooksModules {
  readonly requests: PodRequests;
  readonly pods: ObjectCache<Pod>;
  readonly clock: Clock;
}

export class UpstreamLooks {
  readonly #modules: UpstreamLooksModules;
  /** By uid of the fleet. */
  readonly #looks = new Map<string, { readonly at: number; readonly seen: readonly (readonly SeenUpstream[])[] }>();

  constructor(modules: UpstreamLooksModules) {
    this.#modules = modules;
  }

  /** What each proxy that answers has of its upstreams. */
  async of(fleet: ProxyFleet): Promise<readonly (readonly SeenUpstream[])[]> {
    const { pods, clock } = this.#modules;
    const { uid } = fleet.metadata;
    const now = clock.monotonic();
    const last = this.#looks.get(uid);
    if (last !== undefined && now - last.at < LOOK_MS) return last.seen;
    const running = pods
      .find(BY_WORKLOAD, workloadKey(ownedProxies(fleet)))
      .filter(({ status, metadata }) => status?.podIP && metadata.deletionTimestamp === undefined);
    const answers = await Promise.all(running.slice(0, ASKED_PODS).map((pod) => this.#ask(pod)));
    const seen = answers.filter((answer) => answer !== undefined);
    // One that has no pods yet is looked at again as soon as it has.
    if (running.length > 0) this.#looks.set(uid, { at: now, seen });
    return seen;
  }

  /** The fleet is gone. */
  forget(uid: string): void {
    this.#looks.delete(uid);
  }

  async #ask(pod: Pod): Promise<readonly SeenUpstream[] | undefined> {
    try {
      const { status, text } = await this.#modules.requests.send(pod, { method: 'GET', path: '/api/v1/upstreams' });
      return status === 200 ? upstreamsIn(JSON.parse(text)) : undefined;
    } catch {
      // The scaling tells of pods that do not answer.
      return undefined;
    }
  }
}

function upstreamsIn(answer: unknown): readonly SeenUpstream[] | undefined {
  const { upstreams } = answer as { readonly upstreams?: unknown };
  return Array.isArray(upstreams) && upstreams.every(isSeen) ? upstreams : undefined;
}

function isSeen(value: unknown): value is SeenUpstream {
  if (typeof value !== 'object' || value === null) return false;
  const { name, state, down_reason: reason } = value as Readonly<Record<string, unknown>>;
  return typeof name === 'string' && typeof state === 'string' && (reason === null || typeof reason === 'string');
}
