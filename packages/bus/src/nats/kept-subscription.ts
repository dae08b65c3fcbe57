// A subscription of core subjects that stays: one that the server refuses is tried again until it is taken. A user may be given its rights
// after its process has begun, and the library gives up what was refused for good.
import { setTimeout as sleep } from 'node:timers/promises';
import { errors, type Msg, type Subscription as NatsSubscription } from '@nats-io/nats-core';
import type { Subscription } from '../bus.ts';
import { BusError } from '../errors.ts';
import type { Connection } from './nats-connection.ts';
import { toBusError } from './nats-errors.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** For a connection, and for the server's answer over it. */
const TRY_TIMEOUT_MS = 10_000;

export interface KeptSubscriptionOptions {
  readonly pattern: string;
  readonly queue: string | undefined;
  /** May throw. */
  readonly handler: (message: Msg) => void;
}

export interface KeptSubscriptionModules {
  readonly connection: Connection;
  /** What the handler throws; and that the subscription is refused, once until it is taken. */
  readonly onError: (error: unknown) => void;
  /** At each refusal, the repeated ones too. */
  readonly onRefused: () => void;
}

export class KeptSubscription implements Subscription {
  readonly #options: KeptSubscriptionOptions;
  readonly #modules: KeptSubscriptionModules;
  readonly #abort = new AbortController();
  #current: NatsSubscription;
  #isRefused = false;
  #retries: Promise<void> | undefined;

  constructor(options: KeptSubscriptionOptions, modules: KeptSubscriptionModules) {
    this.#options = options;
    this.#modules = modules;
    this.#current = this.#open();
  }

  get pattern(): string {
    return this.#options.pattern;
  }

  /** Whether the server lets this process hear nothing of it: until a later try has been taken. */
  get isRefused(): boolean {
    return this.#retries !== undefined;
  }

  close(): void {
    this.#abort.abort();
    this.#current.unsubscribe();
  }

  #open(): NatsSubscription {
    const { pattern, queue, handler } = this.#options;
    const { connection, onError } = this.#modules;
    this.#isRefused = false;
    return connection.nats.subscribe(pattern, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error instanceof errors.PermissionViolationError) return this.#refused(error);
        try {
          if (error !== null) throw toBusError(error, pattern);
          handler(message);
        } catch (failure) {
          onError(failure);
        }
      },
    });
  }

  #refused(error: Error): void {
    const { connection, onError, onRefused } = this.#modules;
    connection.claim(error);
    this.#isRefused = true;
    onRefused();
    if (this.#retries !== undefined || this.#abort.signal.aborted) return;
    const { pattern } = this.#options;
    onError(new BusError('bus-server-refused', `${pattern}: ${error.message}; tried again until it is taken`, error));
    this.#retries = this.#retry().finally(() => {
      this.#retries = undefined;
    });
  }

  async #retry(): Promise<void> {
    const { connection } = this.#modules;
    const { signal } = this.#abort;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted || connection.nats.isClosed()) return;
      try {
        await connection.whenUp(TRY_TIMEOUT_MS);
        if (signal.aborted) return;
        this.#current = this.#open();
        // A refusal comes before the answer to this.
        await connection.untilLost(connection.nats.flush());
        if (!this.#isRefused) return;
      } catch {
        // The connection went: what it would have taken is not known.
        this.#current.unsubscribe();
      }
    }
  }
}
