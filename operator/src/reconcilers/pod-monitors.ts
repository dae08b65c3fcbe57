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
import { FaultLooks, type LookPace } from './fault-looks.ts';

const LOOKS: LookPace = { wellMs: 10 * 60_000, faultMs: 60_000 };
/** What comes of a webhook, or of rights that the operator was not given. */
const refusals: readonly KubernetesErrorCode[] = ['api-refused', 'api-forbidden', 'api-failed'];

export class PodMonitors {
  readonly #looks: FaultLooks<ChildError>;

  constructor(clock: Clock) {
    this.#looks = new FaultLooks(clock, LOOKS);
  }

  /** Resolves with why there is none although there should be. @throws as `Children` does, for what is not the PodMonitor's alone */
  async keep(owner: MiningPool | ProxyFleet, children: Children): Promise<readonly ChildError[]> {
    return this.#looks.of(owner, () => this.#apply(owner, children));
  }

  /** The resource is gone. */
  forget(uid: string): void {
    this.#looks.forget(uid);
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
