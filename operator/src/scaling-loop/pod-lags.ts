// How far behind the share validators of one pool are, as each said last. Held by whoever leads alone: the next one asks anew.
import type { Clock } from '@sluice/runtime/clock';
import { SAMPLE_MAX_AGE_MS } from '../scaling/observed-fleet.ts';
import type { Pod } from './pods.ts';
import type { Scraper } from './scraper.ts';

/** Age of the oldest record that a validator works on. */
const LAG = 'sluice_share_validator_behind_seconds';

/** By the monotonic clock. */
interface Known {
  isBeingAsked: boolean;
  lag: { readonly at: number; readonly seconds: number } | undefined;
}

export class PodLags {
  readonly #scraper: Scraper;
  readonly #clock: Clock;
  /** By uid; of the pods that there are. */
  readonly #known = new Map<string, Known>();

  constructor(scraper: Scraper, clock: Clock) {
    this.#scraper = scraper;
    this.#clock = clock;
  }

  /** Asks all of the pool's pods that are not being asked. @param signal ends it */
  ask(pods: readonly Pod[], signal: AbortSignal): void {
    const uids = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const uid of this.#known.keys()) if (!uids.has(uid)) this.#known.delete(uid);
    for (const pod of pods) void this.#ask(pod, signal);
  }

  /** Of each pod, in seconds; undefined: nobody knows. */
  of(pods: readonly Pod[]): readonly (number | undefined)[] {
    const now = this.#clock.monotonic();
    return pods.map(({ metadata: { uid = '' } }) => {
      const lag = this.#known.get(uid)?.lag;
      return lag !== undefined && now - lag.at <= SAMPLE_MAX_AGE_MS ? lag.seconds : undefined;
    });
  }

  async #ask(pod: Pod, signal: AbortSignal): Promise<void> {
    const { uid = '' } = pod.metadata;
    const known = this.#known.get(uid) ?? { isBeingAsked: false, lag: undefined };
    if (known.isBeingAsked) return;
    this.#known.set(uid, known);
    known.isBeingAsked = true;
    const at = this.#clock.monotonic();
    const seconds = await this.#scraper.metric(pod, LAG, signal);
    known.isBeingAsked = false;
    if (seconds !== undefined) known.lag = { at, seconds };
  }
}
