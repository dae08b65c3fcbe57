// Appends and reads over JetStream.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  type NextMsgRequest,
  type StoredMsg,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nuid } from '@nats-io/nats-core';
import type { AppendOptions, AppendResult, StreamMessage, StreamState } from '../bus.ts';
import { BusError, isBusError } from '../errors.ts';
import { checkSubjectOf, type StreamName, streams } from '../streams.ts';
import type { Connection } from './nats-connection.ts';
import { ownBytes } from './nats-consumer.ts';
import { isPassing, isRefusal, isStreamMissing, isTimeout, toBusError } from './nats-errors.ts';
import { ensureStream, streamConfig } from './stream-setup.ts';

const CALL_TIMEOUT_MS = 5_000;
/** An answer that takes longer is taken for lost: a cluster drops what it was given between two leaders. */
const ATTEMPT_TIMEOUT_MS = 1_000;
const PASSING_PAUSE_MS = 50;
const MESSAGE_ID_HEADER = 'Nats-Msg-Id';

export interface NatsStreamsOptions {
  readonly replicas: number;
  readonly maxBytes: Partial<Record<StreamName, number>>;
  readonly mayMake: (stream: StreamName) => boolean;
  /** Told what the server holds whenever a stream was looked at. */
  readonly onInfo: (info: StreamInfo) => void;
  /** Told once of each stream that the server does not keep as the settings here say: it holds more, or the server cannot. */
  readonly onDifference: (error: BusError) => void;
}

export class NatsStreams {
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly #connection: Connection;
  readonly #options: NatsStreamsOptions;
  /** Streams known to be there since the connection came up: memory streams go with their server. */
  readonly #ensured = new Map<StreamName, Promise<void>>();
  readonly #told = new Map<StreamName, string>();

  private constructor(connection: Connection, manager: JetStreamManager, options: NatsStreamsOptions) {
    this.#connection = connection;
    this.#options = options;
    this.client = jetstream(connection.nats);
    this.manager = manager;
    connection.onStatus(() => this.#ensured.clear());
  }

  static async open(connection: Connection, options: NatsStreamsOptions): Promise<NatsStreams> {
    const manager = await jetstreamManager(connection.nats, { checkAPI: false });
    return new NatsStreams(connection, manager, options);
  }

  readonly ensure = (stream: StreamName): Promise<void> => {
    const present = this.#ensured.get(stream);
    if (present !== undefined) return present;
    const ensured = this.#ensureNow(stream);
    this.#ensured.set(stream, ensured);
    ensured.catch(() => this.#forget(stream));
    return ensured;
  };

  async #ensureNow(stream: StreamName): Promise<void> {
    const { replicas, maxBytes, mayMake, onInfo } = this.#options;
    const wanted = streamConfig(stream, replicas, maxBytes[stream] ?? streams[stream].maxBytes);
    const { info, larger } = await ensureStream(this.manager, wanted, mayMake(stream)).catch((error: unknown) => {
      const size = `${wanted.num_replicas} copies of ${wanted.max_bytes} bytes`;
      if (isRefusal(error) && !isStreamMissing(error))
        this.#tell(stream, toBusError(error, `${stream} cannot have ${size}`));
      throw error;
    });
    onInfo(info);
    if (larger.length === 0) return;
    const differences = larger.map((key) => `${key} ${info.config[key]} where the settings here say ${wanted[key]}`);
    this.#tell(stream, new BusError('bus-stream-mismatch', `${stream} has ${differences.join(', ')}: left as it is`));
  }

  #tell(stream: StreamName, difference: BusError): void {
    if (this.#told.get(stream) === difference.message) return;
    this.#told.set(stream, difference.message);
    this.#options.onDifference(difference);
  }

  #forget(stream: StreamName): void {
    this.#ensured.delete(stream);
  }

