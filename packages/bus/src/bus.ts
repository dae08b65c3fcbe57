// The one interface between services. Two implementations: in one process (in-process/) and over NATS (nats/); the contract
// suite in test/integration/bus-contract.test.ts holds for both. Payloads are bytes: see subjects.ts for who sends what.
import type { BucketName, StreamName } from './streams.ts';

/** Ends a subscription or a served subject; calling it twice is harmless. */
export interface Subscription {
  close(): void;
}

/** One record of a stream. */
export interface StreamMessage {
  readonly subject: string;
  /** Counts from 1 over the whole stream, without reuse. */
  readonly sequence: number;
  /** Belongs to the receiver; never changed by the bus afterwards. */
  readonly payload: Uint8Array;
  /** When the stream took it, in Unix milliseconds. */
  readonly storedAtMs: number;
}

export interface AppendOptions {
  /** The same id within the stream's duplicate window is stored once; later ones answer `duplicate: true`. */
  readonly messageId?: string;
  /** Stores only if the last record of this subject has this sequence (0: there is none), else `bus-wrong-sequence`. */
  readonly expectedLastSubjectSequence?: number;
  /** Default 5,000 ms. After `bus-timeout` the record may or may not be stored: repeat with the same id or expectation. */
  readonly timeoutMs?: number;
}

export interface AppendResult {
  /** Sequence in the stream; of the first copy when `duplicate`. */
  readonly sequence: number;
  readonly duplicate: boolean;
}

export interface ConsumeOptions {
  /** Only subjects that match this pattern. */
  readonly filter?: string;
  /** Name under which the position is kept; a record counts as done when the handler has resolved. Without it: ordered, from `fromSequence`. */
  readonly durable?: string;
  /** First sequence of interest. Default: the oldest kept. A durable that exists already keeps its own position. */
  readonly fromSequence?: number;
  /** How many records may be fetched ahead of the handler. */
  readonly batch: number;
  /**
   * Records that follow each other come together: so long passes after some were given before more are asked for. Large ones come in pieces, each
   * with its part of that time among those that wait; if so many are behind that hardly a rest would be left, they come without one. A record after a longer silence
   * comes at once. Default 0. Not for a durable.
   */
  readonly gatherMs?: number;
}

/**
 * Called with one record at a time, in order; a durable's again after a crash of the server or of the holder before (at least once). If it throws or rejects, the same record is given again after a pause: a handler that
 * wants to step over a record returns.
 */
export type StreamHandler = (message: StreamMessage) => Promise<void> | void;

export interface Consumer {
  /** Resolves when the handler is idle; an unfinished record of a durable is delivered again to its next holder. */
  close(): Promise<void>;
}

export interface StreamState {
  /** Oldest kept sequence; `lastSequence + 1` when the stream is empty. */
  readonly firstSequence: number;
  /** Newest sequence; 0 when nothing was ever stored. */
  readonly lastSequence: number;
  readonly bytes: number;
  /** The bound at which the stream discards. */
  readonly maxBytes: number;
}

export interface KvEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Grows with every change in the bucket; the revision of one write is never given to another. */
  readonly revision: number;
}

/** A change seen by `watch`; `value` undefined: the key is gone. */
export interface KvChange {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly revision: number;
}

/** A bucket of keys with compare-and-set. Keys match `[-_=.a-zA-Z0-9]+`. */
export interface Kv {
  get(key: string): Promise<KvEntry | undefined>;
  /** Returns the new revision; `bus-revision-conflict` if the key exists. */
  create(key: string, value: Uint8Array): Promise<number>;
  /** Returns the new revision; `bus-revision-conflict` unless the key still has `revision`. */
  update(key: string, value: Uint8Array, revision: number): Promise<number>;
  /** Unconditional write; returns the new revision. */
  put(key: string, value: Uint8Array): Promise<number>;
  /**
   * With `revision`: `bus-revision-conflict` unless the key still has it. Deleting an absent key is no error. Nothing of the key stays
   * behind for longer than some seconds.
   */
  delete(key: string, revision?: number): Promise<void>;
  keys(): Promise<string[]>;
  /** The present entries first, then every change, in order; a lost connection is made up for, deletions if it lasted seconds only. */
  watch(onChange: (change: KvChange) => void): Promise<Subscription>;
}

export type BusStatus = 'up' | 'down';

/** Whether an acknowledged record of a file stream has been synced to disk. Everything but `synced` counts as not durable. */
export type Durability = 'synced' | 'not-synced' | 'unknown';

/** What waits in this process, and what was given up because too much did. */
export interface Backlog {
  /** Appends and other calls without an answer yet, and deliveries that were not made yet. */
  readonly waiting: number;
  /** Messages that were published and went nowhere: without a connection, or beyond the bound of what may wait. */
  readonly dropped: number;
}

/** Subscriptions that the servers do not let this process have. Each is tried again until they do. */
export interface Refusals {
  /** Those that are refused at present: nothing is heard of them. */
  readonly patterns: readonly string[];
  /** How often one was refused, the repeated tries too. */
  readonly count: number;
}

export interface Bus {
  /** At most once, to whoever is subscribed now. Never blocks, never throws for a lost connection (the message is lost with it). */
  publish(subject: string, payload: Uint8Array): void;
  /**
   * Handlers never run inside a call of `publish`. With `queue`, one member of the queue gets each message. What the servers refuse stands in
   * `refusals()` until they let this process have it.
   */
  subscribe(
    pattern: string,
    handler: (payload: Uint8Array, subject: string) => void,
    options?: { readonly queue?: string },
  ): Subscription;
  /** Rejects with `bus-timeout`, `bus-no-responders`, `bus-handler-failed`, `bus-down` or `bus-closed`. */
  request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** Answers requests; members of one queue share them. */
  serve(
    subject: string,
    queue: string,
    handler: (payload: Uint8Array) => Uint8Array | Promise<Uint8Array>,
  ): Subscription;
  /**
   * Resolves when the stream has the record (file streams: as durable as `durability()` says). Live core subscribers of the subject get it
   * too, possibly before it is stored, more than once, and even if it is then refused: they check the numbers in the payload.
   * Rejects with `bus-wrong-sequence`, `bus-stream-full`, `bus-timeout`, `bus-storage-failed`, `bus-down` or `bus-closed`.
   */
  append(stream: StreamName, subject: string, payload: Uint8Array, options?: AppendOptions): Promise<AppendResult>;
  consume(stream: StreamName, options: ConsumeOptions, handler: StreamHandler): Promise<Consumer>;
  /** The newest record of a subject (no wildcards). */
  last(stream: StreamName, subject: string): Promise<StreamMessage | undefined>;
  /** Up to `max` records from `fromSequence` on, in order; fewer at the end of the stream. */
  read(stream: StreamName, fromSequence: number, max: number): Promise<StreamMessage[]>;
  /** The subjects under a pattern that hold records, each with a number that grows with every record that it gets; a trim may raise it. */
  subjects(stream: StreamName, pattern: string): Promise<ReadonlyMap<string, number>>;
  /** Forgets every record with a sequence below `sequence`. */
  trim(stream: StreamName, sequence: number): Promise<void>;
  state(stream: StreamName): Promise<StreamState>;
  kv(bucket: BucketName): Promise<Kv>;
  status(): BusStatus;
  onStatus(listener: (status: BusStatus) => void): Subscription;
  durability(): Durability;
  backlog(): Backlog;
  refusals(): Refusals;
  close(): Promise<void>;
}
