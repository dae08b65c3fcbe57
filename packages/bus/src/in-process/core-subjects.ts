// Core delivery of the in-process bus: subscribers, queue groups, and requests to those who serve.
import type { Subscription } from '../bus.ts';
import { BusError } from '../errors.ts';
import { subjectMatches } from '../subject-match.ts';
import type { DeliveryQueue } from './delivery-queue.ts';

interface Subscriber {
  readonly pattern: string;
  readonly queue: string | undefined;
  readonly handler: (payload: Uint8Array, subject: string) => void;
  open: boolean;
}

interface Server {
  readonly subject: string;
  readonly handler: (payload: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}

export class CoreSubjects {
  readonly #deliveries: DeliveryQueue;
  readonly #onError: (error: unknown) => void;
  readonly #subscribers = new Set<Subscriber>();
  readonly #servers = new Map<string, Server[]>();
  readonly #pending = new Set<(error: BusError) => void>();
  /** Whose turn it is, by group or served subject. */
  readonly #turns = new Map<string, number>();

  constructor(deliveries: DeliveryQueue, onError: (error: unknown) => void) {
    this.#deliveries = deliveries;
    this.#onError = onError;
  }

  /** `payload` must not change afterwards. */
  publish(subject: string, payload: Uint8Array): void {
    const groups = new Map<string, Subscriber[]>();
    for (const subscriber of this.#subscribers) {
      if (!subjectMatches(subscriber.pattern, subject)) continue;
      if (subscriber.queue === undefined) this.#deliver(subscriber, subject, payload);
      else groups.set(subscriber.queue, [...(groups.get(subscriber.queue) ?? []), subscriber]);
    }
    for (const [queue, members] of groups) this.#deliver(this.#choose(queue, members), subject, payload);
  }

  #deliver(subscriber: Subscriber, subject: string, payload: Uint8Array): void {
    this.#deliveries.offer(() => {
      if (subscriber.open) subscriber.handler(payload, subject);
    });
  }

  /** The members of a group in turn. */
  #choose<T>(group: string, members: readonly T[]): T {
    const turn = (this.#turns.get(group) ?? 0) % members.length;
    this.#turns.set(group, turn + 1);
    return members[turn] as T;
  }

  subscribe(pattern: string, handler: Subscriber['handler'], queue: string | undefined): Subscription {
    const subscriber: Subscriber = { pattern, queue, handler, open: true };
    this.#subscribers.add(subscriber);
    return {
      close: () => {
        subscriber.open = false;
        this.#subscribers.delete(subscriber);
      },
    };
  }

  /** Servers of one subject share its requests. */
  serve(subject: string, handler: Server['handler']): Subscription {
    const server: Server = { subject, handler };
    this.#servers.set(subject, [...(this.#servers.get(subject) ?? []), server]);
    return {
      close: () => {
        const left = (this.#servers.get(subject) ?? []).filter((other) => other !== server);
        if (left.length === 0) this.#servers.delete(subject);
        else this.#servers.set(subject, left);
      },
    };
  }

  request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const servers = this.#servers.get(subject);
    if (servers === undefined) return Promise.reject(new BusError('bus-no-responders', `nobody serves ${subject}`));
    const { handler } = this.#choose(subject, servers);
    return new Promise((resolve, reject) => {
      const end = (error: BusError) => {
        clearTimeout(timer);
        this.#pending.delete(end);
        reject(error);
      };
      const timer = setTimeout(
        () => end(new BusError('bus-timeout', `${subject}: no answer in ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.#pending.add(end);
      this.#deliveries.add(() => {
        void this.#answer(handler, payload).then(
          (reply) => {
            clearTimeout(timer);
            this.#pending.delete(end);
            resolve(reply);
          },
          (cause: unknown) => {
            this.#onError(cause);
            end(new BusError('bus-handler-failed', `${subject}: ${String(cause)}`, cause));
          },
        );
      });
    });
  }

  async #answer(handler: Server['handler'], payload: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(await handler(payload));
  }

  close(): void {
    for (const subscriber of this.#subscribers) subscriber.open = false;
    this.#subscribers.clear();
    this.#servers.clear();
    for (const end of this.#pending) end(new BusError('bus-closed', 'the bus is closed'));
  }
}
