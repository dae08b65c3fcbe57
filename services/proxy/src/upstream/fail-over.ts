// Which upstreams of the list the farm works for. Pure: whoever connects says what is up and what went down. An upstream is named by its
// place in the list; those of one rank are in use together, and rank 0 is preferred. Times are milliseconds of a monotonic clock.

export interface FailOverOptions {
  /** How long a preferred upstream must have been up before the farm goes back to it. */
  readonly returnAfterMs: number;
}

/** So many that work are enough: with as many up of better rank, none further down is connected. */
const KEPT_UP = 2;
/** At the start: how long an upstream may take before the farm begins without it. */
export const FIRST_WAIT_MS = 3_000;
/** An upstream that fails within so many return times of a return came back too soon. */
const SOON = 10;
/** The waiting doubles with each return that was too soon, up to this. */
const LONGEST_WAIT = 16;

interface State {
  readonly rank: number;
  isUsed: boolean;
  /** `undefined` while it is down. */
  upSinceMs: number | undefined;
  /** Has been up or down at all. */
  isKnown: boolean;
  /** In return times: how long it must be up before the farm returns to it. */
  wait: number;
  /** When the farm came back to it; `undefined`: it is not in use, or the farm did not come back to it. */
  returnedMs: number | undefined;
}

/** Upstreams with a weight share the first rank; of the others each has one by itself, in the order of the list. */
export function ranksOf(weights: readonly (number | undefined)[]): readonly number[] {
  let last = weights.some((weight) => weight !== undefined) ? 0 : -1;
  return weights.map((weight) => {
    if (weight !== undefined) return 0;
    last += 1;
    return last;
  });
}

export class FailOver {
  readonly #returnAfterMs: number;
  readonly #startedMs: number;
  readonly #states: readonly State[];
  #inUse: readonly number[] = [];

  /** @param ranks by place. */
  constructor(ranks: readonly number[], { returnAfterMs }: FailOverOptions, nowMs: number) {
    this.#returnAfterMs = returnAfterMs;
    this.#startedMs = nowMs;
    this.#states = ranks.map((rank) => ({
      ...{ rank, isUsed: false, upSinceMs: undefined, isKnown: false, wait: 1, returnedMs: undefined },
    }));
  }

  /** Those in use, as `choose` has found them: places, ascending; the same array while they are the same. */
  get inUse(): readonly number[] {
    return this.#inUse;
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
    if (!state.isUsed) return;
    const { returnedMs } = state;
    this.#leave(state);
    this.#note();
    if (returnedMs === undefined) return;
    const lastedMs = nowMs - returnedMs;
    state.wait = lastedMs < SOON * this.#returnAfterMs ? Math.min(LONGEST_WAIT, 2 * state.wait) : 1;
  }

  /** Decides anew, and gives `inUse`; asked after each `up` and `down`, and about once a second. */
  choose(nowMs: number): readonly number[] {
    const used = this.#states.find(({ isUsed }) => isUsed);
    if (used === undefined) this.#useFirst(nowMs);
    else this.#return(used.rank, nowMs);
    return this.#inUse;
  }

  /** Whether it is to be connected: those in use, and each that has fewer than two working ones of better rank. */
  wants(place: number): boolean {
    const { rank, isUsed } = this.#at(place);
    if (isUsed) return true;
    const up = this.#states.filter((other) => other.rank < rank && other.upSinceMs !== undefined);
    return up.length < KEPT_UP;
  }

  #useFirst(nowMs: number): void {
    const up = this.#states.filter(({ upSinceMs }) => upSinceMs !== undefined);
    const rank = Math.min(...up.map((state) => state.rank));
    const othersAreKnown = this.#states.every((state) => state.rank > rank || state.isKnown);
    if (up.length === 0 || (!othersAreKnown && nowMs - this.#startedMs < FIRST_WAIT_MS)) return;
    for (const state of up) if (state.rank === rank) state.isUsed = true;
    this.#note();
  }

  /** To upstreams of a better rank, or to more of the present one. */
  #return(present: number, nowMs: number): void {
    const ready = this.#states.filter(
      ({ rank, isUsed, upSinceMs, wait }) =>
        !isUsed && rank <= present && upSinceMs !== undefined && nowMs - upSinceMs >= wait * this.#returnAfterMs,
    );
    if (ready.length === 0) return;
    const best = Math.min(...ready.map(({ rank }) => rank));
    for (const state of this.#states) if (state.isUsed && state.rank > best) this.#leave(state);
    for (const state of ready) {
      if (state.rank !== best) continue;
      state.isUsed = true;
      state.returnedMs = nowMs;
    }
    this.#note();
  }

  #leave(state: State): void {
    state.isUsed = false;
    state.returnedMs = undefined;
  }

  #note(): void {
    this.#inUse = [...this.#states.keys()].filter((place) => this.#at(place).isUsed);
  }

  #at(place: number): State {
    const state = this.#states[place];
    if (state === undefined) throw new RangeError(`there is no upstream ${place}`);
    return state;
  }
}
