// Keys that are to be worked on. A key stands in it once however often it is added, and is never given out while it is being worked on: what
// is added meanwhile comes when that is done.
import type { Clock } from '@sluice/runtime/clock';
import type { MetricsOf } from '@sluice/runtime/metrics';
import { type BackoffBounds, backoffMs } from './backoff.ts';
import type { queueMetrics } from './metrics.ts';

/** The longest wait that a timer can have. */
const LONGEST_MS = 2 ** 31 - 1;
/** Waits of seconds end at multiples of this: where hundreds of keys wait, the process wakes for many of them at once. */
const TOGETHER_MS = 250;
/** Shorter ones are kept to. */
const EXACT_BELOW_MS = 2_000;
/** Waits of minutes are longer by up to a tenth, which is left to chance: keys that were worked on together at the start are not so for ever. */
const SPREAD_FROM_MS = 60_000;
const SPREAD = 0.1;

export interface WorkQueueModules {
  readonly clock: Clock;
  /** A fraction in [0, 1). */
  readonly random: () => number;
  readonly metrics: MetricsOf<typeof queueMetrics>;
}

export interface WorkQueueOptions {
  /** In metrics. */
  readonly name: string;
  readonly backoff: BackoffBounds;
}

/** Bounded by the number of keys that there are: each has one place, one timer and one count of failures at most. */
export class WorkQueue {
  readonly #backoff: BackoffBounds;
  readonly #modules: WorkQueueModules;
  readonly #labels: { readonly name: string };
  /** With when they were added, the longest waiting first. */
  readonly #waiting = new Map<string, number>();
  /** With when they were taken. */
  readonly #working = new Map<string, number>();
  readonly #addedMeanwhile = new Map<string, number>();
  readonly #later = new Map<string, { readonly at: number; readonly timer: NodeJS.Timeout }>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #closed = false;

  constructor({ name, backoff }: WorkQueueOptions, modules: WorkQueueModules) {
    this.#backoff = backoff;
    this.#modules = modules;
    this.#labels = { name };
  }

  /** To be worked on as soon as a worker is free. */
  add(key: string): void {
    if (this.#closed || this.#waiting.has(key) || this.#addedMeanwhile.has(key)) return;
    const now = this.#modules.clock.monotonic();
    this.#modules.metrics.adds.with(this.#labels).inc();
    if (this.#working.has(key)) {
      this.#addedMeanwhile.set(key, now);
      return;
    }
    this.#enqueue(key, now);
  }

  /** To be worked on in a while, of seconds or minutes a little later; of several times the earliest holds. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    const now = this.#modules.clock.monotonic();
    const at = this.#endOf(now, delayMs);
    const other = this.#later.get(key);
    if (other !== undefined && other.at <= at) return;
    clearTimeout(other?.timer);
    const timer = setTimeout(
      () => {
        this.#later.delete(key);
        this.add(key);
      },
      Math.min(at - now, LONGEST_MS),
    );
    this.#later.set(key, { at, timer });
  }

  /** To be tried again after a failure, later each time until `succeeded`. @param atLeastMs when it is of no use earlier */
  addFailed(key: string, atLeastMs = 0): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#modules.metrics.retries.with(this.#labels).inc();
    this.addAfter(key, Math.max(atLeastMs, backoffMs(this.#backoff, failures, this.#modules.random())));
  }

  /** What failed before is of no account any more. */
  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, which `done` must follow; undefined when the queue is closed. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const [next] = this.#waiting;
    if (next === undefined) return new Promise((resolve) => this.#takers.push(resolve));
    const [key, since] = next;
    this.#waiting.delete(key);
    this.#showDepth();
    this.#begin(key, since);
    return Promise.resolve(key);
  }

  done(key: string): void {
    const { clock, metrics } = this.#modules;
    const begin = this.#working.get(key) ?? clock.monotonic();
    this.#working.delete(key);
    metrics.workTime.with(this.#labels).observe((clock.monotonic() - begin) / 1_000);
    const since = this.#addedMeanwhile.get(key);
    this.#addedMeanwhile.delete(key);
    if (since !== undefined && !this.#closed) this.#enqueue(key, since);
  }

  /** Nothing is given out any more, and nothing added. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#later.values()) clearTimeout(timer);
    this.#later.clear();
    this.#waiting.clear();
    this.#addedMeanwhile.clear();
    this.#showDepth();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #endOf(now: number, delayMs: number): number {
    if (delayMs < EXACT_BELOW_MS) return now + delayMs;
    const spreadMs = delayMs < SPREAD_FROM_MS ? 0 : delayMs * SPREAD * this.#modules.random();
    return Math.ceil((now + delayMs + spreadMs) / TOGETHER_MS) * TOGETHER_MS;
  }

  #enqueue(key: string, since: number): void {
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#waiting.set(key, since);
      this.#showDepth();
      return;
    }
    this.#begin(key, since);
    taker(key);
  }

  #begin(key: string, since: number): void {
    const { clock, metrics } = this.#modules;
    const now = clock.monotonic();
    this.#working.set(key, now);
    metrics.queueTime.with(this.#labels).observe((now - since) / 1_000);
  }

  #showDepth(): void {
    this.#modules.metrics.depth.with(this.#labels).set(this.#waiting.size);
  }
}
