// Shares that come one by one are read together. To be woken for one costs several times what the share does, and where a thousand come in a
// second each wakes the process. So one that was woken for a few, shortly after it was for a few before, stands still for a moment, as a network card
// holds back its interrupts, and finds several at once. All else that comes meanwhile waits as long, a new tip too.
import type { Clock } from '@sluice/runtime/clock';

/** A turn of the event loop that took longer had enough to do: nothing is gained by making it more. */
const SHORT_TURN_MS = 1;

export interface ReadRestModules {
  readonly clock: Clock;
  readonly counters: { readRests: number };
  /** Runs a task when all sockets that have something were read, and what was to be done behind that before. */
  later(task: () => void): void;
  /** Blocks the thread. */
  standStill(ms: number): void;
}

/** For all shares of a thread. */
export class ReadRests {
  readonly #restMs: number;
  readonly #modules: ReadRestModules;
  /** When the first share of this turn was read; undefined: none yet. */
  #turnSince: number | undefined;
  /** When the turn or rest before was over. */
  #restedAt = Number.NEGATIVE_INFINITY;
  readonly #onTurnEnd = () => this.#endTurn();

  /** @param restMs 0: never. */
  constructor(restMs: number, modules: ReadRestModules) {
    this.#restMs = restMs;
    this.#modules = modules;
  }

  /** A share was read, and is judged or waits for it. */
  onShare(): void {
    if (this.#turnSince !== undefined || this.#restMs === 0) return;
    this.#turnSince = this.#modules.clock.monotonic();
    this.#modules.later(this.#onTurnEnd);
  }

  #endTurn(): void {
    const { clock, counters, standStill } = this.#modules;
    const since = this.#turnSince ?? Number.NEGATIVE_INFINITY;
    const now = clock.monotonic();
    // Where shares are few the next one is far: it would wait for nobody.
    const isFollowed = since - this.#restedAt <= this.#restMs;
    this.#turnSince = undefined;
    this.#restedAt = now;
    if (!isFollowed || now - since > SHORT_TURN_MS) return;
    standStill(this.#restMs);
    counters.readRests += 1;
    this.#restedAt = clock.monotonic();
  }
}
