// Gives the records of an in-process stream to one handler, one at a time and in order, from a position that a durable keeps.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumeOptions, Consumer, StreamHandler, StreamMessage } from '../bus.ts';
import { GatherPace } from '../gather-pace.ts';
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
  readonly #options: ConsumeOptions;
  readonly #handler: StreamHandler;
  readonly #onError: (error: unknown) => void;
  readonly #done: Promise<void>;
  readonly #abort = new AbortController();
  readonly #pace: GatherPace;

  constructor(
    stream: Stream,
    position: Position,
    options: ConsumeOptions,
    handler: StreamHandler,
    onError: (error: unknown) => void,
  ) {
    this.#stream = stream;
    this.#position = position;
    this.#options = options;
    this.#pace = new GatherPace(options.gatherMs ?? 0);
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
        await this.#pause(RETRY_PAUSE_MS);
        continue;
      } finally {
        resolve();
      }
      await this.#rest(0);
      if (this.#stream.storedSequence === seen && !this.#abort.signal.aborted) await this.#stream.waitForMore();
    }
  }

  /** Handles the next record; false: there was none up to `seen`. */
  async #step(seen: number): Promise<boolean> {
    if (this.#abort.signal.aborted) return true;
    const message = await this.#stream.next(this.#position.next, this.#options.filter);
    if (message === undefined) {
      this.#position.next = Math.max(this.#position.next, seen + 1);
      return false;
    }
    this.#pace.begin(message.payload.length, performance.now());
    await this.#handle(message);
    // Records of other subjects count too: rests are shorter then.
    await this.#rest(seen - message.sequence);
    return true;
  }

  async #rest(left: number): Promise<void> {
    const restMs = this.#pace.restMs(left, performance.now());
    if (restMs > 0) await this.#pause(restMs);
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
        await this.#pause(RETRY_PAUSE_MS);
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#stream.wake();
    await this.#done;
  }
}
