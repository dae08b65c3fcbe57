// What is wrong with things that are not watched, each look at which is a question to the API server: a resource is looked at when it has changed,
// while something is wrong, and else now and then.
import type { Clock } from '@sluice/runtime/clock';
import type { MiningPool, ProxyFleet } from '../api/v1alpha1.ts';

interface Look<T> {
  readonly faults: readonly T[];
  readonly generation: number;
  /** By the clock that cannot be set. */
  readonly againAt: number;
}

/** In milliseconds until the next look. */
export interface LookPace {
  readonly wellMs: number;
  readonly faultMs: number;
}

/** Of resources that there are; whoever removes one forgets it here. */
export class FaultLooks<T> {
  readonly #clock: Clock;
  readonly #pace: LookPace;
  /** By uid of the resource. */
  readonly #looks = new Map<string, Look<T>>();

  constructor(clock: Clock, pace: LookPace) {
    this.#clock = clock;
    this.#pace = pace;
  }

  /** Resolves with what the last look found, or this one. @throws what `look` does, and then it is looked again the next time */
  async of({ metadata }: MiningPool | ProxyFleet, look: () => Promise<readonly T[]>): Promise<readonly T[]> {
    const { uid, generation } = metadata;
    const now = this.#clock.monotonic();
    const last = this.#looks.get(uid);
    if (last?.generation === generation && now < last.againAt) return last.faults;
    const faults = await look();
    const { wellMs, faultMs } = this.#pace;
    this.#looks.set(uid, { faults, generation, againAt: now + (faults.length === 0 ? wellMs : faultMs) });
    return faults;
  }

  /** The resource is gone. */
  forget(uid: string): void {
    this.#looks.delete(uid);
  }
}
