// The bus over NATS: core subjects, JetStream streams, key-value buckets. The connection is never given up; what each call does while it
// is down stands in the contract (bus.ts).

import type { StreamInfo } from '@nats-io/jetstream';
import { headers, type Msg } from '@nats-io/nats-core';
import type {
  AppendOptions,
  AppendResult,
  Backlog,
  Bus,
  BusStatus,
  ConsumeOptions,
  Consumer,
  Durability,
  Kv,
  Refusals,
  StreamHandler,
  StreamMessage,
  StreamState,
  Subscription,
} from '../bus.ts';
import { BusError } from '../errors.ts';
import { type BucketName, MAX_PAYLOAD_BYTES, type StreamName } from '../streams.ts';
import { isPattern } from '../subject-match.ts';
import { KeptSubscription } from './kept-subscription.ts';
import { Connection, type NatsServerOptions } from './nats-connection.ts';
import { NatsConsumer, ownBytes } from './nats-consumer.ts';
import { toBusError } from './nats-errors.ts';
import { NatsKv } from './nats-kv.ts';
import { NatsStreams } from './nats-streams.ts';
import { durabilityOf, durabilityTrouble, readServerSettings, type SyncSetting } from './server-durability.ts';
import { ensureBucket } from './stream-setup.ts';

/** Header of a reply that says that the handler failed. */
const ERROR_HEADER = 'Sluice-Error';
/** How often the servers' settings are read again. */
const DURABILITY_INTERVAL_MS = 30_000;
/** A bucket is waited for, as any call is. */
const CALL_TIMEOUT_MS = 5_000;

export interface NatsBusOptions extends NatsServerOptions {
  /** Copies of each stream and bucket: 1, or 3 with three servers. */
  readonly replicas?: number;
  /** Bounds that differ from those of the table. */
  readonly maxBytes?: Partial<Record<StreamName, number>>;
  /** The streams that this process makes and changes; it waits for the others. Default: all. */
  readonly mayMake?: (stream: StreamName) => boolean;
  /** Monitoring addresses of the servers (`http://host:8222`), for `durability()`; without them it is unknown. */
  readonly monitors?: readonly string[];
  /** What handlers throw, and troubles of the connection that no call reports. */
  readonly onError?: (error: unknown) => void;
  /** Why there is no first connection yet, at each try. */
  readonly onUnreachable?: (error: unknown) => void;
  /** Told at each change why acknowledged records may be on no disk; `undefined`: all is well. */
  readonly onDurability?: (trouble: string | undefined) => void;
}

/** Connects, waiting for the first server as long as it takes. */
export async function connectNatsBus(options: NatsBusOptions): Promise<Bus> {
  const { replicas = 1, maxBytes = {}, mayMake = () => true, monitors = [], ...others } = options;
  const { onError = ignore, onUnreachable = ignore, onDurability = ignore, ...server } = others;
  const connection = await Connection.open(server, onError, onUnreachable);
  const holders = new FileStreamHolders();
  const streams = await NatsStreams.open(connection, {
    replicas,
    maxBytes,
    mayMake,
    onInfo: (info) => holders.see(info, connection),
    onDifference: onError,
  });
  const bus = new NatsBus({ connection, streams, holders, monitors, replicas, onError, onDurability });
  await bus.readDurability();
  return bus;
}

function ignore(): void {}

/** Which servers keep file streams, as far as streams were looked at. */
class FileStreamHolders {
  readonly #byStream = new Map<string, readonly string[]>();

  see(info: StreamInfo, connection: Connection): void {
    if (info.config.storage !== 'file') return;
    const { leader, replicas = [] } = info.cluster ?? {};
    const own = leader ?? connection.nats.info?.server_name;
    this.#byStream.set(info.config.name, [...(own === undefined ? [] : [own]), ...replicas.map(({ name }) => name)]);
  }

  names(): ReadonlySet<string> {
    return new Set([...this.#byStream.values()].flat());
  }
}

interface Parts {
  readonly connection: Connection;
  readonly streams: NatsStreams;
  readonly holders: FileStreamHolders;
  readonly monitors: readonly string[];
  readonly replicas: number;
  readonly onError: (error: unknown) => void;
  readonly onDurability: (trouble: string | undefined) => void;
}

class NatsBus implements Bus {
  readonly #parts: Parts;
  readonly #consumers = new Set<NatsConsumer>();
  readonly #subscriptions = new Set<KeptSubscription>();
  readonly #timer: NodeJS.Timeout;
  #settings: ReadonlyMap<string, SyncSetting> = new Map();
  #trouble: string | undefined;
  #dropped = 0;
  #refusals = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.readDurability(), DURABILITY_INTERVAL_MS);
    this.#timer.unref();
    parts.connection.onStatus((status) => {
      // A server that comes back may have come back with other settings.
      this.#settings = new Map();
      if (status === 'up') void this.readDurability();
    });
  }

  publish(subject: string, payload: Uint8Array): void {
    const { connection, onError } = this.#parts;
    const copy = owned(subject, payload);
    // At most once: the library would hold it back until a reconnection and then drop it.
    if (connection.status === 'down') {
      this.#dropped += 1;
      return;
    }
    try {
      connection.nats.publish(subject, copy);
    } catch (error) {
      onError(toBusError(error, subject));
    }
  }

  subscribe(
    pattern: string,
    handler: (payload: Uint8Array, subject: string) => void,
    options: { readonly queue?: string } = {},
  ): Subscription {
    return this.#subscribe(pattern, options.queue, (message) => handler(ownBytes(message.data), message.subject));
  }

  #subscribe(pattern: string, queue: string | undefined, handler: (message: Msg) => void): Subscription {
    const { connection, onError } = this.#parts;
    if (connection.nats.isClosed()) throw new BusError('bus-closed', 'the bus is closed');
    if (!isPattern(pattern)) throw new BusError('bus-bad-subject', `"${pattern}" is no pattern of subjects`);
    const onRefused = () => {
      this.#refusals += 1;
    };
    const subscription = new KeptSubscription({ pattern, queue, handler }, { connection, onError, onRefused });
    this.#subscriptions.add(subscription);
    return {
      close: () => {
        subscription.close();
        this.#subscriptions.delete(subscription);
      },
    };
  }

