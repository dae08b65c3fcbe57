// One connection that is never given up: whether it is up, waiting for it, and calls that end when it is lost.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, errors, type NatsConnection, type Status } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { BusStatus, Subscription } from '../bus.ts';
import { BusError } from '../errors.ts';
import { PendingCalls } from './pending-calls.ts';

const RECONNECT_WAIT_MS = 200;
const RECONNECT_JITTER_MS = 100;
/** The server gives a handshake two seconds. That its connection has ended is not seen by the library, which waits for the rest of it. */
const HANDSHAKE_TIMEOUT_MS = 3_000;
/** Silence of the server after which the connection counts as lost: two pings. */
const PING_INTERVAL_MS = 2_000;
const MAX_PINGS_OUT = 2;

export type NatsServerOptions = Pick<
  ConnectionOptions,
  'servers' | 'user' | 'pass' | 'token' | 'authenticator' | 'tls' | 'name' | 'inboxPrefix'
>;

export class Connection {
  readonly nats: NatsConnection;
  readonly #listeners = new Set<(status: BusStatus) => void>();
  readonly #onError: (error: unknown) => void;
  /** Calls whose answer is expected on the present connection. */
  readonly #answers = new PendingCalls();
  /** Calls that wait for a connection. */
  readonly #waiting = new PendingCalls();
  readonly #claimed = new WeakSet<Error>();
  #status: BusStatus = 'up';

  private constructor(nats: NatsConnection, onError: (error: unknown) => void) {
    this.nats = nats;
    this.#onError = onError;
    void this.#follow(nats.status());
    void nats.closed().then(() => this.#waiting.rejectAll(new BusError('bus-closed', 'the bus is closed')));
  }

  /** Waits for the first connection for as long as it takes; `onUnreachable` is told why each try came to nothing. */
  static async open(
    options: NatsServerOptions,
    onError: (error: unknown) => void,
    onUnreachable: (error: unknown) => void,
  ): Promise<Connection> {
    for (;;) {
      try {
        return new Connection(await Connection.#connect(options), onError);
      } catch (error) {
        if (error instanceof errors.InvalidArgumentError) throw error;
        onUnreachable(error instanceof Error && error.cause !== undefined ? error.cause : error);
        await sleep(RECONNECT_WAIT_MS);
      }
    }
  }

  /** One try of each server: the library's own waiting would not say what it waits for. */
  static #connect(options: NatsServerOptions): Promise<NatsConnection> {
    return connect({
      ...options,
      timeout: HANDSHAKE_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      reconnectJitter: RECONNECT_JITTER_MS,
      reconnectJitterTLS: RECONNECT_JITTER_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: MAX_PINGS_OUT,
      ignoreAuthErrorAbort: true,
      // Two stack traces for each request, for an error that names its subject anyway.
      noAsyncTraces: true,
    });
  }

  get status(): BusStatus {
    return this.#status;
  }

  async #follow(events: AsyncIterable<Status>): Promise<void> {
    for await (const event of events) {
      if (event.type === 'disconnect') this.#set('down');
      else if (event.type === 'reconnect') this.#set('up');
      else if (event.type === 'error') {
        if (!this.#claimed.has(event.error)) this.#onError(event.error);
      } else if (event.type === 'slowConsumer') {
        this.#onError(
          new BusError('bus-timeout', `slow consumer of ${event.sub.getSubject()}: ${event.pending} pending`),
        );
      }
    }
    this.#set('down');
  }

  /** Somebody else tells of the error: to be called where the library gives it to a callback, before it does so here. */
  claim(error: Error): void {
    this.#claimed.add(error);
  }

  #set(status: BusStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    if (status === 'down') this.#answers.rejectAll(this.#lost());
    for (const listener of [...this.#listeners]) listener(status);
  }

  #lost(): BusError {
    return new BusError(
      this.nats.isClosed() ? 'bus-closed' : 'bus-timeout',
      'the connection was lost before the answer',
    );
  }

  onStatus(listener: (status: BusStatus) => void): Subscription {
    this.#listeners.add(listener);
    return { close: () => this.#listeners.delete(listener) };
  }

  /** Calls without an answer yet, and those that wait for a connection. */
  get pending(): number {
    return this.#answers.size + this.#waiting.size;
  }

  /** Resolves when the connection is up; `bus-down` after `timeoutMs`, `bus-closed` after a close. */
  async whenUp(timeoutMs: number): Promise<void> {
    if (this.nats.isClosed()) throw new BusError('bus-closed', 'the bus is closed');
    if (this.#status === 'up') return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new BusError('bus-down', `no connection in ${timeoutMs} ms`)), timeoutMs);
    const subscription = this.onStatus((status) => {
      if (status === 'up') resolve();
    });
    try {
      await this.#waiting.add(promise);
    } finally {
      clearTimeout(timer);
      subscription.close();
    }
  }

  /** `call`, or `bus-timeout` as soon as the connection is lost: no answer will come any more. */
  untilLost<T>(call: Promise<T>): Promise<T> {
    const answer = this.#answers.add(call);
    if (this.#status === 'down') this.#answers.rejectAll(this.#lost());
    return answer;
  }

  close(): Promise<void> {
    return this.nats.close();
  }
}
