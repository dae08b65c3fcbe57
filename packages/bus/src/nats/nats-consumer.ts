// Consumers over JetStream. Both kinds give one record at a time, in order, and begin again where they stood after any loss:
// an ordered one behind the last record handled, a durable one where the server has its acknowledgements. A durable has one
// record unacknowledged at most: so order holds over redelivery and change of holder, at the price of a round trip a record.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  type JetStreamClient,
  type Consumer as JetStreamConsumer,
  type JetStreamManager,
  type JsMsg,
  ReplayPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { ConsumeOptions, Consumer, StreamHandler, StreamMessage } from '../bus.ts';
import { BusError } from '../errors.ts';
import { GatherPace } from '../gather-pace.ts';
import type { StreamName } from '../streams.ts';
import type { Connection } from './nats-connection.ts';
import { isConsumerMissing } from './nats-errors.ts';
import { PendingCalls } from './pending-calls.ts';

/** A holder that is silent for so long has lost its record to the next one. */
const ACK_WAIT_MS = 6_000;
/** How often a handler at work says so. */
const WORKING_INTERVAL_MS = 2_000;
const RETRY_PAUSE_MS = 250;
const PULL_EXPIRES_MS = 10_000;
/** Silence of the server after which a consumer is looked after: two of these. Each wakes both sides of an idle one. */
const IDLE_HEARTBEAT_MS = 2_500;

export interface ConsumerParts {
  readonly connection: Connection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Makes sure that the stream is there. */
  readonly ensure: (stream: StreamName) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export class NatsConsumer implements Consumer {
  readonly #parts: ConsumerParts;
  readonly #stream: StreamName;
  readonly #options: ConsumeOptions;
  readonly #handler: StreamHandler;
  readonly #abort = new AbortController();
  /** Ended by the close: it does not wait for a server. */
  readonly #opening = new PendingCalls();
  readonly #done: Promise<void>;
  /** Of an ordered consumer: the first sequence that it has not handled. */
  #next: number;
  /** Of a durable: the last sequence that this holder has handled. */
  #handled = 0;
  /** The last sequence that came. */
  #lastSeen = 0;
  /** When the stream was created, by the server: tells one stream from the next of the same name. */
  #created: string | undefined;
  #stop: (() => void) | undefined;

  constructor(parts: ConsumerParts, stream: StreamName, options: ConsumeOptions, handler: StreamHandler) {
    this.#parts = parts;
    this.#stream = stream;
    this.#options = options;
    this.#handler = handler;
    this.#next = options.fromSequence ?? 1;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    const restart = this.#parts.connection.onStatus(() => this.#stop?.());
    while (!this.#abort.signal.aborted) {
      try {
        await this.#follow(await this.#opening.add(this.#open()));
      } catch (error) {
        if (!this.#abort.signal.aborted && this.#parts.connection.status === 'up') this.#parts.onError(error);
      }
      await this.#pause(RETRY_PAUSE_MS);
    }
    restart.close();
  }

  /**
   * A stream in memory that went with its server is another one under the same name: its numbers begin again. In a cluster it keeps the time
   * at which it was made, and ends below what was seen of it. One on disk that does so has lost its end, or is told of by a server that is cut
   * off: what was seen of it was handled all the same.
   */
  async #noticeNewStream(): Promise<void> {
    const { config, created, state } = await this.#parts.manager.streams.info(this.#stream);
    const isOther = this.#created !== undefined && this.#created !== created;
    const isEmptied = config.storage === StorageType.Memory && state.last_seq < this.#lastSeen;
    if (isOther || isEmptied) {
      this.#next = 1;
      this.#handled = 0;
      this.#lastSeen = 0;
    }
    this.#created = created;
  }

  async #open(): Promise<JetStreamConsumer> {
    const { connection, ensure, jetstream } = this.#parts;
    const { durable } = this.#options;
    await connection.whenUp(PULL_EXPIRES_MS);
    this.#abort.signal.throwIfAborted();
    await ensure(this.#stream);
    await this.#noticeNewStream();
    return jetstream.consumers.get(
      this.#stream,
      durable === undefined ? this.#orderedOptions() : await this.#ensureDurable(durable),
    );
  }

  #follow(consumer: JetStreamConsumer): Promise<void> {
    const { gatherMs = 0 } = this.#options;
    return gatherMs > 0 ? this.#gather(consumer, gatherMs) : this.#consume(consumer);
  }

