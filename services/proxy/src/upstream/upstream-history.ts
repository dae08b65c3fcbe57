// What state each upstream is in and how it came there. Kept in memory, for people.
import type { UpstreamError, UpstreamErrorCode } from './errors.ts';

/**
 * `connecting`: wanted, and not there yet; `standby`: connected and has work; `active`: the farm works for it; `down`: it failed and is tried again;
 * `not-needed`: enough others work.
 */
export type UpstreamState = 'connecting' | 'standby' | 'active' | 'down' | 'not-needed';

/** Changes that are kept. At one more the oldest is forgotten. */
export const HISTORY_BOUND = 256;
/** Of what an upstream has said, in characters. */
const DETAIL_BOUND = 256;

export interface StateChange {
  /** Of the upstream in the list, from 0. */
  readonly place: number;
  readonly state: UpstreamState;
  /** Unix milliseconds. */
  readonly atMs: number;
  /** Of `down` alone. */
  readonly reason: UpstreamErrorCode | undefined;
  readonly detail: string | undefined;
  /** Attempts in a row that failed for this reason, and when the last of them did. */
  times: number;
  lastMs: number;
}

export class UpstreamHistory {
  /** By place: the change that led to its present state. */
  readonly #current: StateChange[];
  readonly #changes: StateChange[] = [];

  /** All are connecting. */
  constructor(count: number, nowMs: number) {
    this.#current = Array.from({ length: count }, (_, place) => change(place, 'connecting', nowMs, undefined));
  }

  /** The oldest first. */
  get changes(): readonly StateChange[] {
    return this.#changes;
  }

  current(place: number): StateChange {
    const current = this.#current[place];
    if (current === undefined) throw new RangeError(`there is no upstream ${place}`);
    return current;
  }

  /** The same state again is no change; a failure of the same kind is counted with the one before. @param reason of `down`. */
  note(place: number, state: UpstreamState, nowMs: number, reason?: UpstreamError): void {
    const before = this.current(place);
    if (before.state === state && before.reason === reason?.code) {
      if (state !== 'down') return;
      before.times += 1;
      before.lastMs = nowMs;
      return;
    }
    const next = change(place, state, nowMs, reason);
    this.#current[place] = next;
    this.#changes.push(next);
    if (this.#changes.length > HISTORY_BOUND) this.#changes.shift();
  }
}

function change(place: number, state: UpstreamState, atMs: number, reason: UpstreamError | undefined): StateChange {
  const detail = reason?.message.slice(0, DETAIL_BOUND);
  return { place, state, atMs, reason: reason?.code, detail, times: 1, lastMs: atMs };
}