  /** `payload` must not change until the answer. */
  async append(
    stream: StreamName,
    subject: string,
    payload: Uint8Array,
    options: AppendOptions,
  ): Promise<AppendResult> {
    const { messageId, expectedLastSubjectSequence: expected, timeoutMs = CALL_TIMEOUT_MS } = options;
    checkSubjectOf(streams[stream], subject);
    // With an id, given or made up, an attempt that was lost while leaders changed can be repeated without storing it twice.
    const id = messageId ?? nuid.next();
    const send = async (left: number) => {
      const { seq: sequence, duplicate } = await this.client.publish(subject, payload, {
        timeout: Math.min(left, ATTEMPT_TIMEOUT_MS),
        retries: 0,
        msgID: id,
        expect: { streamName: stream, ...(expected === undefined ? {} : { lastSubjectSequence: expected }) },
      });
      return { sequence, duplicate: duplicate && messageId !== undefined };
    };
    try {
      return await this.#call(stream, subject, timeoutMs, send);
    } catch (error) {
      if (!isBusError(error, 'bus-wrong-sequence')) throw error;
      const first = await this.#storedBefore(stream, subject, id).catch((cause: unknown) => {
        throw new BusError('bus-timeout', `${subject}: whether it is stored could not be read`, cause);
      });
      if (first === undefined) throw error;
      return { sequence: first.sequence, duplicate: messageId !== undefined };
    }
  }

  /**
   * A server on its own looks at the expected sequence before the message id, a cluster the other way round. So that a repetition is
   * told from a conflict on both, the newest record of the subject is asked for its id.
   */
  async #storedBefore(stream: StreamName, subject: string, messageId: string): Promise<StreamMessage | undefined> {
    const last = await this.#call(stream, subject, CALL_TIMEOUT_MS, () =>
      this.manager.streams.getMessage(stream, { last_by_subj: subject }),
    );
    return last?.header.get(MESSAGE_ID_HEADER) === messageId ? toStreamMessage(last) : undefined;
  }

  last(stream: StreamName, subject: string): Promise<StreamMessage | undefined> {
    return this.#call(stream, subject, CALL_TIMEOUT_MS, () => this.#get(stream, { last_by_subj: subject }));
  }

  read(stream: StreamName, fromSequence: number, max: number): Promise<StreamMessage[]> {
    return this.#call(stream, stream, CALL_TIMEOUT_MS, async () => {
      const found: StreamMessage[] = [];
      for (let next = fromSequence; found.length < max; ) {
        const message = await this.#get(stream, firstFrom(next));
        if (message === undefined) break;
        found.push(message);
        next = message.sequence + 1;
      }
      return found;
    });
  }

  async #get(
    stream: StreamName,
    query: Parameters<JetStreamManager['streams']['getMessage']>[1],
  ): Promise<StreamMessage | undefined> {
    const stored = await this.manager.streams.getMessage(stream, query);
    return stored === null ? undefined : toStreamMessage(stored);
  }

  /**
   * Subjects that hold records. The server counts them: behind the first sequence of the stream, which a trim moves on by as much as it
   * takes at least, the count of a subject only grows.
   */
  subjects(stream: StreamName, pattern: string): Promise<ReadonlyMap<string, number>> {
    return this.#call(stream, stream, CALL_TIMEOUT_MS, async () => {
      const { state } = await this.manager.streams.info(stream, { subjects_filter: pattern });
      return new Map(Object.entries(state.subjects ?? {}).map(([name, count]) => [name, state.first_seq + count]));
    });
  }

  trim(stream: StreamName, sequence: number): Promise<void> {
    return this.#call(stream, stream, CALL_TIMEOUT_MS, async () => {
      await this.manager.streams.purge(stream, { seq: sequence });
    });
  }

  state(stream: StreamName): Promise<StreamState> {
    return this.#call(stream, stream, CALL_TIMEOUT_MS, async () => {
      const info = await this.manager.streams.info(stream);
      this.#options.onInfo(info);
      const { first_seq, last_seq, bytes, messages } = info.state;
      const firstSequence = messages === 0 ? last_seq + 1 : first_seq;
      return { firstSequence, lastSequence: last_seq, bytes, maxBytes: info.config.max_bytes };
    });
  }

  /**
   * Tries again within the time while the stream is absent or between leaders. What is known not to have been done ends as `bus-down`,
   * what may have been as `bus-timeout`.
   */
  async #call<T>(
    stream: StreamName,
    what: string,
    timeoutMs: number,
    call: (leftMs: number) => Promise<T>,
  ): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    const left = () => Math.max(1, Math.ceil(deadline - performance.now()));
    let mayBeDone = false;
    for (;;) {
      await this.#connection.whenUp(left());
      try {
        await this.#connection.untilLost(this.ensure(stream));
        return await this.#connection.untilLost(call(left()));
      } catch (error) {
        if (!isPassing(error) && !isStreamMissing(error) && !isTimeout(error)) throw toBusError(error, what);
        mayBeDone ||= isTimeout(error);
        this.#forget(stream);
        if (deadline - performance.now() < PASSING_PAUSE_MS) {
          throw new BusError(mayBeDone ? 'bus-timeout' : 'bus-down', `${what}: ${String(error)}`, error);
        }
      }
      await sleep(PASSING_PAUSE_MS);
    }
  }
}

function toStreamMessage({ subject, seq, data, timestamp }: StoredMsg): StreamMessage {
  return { subject, sequence: seq, payload: ownBytes(data), storedAtMs: Date.parse(timestamp) };
}

/** The first record from a sequence on, over gaps. The server has it since 2.9 for this call too; the library's type does not. */
function firstFrom(sequence: number): { seq: number } {
  const query: NextMsgRequest = { seq: sequence, next_by_subj: '>' };
  return query as { seq: number };
}
