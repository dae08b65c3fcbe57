// When verdicts become records: at once after a pause, and together while shares keep coming. One record at a time is stored, and batches
// are judged meanwhile.
import type { StreamMessage } from '@sluice/bus/bus';
import type { Clock } from '@sluice/runtime/clock';
import { CreditRun } from './credit-run.ts';
import type { Verdict } from './incarnation-audit.ts';

/** Between two records of an incarnation while shares keep coming. */
export const CREDIT_INTERVAL_MS = 1_000;

export interface CreditingModules {
  readonly clock: Clock;
  readonly sleep: (ms: number, value?: undefined, options?: { signal?: AbortSignal }) => Promise<unknown>;
  store(run: CreditRun): Promise<void>;
  /** Of a record that nobody waits for. */
  onFailure(error: unknown): void;
}

export class Crediting {
  readonly #modules: CreditingModules;
  /** What the next record will hold. */
  #run: CreditRun | undefined;
  #stored: CreditRun | undefined;
  #storing: Promise<void> = Promise.resolve();
  #lastAt = Number.NEGATIVE_INFINITY;
  #interval: AbortController | undefined;

  constructor(modules: CreditingModules) {
    this.#modules = modules;
  }

  /** The first batch that is judged and not credited yet. */
  get oldest(): StreamMessage | undefined {
    return (this.#stored ?? this.#run)?.first;
  }

  /** Resolves when the verdict is stored or part of the next record; rejects as `store` does. */
  async add(verdict: Verdict, message: StreamMessage): Promise<void> {
    if (this.#run === undefined) this.#run = new CreditRun(verdict, message);
    else this.#run.add(verdict, message);
    const { clock } = this.#modules;
    if (this.#run.isFull || clock.monotonic() - this.#lastAt >= CREDIT_INTERVAL_MS) await this.flush();
    else this.#flushLater();
  }

  /** A record that says nothing new. Resolves with whether everything up to it is done. */
  async pass(message: StreamMessage): Promise<boolean> {
    if (this.#run === undefined) await this.#storing;
    if (this.#run === undefined) return true;
    this.#run.readTo = message.sequence;
    return false;
  }

  /** Stores what there is; rejects as `store` does. */
  flush(): Promise<void> {
    this.#interval?.abort();
    this.#interval = undefined;
    this.#storing = this.#storing.then(() => this.#storeNow());
    return this.#storing;
  }

  /** What is not stored is left to the next turn. */
  close(): void {
    this.#interval?.abort();
    this.#storing.catch(() => undefined);
  }

  async #storeNow(): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    this.#stored = run;
    this.#lastAt = this.#modules.clock.monotonic();
    await this.#modules.store(run);
    this.#stored = undefined;
  }

  #flushLater(): void {
    if (this.#interval !== undefined) return;
    const { sleep, clock, onFailure } = this.#modules;
    const interval = new AbortController();
    this.#interval = interval;
    const left = this.#lastAt + CREDIT_INTERVAL_MS - clock.monotonic();
    sleep(Math.max(0, left), undefined, { signal: interval.signal }).then(
      () => this.flush().catch(onFailure),
      () => undefined,
    );
  }
}
