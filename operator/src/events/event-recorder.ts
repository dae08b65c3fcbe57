// What `kubectl events` shows: that something happened to a resource, told to whoever looks for a reason. The same again within minutes is one
// Event that is counted. They are told when they can be; nothing waits for them.
import { randomUUID } from 'node:crypto';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { Writer } from '../apply/writer.ts';
import { collectionPath, type KubernetesObject, objectPath, type Resource } from '../kubernetes/resource.ts';

const events: Resource = { apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events', namespaced: true };
const REPORTING_CONTROLLER = 'mining.sluice.dev/operator';
/** As long as client-go does. */
const SERIES_MS = 6 * 60_000;
/** The second of a series is told at once, further ones this far apart. */
const TELL_MS = 30_000;
/** Series that are counted at once; the oldest is forgotten, and begins anew. */
const MAX_SERIES = 1_024;
/** The API server takes no longer one. */
const MAX_NOTE = 1_024;

export interface Occurrence {
  readonly type: 'Normal' | 'Warning';
  /** Why, as one word. */
  readonly reason: string;
  /** What was done, as one word. */
  readonly action: string;
  /** For people. */
  readonly note: string;
}

interface Series {
  readonly name: string;
  readonly namespace: string;
  count: number;
  lastAt: number;
  /** Settles when the Event has been made. */
  told: Promise<void>;
  tellAt: number;
}

export interface EventRecorderModules {
  readonly writer: Writer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of this process, as its lease names it. */
  readonly identity: string;
}

export class EventRecorder {
  readonly #modules: EventRecorderModules;
  readonly #series = new Map<string, Series>();

  constructor(modules: EventRecorderModules) {
    this.#modules = modules;
  }

  /** Tells that something happened to the object. */
  record(regarding: KubernetesObject, occurrence: Occurrence): void {
    const now = this.#modules.clock.monotonic();
    const key = JSON.stringify([regarding.metadata.uid, occurrence]);
    const series = this.#series.get(key);
    this.#series.delete(key);
    if (series === undefined || now - series.lastAt > SERIES_MS) {
      this.#begin(key, regarding, occurrence);
      return;
    }
    this.#series.set(key, series);
    series.count += 1;
    series.lastAt = now;
    if (now < series.tellAt) return;
    series.tellAt = now + TELL_MS;
    series.told = series.told.then(() => this.#tellCount(series));
  }

  #begin(key: string, regarding: KubernetesObject, occurrence: Occurrence): void {
    const { name: of, namespace = 'default' } = regarding.metadata;
    const now = this.#modules.clock.monotonic();
    const name = `${of}.${randomUUID()}`;
    const series = { name, namespace, count: 1, lastAt: now, tellAt: now, told: Promise.resolve() };
    series.told = this.#tell(series, regarding, occurrence);
    this.#series.set(key, series);
    const [oldest] = this.#series.keys();
    if (this.#series.size > MAX_SERIES && oldest !== undefined) this.#series.delete(oldest);
  }

  async #tell({ name, namespace }: Series, regarding: KubernetesObject, occurrence: Occurrence): Promise<void> {
    const { apiVersion, kind, metadata } = regarding;
    const body = {
      ...{ apiVersion: events.apiVersion, kind: events.kind, metadata: { name, namespace } },
      eventTime: this.#now(),
      reportingController: REPORTING_CONTROLLER,
      reportingInstance: this.#modules.identity.slice(0, 128),
      regarding: { apiVersion, kind, name: metadata.name, namespace, uid: metadata.uid },
      ...occurrence,
      note: occurrence.note.slice(0, MAX_NOTE),
    };
    await this.#send({ method: 'POST', path: collectionPath(events, namespace), body });
  }

  async #tellCount(series: Series): Promise<void> {
    await this.#send({
      method: 'PATCH',
      path: objectPath(events, series),
      contentType: 'application/merge-patch+json',
      body: { series: { count: series.count, lastObservedTime: this.#now() } },
    });
  }

  async #send(asked: Parameters<Writer['write']>[0]): Promise<void> {
    const { writer, log } = this.#modules;
    await writer.write(asked).catch((error: unknown) => log.debug({ reason: messageOf(error) }, 'an Event is lost'));
  }

  /** RFC 3339 with microseconds. */
  #now(): string {
    return new Date(this.#modules.clock.now()).toISOString().replace('Z', '000Z');
  }
}
