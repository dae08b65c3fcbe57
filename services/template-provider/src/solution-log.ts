// Stores every answer of a node, and what clients of template distribution found, in the stream of solutions: in order, and again until
// the stream has taken it.
import type { Bus } from '@sluice/bus/bus';
import { subjectName } from '@sluice/bus/subjects';

/** Records that wait for the bus; the oldest goes at the bound and is counted. */
export const UNSTORED_BOUND = 1_024;
const RETRY_MS = 1_000;
/** What a stop waits for them. */
const CLOSE_MS = 2_000;

export interface SolutionLogModules {
  readonly bus: Bus;
  onFailure(error: unknown): void;
  sleep(ms: number): Promise<void>;
}

interface Waiting {
  readonly subject: 'solution' | 'solutionResult';
  readonly messageId: string;
  readonly payload: Uint8Array;
}

export class SolutionLog {
  readonly #modules: SolutionLogModules;
  readonly #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #closed = false;
  dropped = 0;

  constructor(modules: SolutionLogModules) {
    this.#modules = modules;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Returns at once. @param messageId the same for the same record. */
  add(subject: Waiting['subject'], messageId: string, payload: Uint8Array): void {
    if (this.#waiting.length >= UNSTORED_BOUND) {
      this.#waiting.shift();
      this.dropped += 1;
    }
    this.#waiting.push({ subject, messageId, payload });
    this.#flushing ??= this.#flush();
  }

  /** Waits a moment for what is not stored yet. */
  async close(): Promise<void> {
    await Promise.race([this.#flushing, this.#modules.sleep(CLOSE_MS)]);
    this.#closed = true;
  }

  async #flush(): Promise<void> {
    const { bus, onFailure, sleep } = this.#modules;
    for (let next = this.#waiting[0]; next !== undefined && !this.#closed; next = this.#waiting[0]) {
      const { subject, messageId, payload } = next;
      try {
        await bus.append('SOLUTIONS', subjectName(subject), payload, { messageId });
        if (this.#waiting[0] === next) this.#waiting.shift();
      } catch (error) {
        onFailure(error);
        await sleep(RETRY_MS);
      }
    }
    // Before anything else happens: what is added from now on begins another.
    this.#flushing = undefined;
  }
}