  async request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const { connection } = this.#parts;
    const copy = owned(subject, payload);
    const deadline = performance.now() + timeoutMs;
    await connection.whenUp(timeoutMs);
    const left = Math.max(1, Math.ceil(deadline - performance.now()));
    const reply = await connection
      .untilLost(connection.nats.request(subject, copy, { timeout: left }))
      .catch((error: unknown) => {
        throw toBusError(error, subject);
      });
    const failure = reply.headers?.get(ERROR_HEADER) ?? '';
    if (failure !== '') throw new BusError('bus-handler-failed', `${subject}: ${failure}`);
    return ownBytes(reply.data);
  }

  serve(
    subject: string,
    queue: string,
    handler: (payload: Uint8Array) => Uint8Array | Promise<Uint8Array>,
  ): Subscription {
    return this.#subscribe(subject, queue, (message) => void this.#answer(message, handler));
  }

  async #answer(message: Msg, handler: (payload: Uint8Array) => Uint8Array | Promise<Uint8Array>): Promise<void> {
    try {
      message.respond(new Uint8Array(await handler(ownBytes(message.data))));
    } catch (error) {
      this.#parts.onError(error);
      const failure = headers();
      failure.set(ERROR_HEADER, (error instanceof Error ? error.name : 'Error') || 'Error');
      message.respond(new Uint8Array(), { headers: failure });
    }
  }

  async append(
    stream: StreamName,
    subject: string,
    payload: Uint8Array,
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    return this.#parts.streams.append(stream, subject, owned(subject, payload), options);
  }

  async consume(stream: StreamName, options: ConsumeOptions, handler: StreamHandler): Promise<Consumer> {
    const { connection, streams, onError } = this.#parts;
    const parts = { connection, jetstream: streams.client, manager: streams.manager, ensure: streams.ensure, onError };
    const consumer = new NatsConsumer(parts, stream, options, handler);
    this.#consumers.add(consumer);
    return {
      close: async () => {
        await consumer.close();
        this.#consumers.delete(consumer);
      },
    };
  }

  last(stream: StreamName, subject: string): Promise<StreamMessage | undefined> {
    return this.#parts.streams.last(stream, subject);
  }

  read(stream: StreamName, fromSequence: number, max: number): Promise<StreamMessage[]> {
    return this.#parts.streams.read(stream, fromSequence, max);
  }

  subjects(stream: StreamName, pattern: string): Promise<ReadonlyMap<string, number>> {
    return this.#parts.streams.subjects(stream, pattern);
  }

  trim(stream: StreamName, sequence: number): Promise<void> {
    return this.#parts.streams.trim(stream, sequence);
  }

  state(stream: StreamName): Promise<StreamState> {
    return this.#parts.streams.state(stream);
  }

  async kv(bucket: BucketName): Promise<Kv> {
    const { connection, streams, holders, replicas, onError } = this.#parts;
    await connection.whenUp(CALL_TIMEOUT_MS);
    const ensured = await connection
      .untilLost(ensureBucket(streams.client, streams.manager, bucket, replicas))
      .catch((error: unknown) => {
        throw toBusError(error, bucket);
      });
    // A bucket is kept as a file stream is, and its promise is worth as much.
    holders.see(ensured.info, connection);
    return new NatsKv(connection, ensured.bucket, onError);
  }

  status(): BusStatus {
    return this.#parts.connection.status;
  }

  onStatus(listener: (status: BusStatus) => void): Subscription {
    return this.#parts.connection.onStatus(listener);
  }

  async readDurability(): Promise<void> {
    this.#settings = await readServerSettings(this.#parts.monitors);
    const { connection, holders, onDurability } = this.#parts;
    const trouble = durabilityTrouble(holders.names(), this.#settings);
    if (connection.status === 'down' || trouble === this.#trouble) return;
    this.#trouble = trouble;
    onDurability(trouble);
  }

  durability(): Durability {
    return durabilityOf(this.#parts.holders.names(), this.#settings);
  }

  backlog(): Backlog {
    return { waiting: this.#parts.connection.pending, dropped: this.#dropped };
  }

  refusals(): Refusals {
    const refused = [...this.#subscriptions].filter(({ isRefused }) => isRefused);
    return { patterns: refused.map(({ pattern }) => pattern), count: this.#refusals };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const subscription of this.#subscriptions) subscription.close();
    for (const consumer of this.#consumers) await consumer.close();
    await this.#parts.connection.close();
  }
}

/** A copy: the library keeps what it is given until it is written, and the caller may use its buffer again at once. */
function owned(subject: string, payload: Uint8Array): Uint8Array {
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new BusError('bus-bad-payload', `${subject}: ${payload.length} bytes, at most ${MAX_PAYLOAD_BYTES}`);
  }
  return new Uint8Array(payload);
}
