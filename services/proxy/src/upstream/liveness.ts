// Whether an upstream that says nothing is still there. TCP does not tell: a machine between can take bytes for hours. A pool is
// asked for the extensions again, a node for a template that does not exist: questions that change nothing and are always answered.

/** Silence after which the upstream is asked. */
export const PROBE_AFTER_MS = 3_000;
/** From the question to the end, when nothing at all comes. */
export const PROBE_ANSWER_MS = 5_000;
/** Where an upstream does not answer such questions: how long a share may wait while nothing at all comes. */
export const UNANSWERED_SHARE_MS = 60_000;

/** What is to be done: ask, or give the upstream up. */
export type LivenessVerdict = 'probe' | 'silent' | undefined;

/** Times are milliseconds of a monotonic clock. */
export class Liveness {
  #receivedMs: number;
  #probedMs: number | undefined;
  #answersProbes = false;

  constructor(nowMs: number) {
    this.#receivedMs = nowMs;
  }

  /** Anything came. */
  received(nowMs: number): void {
    this.#receivedMs = nowMs;
    this.#probedMs = undefined;
  }

  /** The question was answered: so will be the next. */
  probeAnswered(): void {
    this.#answersProbes = true;
  }

  /** Asked several times a second. @param unansweredMs when the oldest share was sent that waits for its answer. */
  check(nowMs: number, unansweredMs: number | undefined): LivenessVerdict {
    const silentSince = this.#receivedMs;
    if (!this.#answersProbes) {
      const waitsSince = Math.max(silentSince, unansweredMs ?? nowMs);
      return nowMs - waitsSince >= UNANSWERED_SHARE_MS ? 'silent' : undefined;
    }
    if (this.#probedMs !== undefined) return nowMs - this.#probedMs >= PROBE_ANSWER_MS ? 'silent' : undefined;
    if (nowMs - silentSince < PROBE_AFTER_MS) return undefined;
    this.#probedMs = nowMs;
    return 'probe';
  }
}
