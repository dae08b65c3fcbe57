// A cache that is kept equal to what the API server has: a list once, then a watch from its version on. Whatever ends the watch, it goes on
// from the last version that was seen, and where the API server no longer knows that one, from a new list.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { MetricsOf } from '@sluice/runtime/metrics';
import { OutageLog } from '@sluice/runtime/outage-log';
import { type BackoffBounds, backoffMs } from '../control/backoff.ts';
import type { KubernetesClient } from './client.ts';
import { isKubernetesError, KubernetesError } from './errors.ts';
import { listPages } from './list-pages.ts';
import type { informerMetrics, RestartReason } from './metrics.ts';
import type { ObjectCache } from './object-cache.ts';
import { collectionPath, type KubernetesObject, keyOf, type Resource } from './resource.ts';
import { watchEvents } from './watch-events.ts';

/** After this the API server ends a watch, well and in order. Half of it is left to chance, so that not all come back at once. */
const WATCH_SECONDS = 600;
/** Bookmarks come each minute. */
const SILENCE_MS = 100_000;
/** An API server that was away is watched again within this. */
const BACKOFF: BackoffBounds = { firstMs: 200, longestMs: 10_000 };

export interface InformerOptions<T extends KubernetesObject> {
  readonly resource: Resource;
  /** Without one: all namespaces. */
  readonly namespace?: string | undefined;
  /** Such as `app=x`; without one: every object. */
  readonly labelSelector?: string | undefined;
  /** What is kept of an object. */
  readonly keep: (object: T) => T;
  /** A watch that says nothing for this long is taken for dead. */
  readonly silenceMs?: number;
}

export interface InformerModules<T extends KubernetesObject> {
  readonly client: KubernetesClient;
  readonly cache: ObjectCache<T>;
  readonly clock: Clock;
  /** A fraction in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: MetricsOf<typeof informerMetrics>;
}

export class Informer<T extends KubernetesObject> {
  readonly #options: InformerOptions<T>;
  readonly #modules: InformerModules<T>;
  readonly #stopping = new AbortController();
  readonly #outage: OutageLog;
  readonly #synced = Promise.withResolvers<void>();
  #isSynced = false;
  #running: Promise<void> = Promise.resolve();
  /** From where the next watch goes on; undefined when a list has to come first. */
  #version: string | undefined;
  #failures = 0;

  constructor(options: InformerOptions<T>, modules: InformerModules<T>) {
    this.#options = options;
    this.#modules = modules;
    this.#outage = new OutageLog(() => modules.clock.monotonic());
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Whether the first list was taken. From then on the cache may be late, but has all that there was. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Resolves when the first list was taken; never after a stop before that. */
  synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let reason: RestartReason = 'ended';
      let retryAfterMs = 0;
      try {
        if (this.#version === undefined) await this.#list();
        await this.#watch();
        // A watch that ends again and again without a word is no better than one that fails.
        this.#failures += 1;
      } catch (error) {
        if (signal.aborted) return;
        this.#failures += 1;
        reason = this.#reasonOf(error);
        if (error instanceof KubernetesError) retryAfterMs = error.retryAfterMs ?? 0;
      }
      if (signal.aborted) return;
      this.#modules.metrics.restarts.with({ resource: this.#options.resource.plural, reason }).inc();
      await sleep(Math.max(retryAfterMs, this.#waitMs()), undefined, { signal }).catch(() => undefined);
    }
  }

  /** The first attempt after something was heard comes at once. */
  #waitMs(): number {
    const { random } = this.#modules;
    return this.#failures <= 1 ? 0 : backoffMs(BACKOFF, this.#failures - 1, random());
  }

  #reasonOf(error: unknown): RestartReason {
    const { log } = this.#modules;
    const { plural } = this.#options.resource;
    if (isKubernetesError(error, 'api-expired')) {
      this.#version = undefined;
      log.debug({ resource: plural }, 'the API server no longer knows the version that a watch would go on from');
      return 'expired';
    }
    if (isKubernetesError(error, 'api-timeout')) return 'silent';
    const level = this.#failures > 1 ? this.#outage.level() : 'debug';
    log[level]({ resource: plural, reason: messageOf(error) }, 'cannot watch; trying again');
    return error instanceof KubernetesError && error.status !== undefined ? 'refused' : 'broken';
  }

  async #list(): Promise<void> {
    const { client, cache, metrics } = this.#modules;
    const { resource, namespace, labelSelector, keep } = this.#options;
    const { signal } = this.#stopping;
    const kept: T[] = [];
    let version: string | undefined;
    for await (const page of listPages<T>(client, resource, { namespace, labelSelector, signal })) {
      for (const object of page.objects) kept.push(keep(object));
      version = page.resourceVersion;
    }
    cache.replace(kept, namespace);
    this.#version = version;
    metrics.lists.with({ resource: resource.plural }).inc();
    metrics.objects.with({ resource: resource.plural }).set(cache.size);
    this.#isSynced = true;
    this.#synced.resolve();
  }

  /** Resolves when the API server ends the watch. */
  async #watch(): Promise<void> {
    const { client, random } = this.#modules;
    const { resource, namespace, labelSelector, silenceMs = SILENCE_MS } = this.#options;
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), silenceMs);
    try {
      const query = {
        ...{ labelSelector, watch: true, allowWatchBookmarks: true, resourceVersion: this.#version },
        timeoutSeconds: Math.round(WATCH_SECONDS * (1 - random() / 2)),
      };
      const signal = AbortSignal.any([silence.signal, this.#stopping.signal]);
      const body = await client.stream(collectionPath(resource, namespace), query, signal);
      for await (const { type, object } of watchEvents<T>(body)) {
        timer.refresh();
        this.#take(type, object);
      }
    } catch (error) {
      if (!silence.signal.aborted) throw error;
      throw new KubernetesError('api-timeout', `a watch of ${resource.plural} said nothing for ${silenceMs} ms`);
    } finally {
      clearTimeout(timer);
    }
  }

  #take(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', object: T): void {
    const { cache, metrics } = this.#modules;
    const { resource, keep } = this.#options;
    this.#version = object.metadata.resourceVersion;
    this.#failures = 0;
    this.#outage.over();
    if (type === 'BOOKMARK') return;
    if (type === 'DELETED') cache.remove(keyOf(object.metadata));
    else cache.put(keep(object));
    metrics.objects.with({ resource: resource.plural }).set(cache.size);
  }
}
