// The PodMonitors of resources. A cluster may not have their kind, so that they are not watched, but looked at now and then; and whoever refuses one
// stands in nobody's way.
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { MiningPool, ProxyFleet } from '../api/v1alpha1.ts';
import { podMonitors } from '../apply/child-kinds.ts';
import type { Children } from '../apply/children.ts';
import { ChildError } from '../apply/errors.ts';
import { isChildFault } from '../control/child-faults.ts';
import type { Owner } from '../desired/manifest.ts';
import { podMonitor } from '../desired/pod-monitor.ts';
import { isKubernetesError, type KubernetesErrorCode } from '../kubernetes/errors.ts';

const LOOK_MS = 10 * 60_000;
const REFUSED_LOOK_MS = 60_000;
/** What comes of a webhook, or of rights that the operator was not given. */
const refusals: readonly KubernetesErrorCode[] = ['api-refused', 'api-forbidden', 'api-failed'];

interface Look {
  readonly faults: readonly ChildError[];
  readonly generation: number;
  /** By the clock that cannot be set. */
  readonly againAt: number;
}

export class PodMonitors {
  readonly #clock: Clock;
  /** By uid of the resource. */
  readonly #looks = new Map<string, Look>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with why there is none although there should be. @throws as `Children` does, for what is not the PodMonitor's alone */
  async keep(owner: MiningPool | ProxyFleet, children: Children): Promise<readonly ChildError[]> {
    const { uid, generation } = owner.metadata;
    const now = this.#clock.monotonic();
    const last = this.#looks.get(uid);
    if (last?.generation === generation && now < last.againAt) return last.faults;
    const faults = await this.#apply(owner, children);
    this.#looks.set(uid, { faults, generation, againAt: now + (faults.length === 0 ? LOOK_MS : REFUSED_LOOK_MS) });
    return faults;
  }

  /** The resource is gone. */
  forget(uid: string): void {
    this.#looks.delete(uid);
  }

  async #apply(owner: Owner, children: Children): Promise<readonly ChildError[]> {
    const manifest = podMonitor(owner);
    try {
      if (await children.isServed(podMonitors)) await children.apply(podMonitors, owner, manifest);
      return [];
    } catch (error) {
      if (isChildFault(error)) return [error];
      if (!refusals.some((code) => isKubernetesError(error, code))) throw error;
      return [new ChildError('invalid-child', `PodMonitor ${manifest.metadata.name}: ${messageOf(error)}`, error)];
    }
  }
}
