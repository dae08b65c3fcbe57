// Gives the records of an in-process stream to one handler, one at a time and in order, from a position that a durable keeps.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, StreamHandler, StreamMessage } from '../bus.ts';
import type { Stream } from './stream.ts';

/** Pause before a record is given again to a handler that failed. */
export const RETRY_PAUSE_MS = 250;

/** Where a consumer stands. A durable's is shared by its holders and outlives them. */
export interface Position {
  next: number;
  /** Ends when the holder before is idle: the holders of a durable work one after the other. */
  turn: Promise<void>;
  saved(): void;
}

export class StreamConsumer implements Consumer {
  readonly #stream: Stream;
  readonly #position: Position;
  readonly #filter: string | undefined;
  readonly #handler: StreamHandler;
  readonly #onError: (error: unknown) => void;
  readonly #done: Promise<void>;
  readonly #abort = new AbortController();

  constructor(
    stream: Stream,
    position: Position,
    filter: string | undefined,
    handler: StreamHandler,
    onError: (error: unknown) => void,
  ) {
    this.#stream = stream;
    this.#position = position;
    this.#filter = filter;
    this.#handler = handler;
    this.#onError = onError;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      const seen = this.#stream.storedSequence;
      const before = this.#position.turn;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#position.turn = promise;
      await before;
      try {
        if (await this.#step(seen)) continue;
      } catch (error) {
        this.#onError(error);
        await this.#pause();
        continue;
      } finally {
        resolve();
      }
      if (this.#stream.storedSequence === seen && !this.#abort.signal.aborted) await this.#stream.waitForMore();
    }
  }

  /** Handles the next record; false: there was none up to `seen`. */
  async #step(seen: number): Promise<boolean> {
    if (this.#abort.signal.aborted) return true;
    const message = await this.#stream.next(this.#position.next, this.#filter);
    if (message === undefined) {
      this.#position.next = Math.max(this.#position.next, seen + 1);
      return false;
    }
    await this.#handle(message);
    return true;
  }

  async #handle(message: StreamMessage): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        await this.#handler(message);
        this.#position.next = message.sequence + 1;
        this.#position.saved();
        return;
      } catch (error) {
        this.#onError(error);
        await this.#pause();
      }
    }
  }

  #pause(): Promise<void> {
    return sleep(RETRY_PAUSE_MS, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#stream.wake();
    await this.#done;
  }
}
