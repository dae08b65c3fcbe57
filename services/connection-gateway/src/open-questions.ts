// Channels that are wanted at about the same time, asked about in one question: a storm of connections is few messages on the bus. What is
// wanted while a question is out is the next one, so that one connection alone waits for nobody.
import type { OpenReply, WantedChannel } from '@sluice/bus/payloads/channel';

/** Channels of one question: the answers to more would keep the loop from other sockets. */
const CHANNELS_BOUND = 32;
/** Of them for each connection that waits: what thousands of one cost is spread over more questions, with others in between. */
const CHANNELS_OF_EACH = 8;
/** A replica that hangs holds up the questions behind its own for no longer. */
const TURN_MS = 50;
/** Questions without an answer; with more of each gateway, replicas would answer what nobody waits for any more, and never catch up. */
export const QUESTIONS_BOUND = 4;

/** Resolves with a reply for each channel, in their order; with none when nobody has answered. */
type Ask = (wanted: readonly WantedChannel[]) => Promise<readonly OpenReply[]>;

interface Waiting {
  /** In the order in which they came, from 1 on. */
  readonly number: number;
  readonly wanted: WantedChannel;
  readonly resolve: (reply: OpenReply | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export class OpenQuestions {
  readonly #ask: Ask;
  /** By the connection; one whose channel is in a question goes behind the others. */
  readonly #waiting = new Map<number, Waiting[]>();
  #asking = false;
  #lastNumber = 0;
  /** Questions that are out, and who waits until there is one less. */
  #out = 0;
  #onAnswered: () => void = () => undefined;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** The decision about one channel; `undefined`: nobody has answered. Rejects as `ask` does. */
  about(wanted: WantedChannel, connectionId: number): Promise<OpenReply | undefined> {
    return new Promise((resolve, reject) => {
      this.#lastNumber += 1;
      const waiting = { number: this.#lastNumber, wanted, resolve, reject };
      const queue = this.#waiting.get(connectionId);
      if (queue === undefined) this.#waiting.set(connectionId, [waiting]);
      else queue.push(waiting);
      if (this.#asking) return;
      this.#asking = true;
      // Together with what else came in this turn of the event loop.
      setImmediate(() => void this.#askAll());
    });
  }

  async #askAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      if (this.#out < QUESTIONS_BOUND) await this.#turn(this.#next());
      else await this.#answered();
    }
    this.#asking = false;
  }

  #answered(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswered = resolve;
    });
  }

  /** Nobody has answered within the deadline: whoever waits for a question as long as that is told so as well. @param last of them */
  #giveUp(last: number): void {
    for (const [connectionId, queue] of this.#waiting) {
      const from = queue.findIndex(({ number }) => number > last);
      for (const { resolve } of queue.splice(0, from === -1 ? queue.length : from)) resolve(undefined);
      if (queue.length === 0) this.#waiting.delete(connectionId);
    }
  }

  /** One of each connection in its turn: who wants thousands is waited for by itself alone. */
  #next(): readonly Waiting[] {
    const asked: Waiting[] = [];
    const bound = Math.min(CHANNELS_BOUND, CHANNELS_OF_EACH * this.#waiting.size);
    while (asked.length < bound) {
      const next = this.#waiting.entries().next();
      if (next.done === true) break;
      const [connectionId, queue] = next.value;
      asked.push(...queue.splice(0, 1));
      this.#waiting.delete(connectionId);
      if (queue.length > 0) this.#waiting.set(connectionId, queue);
    }
    return asked;
  }

  /** Resolves when the next question may be asked. */
  #turn(asked: readonly Waiting[]): Promise<void> {
    return new Promise((next) => {
      const timer = setTimeout(next, TURN_MS);
      void this.#settle(asked).then(() => {
        clearTimeout(timer);
        next();
      });
    });
  }

  async #settle(asked: readonly Waiting[]): Promise<void> {
    const waitedAsLong = this.#lastNumber;
    this.#out += 1;
    try {
      const replies = await this.#ask(asked.map(({ wanted }) => wanted));
      if (replies.length === 0) this.#giveUp(waitedAsLong);
      for (const [index, { resolve }] of asked.entries()) resolve(replies[index]);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    } finally {
      this.#out -= 1;
      this.#onAnswered();
    }
  }
}