  /** One pull subscription, until it ends or the connection changes. */
  async #consume(consumer: JetStreamConsumer): Promise<void> {
    const { durable, batch } = this.#options;
    const messages = await consumer.consume({
      max_messages: durable === undefined ? batch : 1,
      expires: PULL_EXPIRES_MS,
      idle_heartbeat: IDLE_HEARTBEAT_MS,
      abort_on_missing_resource: true,
    });
    let current = true;
    this.#stop = () => {
      current = false;
      messages.stop();
    };
    if (this.#abort.signal.aborted) this.#stop();
    for await (const message of messages) {
      if (!current) break;
      if (durable === undefined) await this.#handleOrdered(message);
      else await this.#handleDurable(message);
    }
    this.#stop = undefined;
    await messages.close();
  }

  /**
   * One pull after the other until the connection changes: for the next record, or for those that stand behind it. Neither this process nor the
   * server is woken for each record.
   */
  async #gather(consumer: JetStreamConsumer, gatherMs: number): Promise<void> {
    const { batch } = this.#options;
    const pace = new GatherPace(gatherMs);
    const ended = new AbortController();
    this.#stop = () => ended.abort();
    if (this.#abort.signal.aborted) ended.abort();
    for (let waiting = 0; !ended.signal.aborted; ) {
      const pulled = await this.#pull(consumer, Math.min(Math.max(waiting, 1), batch), ended.signal);
      waiting = pulled.at(-1)?.info.pending ?? 0;
      for (const [index, message] of pulled.entries()) {
        if (ended.signal.aborted) break;
        pace.begin(message.data.length, performance.now());
        await this.#handleOrdered(message);
        const restMs = pace.restMs(pulled.length - 1 - index + waiting, performance.now());
        if (restMs > 0) await this.#pause(restMs);
      }
    }
    this.#stop = undefined;
  }

  /**
   * Asks for as many records as there are, or for one. It is over before one is handled: while a handler takes its time the client would take the
   * silence for a loss and ask again, and what a server gives to a pull that nobody waits for any more comes only with the record behind it.
   */
  async #pull(consumer: JetStreamConsumer, max: number, end: AbortSignal): Promise<readonly JsMsg[]> {
    const pulled: JsMsg[] = [];
    const messages = await consumer.fetch({
      max_messages: max,
      expires: PULL_EXPIRES_MS,
      idle_heartbeat: IDLE_HEARTBEAT_MS,
    });
    const stop = () => messages.stop();
    end.addEventListener('abort', stop);
    if (end.aborted) stop();
    try {
      for await (const message of messages) pulled.push(message);
    } finally {
      end.removeEventListener('abort', stop);
    }
    return pulled;
  }

  #orderedOptions() {
    const { filter } = this.#options;
    return {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#next,
      replay_policy: ReplayPolicy.Instant,
      ...(filter === undefined ? {} : { filter_subjects: filter }),
    };
  }

  async #ensureDurable(durable: string): Promise<string> {
    const { filter, fromSequence } = this.#options;
    const { manager } = this.#parts;
    const present = await manager.consumers.info(this.#stream, durable).catch((error: unknown) => {
      if (isConsumerMissing(error)) return undefined;
      throw error;
    });
    if (present !== undefined) return durable;
    const config: Partial<ConsumerConfig> = {
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      max_ack_pending: 1,
      max_deliver: -1,
      replay_policy: ReplayPolicy.Instant,
      ...(fromSequence === undefined
        ? { deliver_policy: DeliverPolicy.All }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: fromSequence }),
      ...(filter === undefined ? {} : { filter_subject: filter }),
    };
    await manager.consumers.add(this.#stream, config);
    return durable;
  }

  async #handleOrdered(message: JsMsg): Promise<void> {
    if (message.seq < this.#next) return;
    this.#lastSeen = message.seq;
    if (await this.#handle(message)) this.#next = message.seq + 1;
  }

  async #handleDurable(message: JsMsg): Promise<void> {
    const beat = setInterval(() => message.working(), WORKING_INTERVAL_MS);
    try {
      // A server that crashed may have forgotten acknowledgements: it begins again further back, never in another order.
      const done = message.seq <= this.#handled || (await this.#handle(message));
      if (!done) {
        message.nak();
        return;
      }
      this.#handled = Math.max(this.#handled, message.seq);
      this.#lastSeen = this.#handled;
      // Confirmed by the server: an acknowledgement that is lost would bring the record again behind later ones.
      await this.#parts.connection.untilLost(message.ackAck({ timeout: ACK_WAIT_MS }));
    } finally {
      clearInterval(beat);
    }
  }

  /** True: the handler has resolved. False: closed before it did. */
  async #handle(message: JsMsg): Promise<boolean> {
    const record = toStreamMessage(message);
    while (!this.#abort.signal.aborted) {
      try {
        await this.#handler(record);
        return true;
      } catch (error) {
        this.#parts.onError(error);
        await this.#pause(RETRY_PAUSE_MS);
      }
    }
    return false;
  }

  /** Ends with the consumer. */
  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#opening.rejectAll(new BusError('bus-closed', 'the consumer is closed'));
    this.#stop?.();
    await this.#done;
  }
}

function toStreamMessage(message: JsMsg): StreamMessage {
  const storedAtMs = Math.floor(message.info.timestampNanos / 1_000_000);
  return { subject: message.subject, sequence: message.seq, payload: ownBytes(message.data), storedAtMs };
}

/** Never a Buffer: its `slice` shares memory where the receiver expects a copy. */
export function ownBytes(data: Uint8Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
