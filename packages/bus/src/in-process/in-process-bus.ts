// The bus of the single-process mode: same contract as over NATS, no server. With a directory the file streams and the buckets are
// on disk and synced before they are acknowledged; without one everything ends with the process.
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Clock, systemClock } from '@sluice/runtime/clock';
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
import {
  type BucketName,
  bucketNames,
  MAX_PAYLOAD_BYTES,
  type StreamDeclaration,
  type StreamName,
  streamNames,
  streams,
} from '../streams.ts';
import { isPattern, isSubject } from '../subject-match.ts';
import { CoreSubjects } from './core-subjects.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import { lockDirectory } from './directory-lock.ts';
import { DurablePositions } from './durable-positions.ts';
import { FileLog, SEGMENT_BYTES } from './file-log.ts';
import { KvStore } from './kv-store.ts';
import { MemoryLog } from './memory-log.ts';
import { type OnTornEnd, syncDirectory } from './segment-file.ts';
import { Stream } from './stream.ts';
import { type Position, StreamConsumer } from './stream-consumer.ts';

export interface InProcessBusOptions {
  /** Folder for file streams and buckets; absent: everything in memory. */
  readonly directory?: string;
  readonly clock?: Clock;
  /** Bounds that differ from those of the table. */
  readonly maxBytes?: Partial<Record<StreamName, number>>;
  /** What handlers throw where the contract has nobody to tell. */
  readonly onError?: (error: unknown) => void;
  /** Told of each end of a file that was not sound, as a crash leaves it behind what was acknowledged, once it was cut off. */
  readonly onTornEnd?: OnTornEnd;
}

const DEFAULT_APPEND_TIMEOUT_MS = 5_000;

/** Opens the streams and buckets; rejects with `bus-storage-failed` when the folder is damaged or held by another process. */
export async function createInProcessBus(options: InProcessBusOptions = {}): Promise<Bus> {
  const unlock = options.directory === undefined ? undefined : await prepareDirectory(options.directory);
  try {
    return await openBus(options, unlock);
  } catch (error) {
    unlock?.();
    throw error;
  }
}

async function openBus(options: InProcessBusOptions, unlock: (() => void) | undefined): Promise<Bus> {
  const {
    directory,
    clock = systemClock,
    maxBytes = {},
    onError = reportUncaught,
    onTornEnd = () => undefined,
  } = options;
  const deliveries = new DeliveryQueue(onError);
  const path = (...parts: string[]) => (directory === undefined ? undefined : join(directory, ...parts));
  const streamTable = new Map<StreamName, Stream>();
  for (const name of streamNames) {
    const limit = maxBytes[name] ?? streams[name].maxBytes;
    streamTable.set(name, await openStream(streams[name], limit, path('streams', name), clock, onTornEnd));
  }
  const bucketTable = new Map<BucketName, KvStore>();
  for (const name of bucketNames)
    bucketTable.set(name, await KvStore.open(path('buckets', name), deliveries.add, onTornEnd));
  // Whoever held a lease was in a process that is no more: nobody need wait for its time to pass. Revisions go on.
  const leases = bucketTable.get('leases');
  for (const key of (await leases?.keys()) ?? []) await leases?.delete(key);
  const positions = await DurablePositions.open(
    path('buckets', 'consumer-positions'),
    deliveries.add,
    onError,
    onTornEnd,
  );
  return new InProcessBus({ streamTable, bucketTable, positions, deliveries, onError, unlock });
}

async function prepareDirectory(directory: string): Promise<() => void> {
  const firstMade = await mkdir(join(directory, 'streams'), { recursive: true });
  await mkdir(join(directory, 'buckets'), { recursive: true });
  for (const name of streamNames) await mkdir(join(directory, 'streams', name), { recursive: true });
  await syncDirectory(join(directory, 'streams'));
  await syncDirectory(directory);
  // A new folder is durable once the one that it is in was synced, up to the first that was there.
  if (firstMade !== undefined)
    for (let made = resolve(directory); made.length >= resolve(firstMade).length; made = dirname(made))
      await syncDirectory(dirname(made));
  return lockDirectory(directory);
}

async function openStream(
  declaration: StreamDeclaration,
  maxBytes: number,
  directory: string | undefined,
  clock: Clock,
  onTornEnd: OnTornEnd,
): Promise<Stream> {
  if (directory === undefined || declaration.storage === 'memory') {
    const empty = { lastSequence: 0, lastBySubject: new Map(), ids: new Map() };
    return new Stream(declaration, maxBytes, new MemoryLog(declaration.maxPerSubject), empty, clock);
  }
  const idsSince = clock.now() - declaration.duplicateWindowMs;
  // Space comes back by whole segments: a bound must hold several.
  const segmentBytes = Math.min(SEGMENT_BYTES, Math.ceil(maxBytes / 16));
  const { log, contents } = await FileLog.open(directory, idsSince, segmentBytes, onTornEnd);
  return new Stream(declaration, maxBytes, log, contents, clock);
}

/** Without a handler of its own a failure is the process's: it ends up where uncaught errors do. */
function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

interface Parts {
  readonly streamTable: ReadonlyMap<StreamName, Stream>;
  readonly bucketTable: ReadonlyMap<BucketName, KvStore>;
  readonly positions: DurablePositions;
  readonly deliveries: DeliveryQueue;
  readonly onError: (error: unknown) => void;
  readonly unlock: (() => void) | undefined;
}

