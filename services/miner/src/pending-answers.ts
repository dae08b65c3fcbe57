// Requests that wait for the pool's answer, by request id, each with a deadline.
import { MinerError } from './errors.ts';

interface Pending {
  readonly settle: (value: never) => void;
  readonly fail: (reason: MinerError) => void;
}

/** SetupConnection carries no request id. */
const SETUP = -1;

export class PendingAnswers {
  readonly #deadlineMs: number;
  readonly #pending = new Map<number, Pending>();
  #lastRequestId = 0;

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  /** A request id that is not in use, and the promise of its answer. Ids fit 16 bits, as RequestExtensions needs. */
  ask<T>(): { readonly requestId: number; readonly answer: Promise<T> } {
    do this.#lastRequestId = (this.#lastRequestId + 1) & 0xffff;
    while (this.#pending.has(this.#lastRequestId));
    return { requestId: this.#lastRequestId, answer: this.#wait<T>(this.#lastRequestId) };
  }

  askSetup<T>(): Promise<T> {
    return this.#wait<T>(SETUP);
  }

  /** False: nobody asked. */
  settle<T>(requestId: number, value: T): boolean {
    const pending = this.#take(requestId);
    pending?.settle(value as never);
    return pending !== undefined;
  }

  fail(requestId: number, reason: MinerError): boolean {
    const pending = this.#take(requestId);
    pending?.fail(reason);
    return pending !== undefined;
  }

  settleSetup<T>(value: T): boolean {
    return this.settle(SETUP, value);
  }

  failSetup(reason: MinerError): boolean {
    return this.fail(SETUP, reason);
  }

  failAll(reason: MinerError): void {
    for (const requestId of [...this.#pending.keys()]) this.fail(requestId, reason);
  }

  #wait<T>(requestId: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.fail(requestId, new MinerError('miner-timeout', `no answer within ${this.#deadlineMs} ms`));
      }, this.#deadlineMs);
      this.#pending.set(requestId, {
        settle: (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        fail: (reason) => {
          clearTimeout(timer);
          reject(reason);
        },
      });
    });
  }

  #take(requestId: number): Pending | undefined {
    const pending = this.#pending.get(requestId);
    this.#pending.delete(requestId);
    return pending;
  }
}
