// Which upstream of the list the farm works for. Pure: whoever connects says what is up and what went down. An upstream is named by its
// place in the list, 0 being preferred; times are milliseconds of a monotonic clock.

export interface FailOverOptions {
  /** How long a preferred upstream must have been up before the farm goes back to it. */
  readonly returnAfterMs: number;
}

/** So many of the list are kept connected, when they can be: the one in use and the next. */
const KEPT_UP = 2;
/** At the start: how long the first of the list may take before a later one is used. */
export const FIRST_WAIT_MS = 3_000;
/** An upstream that fails within so many return times of a return came back too soon. */
const SOON = 10;
/** The waiting doubles with each return that was too soon, up to this. */
const LONGEST_WAIT = 16;

interface State {
  /** `undefined` while it is down. */
  upSinceMs: number | undefined;
  /** Has been up or down at all. */
  isKnown: boolean;
  /** In return times: how long it must be up before the farm returns to it. */
  wait: number;
}

export class FailOver {
  readonly #returnAfterMs: number;
  readonly #startedMs: number;
  readonly #states: readonly State[];
  #active: number | undefined;
  /** When the farm came back to the active one; `undefined`: it did not come back to it. */
  #returnedMs: number | undefined;

  constructor(count: number, { returnAfterMs }: FailOverOptions, nowMs: number) {
    this.#returnAfterMs = returnAfterMs;
    this.#startedMs = nowMs;
    this.#states = Array.from({ length: count }, () => ({ upSinceMs: undefined, isKnown: false, wait: 1 }));
  }

  /** The one in use, as `choose` has found it. */
  get active(): number | undefined {
    return this.#active;
  }

  /** It is connected and has work. */
  up(place: number, nowMs: number): void {
    const state = this.#at(place);
    state.upSinceMs = nowMs;
    state.isKnown = true;
  }

  /** Its connection ended, or did not come about. */
  down(place: number, nowMs: number): void {
    const state = this.#at(place);
    state.upSinceMs = undefined;
    state.isKnown = true;
    if (this.#active !== place) return;
    this.#active = undefined;
    if (this.#returnedMs === undefined) return;
    const lastedMs = nowMs - this.#returnedMs;
    state.wait = lastedMs < SOON * this.#returnAfterMs ? Math.min(LONGEST_WAIT, 2 * state.wait) : 1;
  }

  /** Decides anew; asked after each `up` and `down`, and about once a second. */
  choose(nowMs: number): number | undefined {
    if (this.#active === undefined) {
      this.#active = this.#firstUp(nowMs);
      this.#returnedMs = undefined;
      return this.#active;
    }
    const better = this.#states.findIndex(
      ({ upSinceMs, wait }) => upSinceMs !== undefined && nowMs - upSinceMs >= wait * this.#returnAfterMs,
    );
    if (better !== -1 && better < this.#active) {
      this.#active = better;
      this.#returnedMs = nowMs;
    }
    return this.#active;
  }

  /** Whether it is to be connected: the one in use, the next that works, and all before them. */
  wants(place: number): boolean {
    if (place === this.#active) return true;
    let up = 0;
    for (const { upSinceMs } of this.#states.slice(0, place)) if (upSinceMs !== undefined) up += 1;
    return up < KEPT_UP;
  }

  #firstUp(nowMs: number): number | undefined {
    const first = this.#states.findIndex(({ upSinceMs }) => upSinceMs !== undefined);
    if (first === -1) return undefined;
    const othersAreKnown = this.#states.slice(0, first).every(({ isKnown }) => isKnown);
    return othersAreKnown || nowMs - this.#startedMs >= FIRST_WAIT_MS ? first : undefined;
  }

  #at(place: number): State {
    const state = this.#states[place];
    if (state === undefined) throw new RangeError(`there is no upstream ${place}`);
    return state;
  }
}