class InProcessBus implements Bus {
  readonly #parts: Parts;
  readonly #core: CoreSubjects;
  readonly #consumers = new Set<StreamConsumer>();
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#core = new CoreSubjects(parts.deliveries, parts.onError);
  }

  publish(subject: string, payload: Uint8Array): void {
    if (!this.#closed) this.#core.publish(subject, owned(subject, payload));
  }

  subscribe(
    pattern: string,
    handler: (payload: Uint8Array, subject: string) => void,
    options: { readonly queue?: string } = {},
  ): Subscription {
    this.#checkOpen();
    if (!isPattern(pattern)) throw new BusError('bus-bad-subject', `"${pattern}" is no pattern of subjects`);
    return this.#core.subscribe(pattern, handler, options.queue);
  }

  async request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    this.#checkOpen();
    if (!isSubject(subject)) throw new BusError('bus-bad-subject', `"${subject}" is no subject`);
    return this.#core.request(subject, owned(subject, payload), timeoutMs);
  }

  serve(
    subject: string,
    _queue: string,
    handler: (payload: Uint8Array) => Uint8Array | Promise<Uint8Array>,
  ): Subscription {
    this.#checkOpen();
    return this.#core.serve(subject, handler);
  }

  async append(
    name: StreamName,
    subject: string,
    payload: Uint8Array,
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    this.#checkOpen();
    const copy = owned(subject, payload);
    const stored = this.#stream(name).append(subject, copy, options);
    this.#core.publish(subject, copy);
    return withTimeout(stored, subject, options.timeoutMs ?? DEFAULT_APPEND_TIMEOUT_MS);
  }

  async consume(name: StreamName, options: ConsumeOptions, handler: StreamHandler): Promise<Consumer> {
    this.#checkOpen();
    const { durable, fromSequence = 1 } = options;
    const position: Position =
      durable === undefined
        ? { next: fromSequence, turn: Promise.resolve(), saved: () => undefined }
        : this.#parts.positions.of(`${name}.${durable}`, fromSequence);
    const consumer = new StreamConsumer(this.#stream(name), position, options, handler, this.#parts.onError);
    this.#consumers.add(consumer);
    return {
      close: async () => {
        await consumer.close();
        this.#consumers.delete(consumer);
      },
    };
  }

  async last(name: StreamName, subject: string): Promise<StreamMessage | undefined> {
    this.#checkOpen();
    return this.#stream(name).last(subject);
  }

  async read(name: StreamName, fromSequence: number, max: number): Promise<StreamMessage[]> {
    this.#checkOpen();
    return this.#stream(name).read(fromSequence, max);
  }

  async subjects(name: StreamName, pattern: string): Promise<ReadonlyMap<string, number>> {
    this.#checkOpen();
    return this.#stream(name).subjects(pattern);
  }

  async trim(name: StreamName, sequence: number): Promise<void> {
    this.#checkOpen();
    await this.#stream(name).trim(sequence);
  }

  async state(name: StreamName): Promise<StreamState> {
    this.#checkOpen();
    return this.#stream(name).state();
  }

  async kv(bucket: BucketName): Promise<Kv> {
    this.#checkOpen();
    return this.#parts.bucketTable.get(bucket) as KvStore;
  }

  status(): BusStatus {
    return this.#closed ? 'down' : 'up';
  }

  /** This transport has no connection to lose: `down` comes at the close alone, and nobody is left to be told. */
  onStatus(): Subscription {
    return { close: () => undefined };
  }

  durability(): Durability {
    const failed = [...this.#parts.streamTable.values()].some((stream) => stream.failed);
    return this.#parts.unlock === undefined || failed ? 'not-synced' : 'synced';
  }

  backlog(): Backlog {
    const { deliveries, streamTable } = this.#parts;
    const appends = [...streamTable.values()].reduce((sum, { pending }) => sum + pending, 0);
    return { waiting: deliveries.waiting + appends, dropped: deliveries.dropped };
  }

  /** There is nobody who could refuse. */
  refusals(): Refusals {
    return { patterns: [], count: 0 };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#core.close();
    for (const consumer of this.#consumers) await consumer.close();
    await this.#parts.positions.close();
    for (const stream of this.#parts.streamTable.values()) await stream.close();
    for (const bucket of this.#parts.bucketTable.values()) await bucket.close();
    this.#parts.unlock?.();
  }

  #stream(name: StreamName): Stream {
    return this.#parts.streamTable.get(name) as Stream;
  }

  #checkOpen(): void {
    if (this.#closed) throw new BusError('bus-closed', 'the bus is closed');
  }
}

/** A copy: the caller may use its buffer again at once. */
function owned(subject: string, payload: Uint8Array): Uint8Array {
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new BusError('bus-bad-payload', `${subject}: ${payload.length} bytes, at most ${MAX_PAYLOAD_BYTES}`);
  }
  return new Uint8Array(payload);
}

function withTimeout<T>(work: Promise<T>, subject: string, timeoutMs: number): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(
    () => reject(new BusError('bus-timeout', `${subject}: not stored in ${timeoutMs} ms`)),
    timeoutMs,
  );
  work.then(resolve, reject).finally(() => clearTimeout(timer));
  return promise;
}
