// The PodMonitors of fleets. A cluster may not have their kind, so that they are not watched, but looked at now and then.
import type { Clock } from '@sluice/runtime/clock';
import type { ProxyFleet } from '../api/v1alpha1.ts';
import { podMonitors } from '../apply/child-kinds.ts';
import type { Children } from '../apply/children.ts';
import { podMonitor } from '../desired/pod-monitor.ts';

const LOOK_MS = 10 * 60_000;

export class FleetMonitors {
  readonly #clock: Clock;
  /** When each was looked at last, by uid of the fleet. */
  readonly #looks = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws as `Children` does */
  async keep(fleet: ProxyFleet, children: Children): Promise<void> {
    const { uid } = fleet.metadata;
    const now = this.#clock.monotonic();
    if (now - (this.#looks.get(uid) ?? Number.NEGATIVE_INFINITY) < LOOK_MS) return;
    if (await children.isServed(podMonitors)) await children.apply(podMonitors, fleet, podMonitor(fleet));
    this.#looks.set(uid, now);
  }

  /** The fleet is gone. */
  forget(uid: string): void {
    this.#looks.delete(uid);
  }
}
