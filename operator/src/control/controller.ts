// Workers on a queue: each key is reconciled until it succeeds, later each time that it fails.
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { MetricsOf } from '@sluice/runtime/metrics';
import { KubernetesError } from '../kubernetes/errors.ts';
import type { BackoffBounds } from './backoff.ts';
import type { controllerMetrics, queueMetrics } from './metrics.ts';
import { WorkQueue, type WorkQueueModules } from './work-queue.ts';

const BACKOFF: BackoffBounds = { firstMs: 100, longestMs: 120_000 };
/** What the API server refuses as invalid is not better a moment later. */
const INVALID_RETRY_MS = 60_000;

export interface ControllerOptions {
  /** The kind, in small letters, as metrics name it. */
  readonly name: string;
  /** Keys that are worked on at once. */
  readonly workers: number;
  /** Resolves with when to come again though nothing changes, if that is known. The signal: leave everything and return. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<{ readonly requeueAfterMs?: number }>;
}

export interface ControllerModules extends Omit<WorkQueueModules, 'metrics'> {
  readonly log: Logger;
  readonly metrics: MetricsOf<typeof controllerMetrics>;
  readonly queueMetrics: MetricsOf<typeof queueMetrics>;
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #modules: ControllerModules;
  readonly #queue: WorkQueue;
  readonly #stopping = new AbortController();
  #workers: readonly Promise<void>[] = [];
  #active = 0;

  constructor(options: ControllerOptions, modules: ControllerModules) {
    this.#options = options;
    this.#modules = modules;
    const { clock, random, queueMetrics } = modules;
    this.#queue = new WorkQueue({ name: options.name, backoff: BACKOFF }, { clock, random, metrics: queueMetrics });
  }

  start(): void {
    this.#workers = Array.from({ length: this.#options.workers }, () => this.#work());
  }

  /** To be reconciled soon. */
  add(key: string): void {
    this.#queue.add(key);
  }

  /** To be reconciled in a while, or earlier where that was said before. */
  addAfter(key: string, delayMs: number): void {
    this.#queue.addAfter(key, delayMs);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#queue.close();
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      this.#showActive(1);
      await this.#reconcile(key);
      this.#showActive(-1);
      this.#queue.done(key);
    }
  }

  async #reconcile(key: string): Promise<void> {
    const { name: controller } = this.#options;
    const { clock, metrics } = this.#modules;
    const begin = clock.monotonic();
    try {
      const { requeueAfterMs } = await this.#options.reconcile(key, this.#stopping.signal);
      this.#queue.succeeded(key);
      if (requeueAfterMs !== undefined) this.#queue.addAfter(key, requeueAfterMs);
      const result = requeueAfterMs === undefined ? 'success' : 'requeue_after';
      metrics.reconciles.with({ controller, result }).inc();
    } catch (error) {
      this.#failed(key, error);
    } finally {
      metrics.reconcileTime.with({ controller }).observe((clock.monotonic() - begin) / 1_000);
    }
  }

  #failed(key: string, error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const { name: controller } = this.#options;
    const { log, metrics } = this.#modules;
    metrics.reconciles.with({ controller, result: 'error' }).inc();
    metrics.errors.with({ controller }).inc();
    const code = codeOf(error);
    // Somebody wrote at the same time: what they wrote is on its way to the cache.
    const level = code === 'api-conflict' ? 'debug' : 'warn';
    log[level]({ controller, key, code, reason: messageOf(error) }, 'cannot reconcile; trying again');
    const retryAfterMs = error instanceof KubernetesError ? (error.retryAfterMs ?? 0) : 0;
    this.#queue.addFailed(key, code === 'api-invalid' ? INVALID_RETRY_MS : retryAfterMs);
  }

  #showActive(by: 1 | -1): void {
    this.#active += by;
    this.#modules.metrics.active.with({ controller: this.#options.name }).set(this.#active);
  }
}
