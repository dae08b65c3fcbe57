// The first connection may be waited for as long as it takes, but not in silence.
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';

/** A server that starts beside this process is there by then. */
const FIRST_WARNING_MS = 5_000;
const WARNING_INTERVAL_MS = 300_000;

export class FirstConnection {
  readonly #servers: string;
  readonly #log: Logger;
  #trouble = 'no answer yet';
  #timer: NodeJS.Timeout | undefined;

  /** @param servers as they are told to people, without credentials. */
  constructor(servers: string, log: Logger) {
    this.#servers = servers;
    this.#log = log;
    this.#warnIn(FIRST_WARNING_MS);
  }

  /** For readiness. */
  get reason(): string {
    return `cannot reach ${this.#servers}: ${this.#trouble}`;
  }

  failed(error: unknown): void {
    this.#trouble = codeOf(error) ?? messageOf(error);
  }

  over(): void {
    clearTimeout(this.#timer);
  }

  #warnIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#log.warn({ servers: this.#servers, reason: this.#trouble }, 'the bus cannot be reached, waiting for it');
      this.#warnIn(WARNING_INTERVAL_MS);
    }, ms);
    this.#timer.unref();
  }
}
