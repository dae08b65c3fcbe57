// One stream of the in-process bus: sequences, expectations, duplicate ids and bounds over a log, and consumers that wait for more.
import type { Clock } from '@sluice/runtime/clock';
import type { AppendOptions, AppendResult, StreamMessage, StreamState } from '../bus.ts';
import { BusError } from '../errors.ts';
import { checkSubjectOf, type StreamDeclaration } from '../streams.ts';
import { hasWildcard, subjectMatches } from '../subject-match.ts';
import { type LogContents, recordBytes, type StreamLog, type StreamRecord } from './stream-log.ts';

/** Records on their way to the disk; further appends are refused until it has caught up. */
export const PENDING_BYTES_BOUND = 64 * 1_048_576;

export class Stream {
  readonly #declaration: StreamDeclaration;
  readonly #maxBytes: number;
  readonly #log: StreamLog;
  readonly #clock: Clock;
  /** Of accepted appends, stored or on their way: what expectations are compared with. */
  readonly #lastBySubject: Map<string, number>;
  /** Of stored ones: what is visible. */
  readonly #storedBySubject: Map<string, number>;
  readonly #ids: Map<string, { sequence: number; storedAtMs: number; stored?: Promise<void> }>;
  readonly #waiters = new Set<() => void>();
  #accepted: number;
  #pending = 0;
  #pendingBytes = 0;
  /** Newest sequence that is stored, hence visible. */
  #stored: number;

  constructor(declaration: StreamDeclaration, maxBytes: number, log: StreamLog, contents: LogContents, clock: Clock) {
    this.#declaration = declaration;
    this.#maxBytes = maxBytes;
    this.#log = log;
    this.#clock = clock;
    this.#lastBySubject = new Map(contents.lastBySubject);
    this.#storedBySubject = new Map(contents.lastBySubject);
    this.#ids = new Map(contents.ids);
    this.#accepted = contents.lastSequence;
    this.#stored = contents.lastSequence;
  }

  /** `payload` must not change afterwards. */
  async append(subject: string, payload: Uint8Array, options: AppendOptions): Promise<AppendResult> {
    const { messageId = '', expectedLastSubjectSequence: expected } = options;
    checkSubjectOf(this.#declaration, subject);
    const now = this.#clock.now();
    this.#forgetIds(now);
    const first = messageId === '' ? undefined : this.#ids.get(messageId);
    if (first !== undefined) {
      await first.stored;
      return { sequence: first.sequence, duplicate: true };
    }
    const newest = this.#lastBySubject.get(subject) ?? 0;
    // Of a subject whose records were trimmed away there is none, as NATS has it.
    const last = newest < this.#log.firstSequence ? 0 : newest;
    if (expected !== undefined && expected !== last) {
      throw new BusError('bus-wrong-sequence', `${subject} is at ${last}, not at ${expected}`);
    }
    const record: StreamRecord = { subject, sequence: this.#accepted + 1, payload, storedAtMs: now, messageId };
    this.#checkBound(record);
    this.#accepted = record.sequence;
    this.#lastBySubject.set(subject, record.sequence);
    const stored = this.#store(record);
    if (messageId !== '') this.#ids.set(messageId, { sequence: record.sequence, storedAtMs: now, stored });
    await stored;
    return { sequence: record.sequence, duplicate: false };
  }

  #checkBound(record: StreamRecord): void {
    if (this.#pendingBytes + recordBytes(record) > PENDING_BYTES_BOUND) {
      throw new BusError('bus-down', `${record.subject}: ${this.#pending} records wait for the disk`);
    }
    if (this.#declaration.discard === 'old') return;
    if (this.#log.bytes + this.#pendingBytes + recordBytes(record) > this.#maxBytes) {
      throw new BusError('bus-stream-full', `${record.subject}: the bound of ${this.#maxBytes} bytes is reached`);
    }
  }

  async #store(record: StreamRecord): Promise<void> {
    const bytes = recordBytes(record);
    this.#pending += 1;
    this.#pendingBytes += bytes;
    try {
      await this.#log.append(record);
    } finally {
      this.#pending -= 1;
      this.#pendingBytes -= bytes;
    }
    this.#stored = record.sequence;
    this.#storedBySubject.set(record.subject, record.sequence);
    if (this.#declaration.discard === 'old') {
      while (this.#log.bytes > this.#maxBytes && (await this.#log.dropOldest()));
    }
    this.wake();
  }

  /** Ids are in the order of their storing: the old ones are the first of the map. */
  #forgetIds(now: number): void {
    for (const [id, { storedAtMs }] of this.#ids) {
      if (storedAtMs > now - this.#declaration.duplicateWindowMs) break;
      this.#ids.delete(id);
    }
  }

  /** The first visible record from `sequence` on that matches `filter`; undefined: none yet. */
  async next(sequence: number, filter?: string): Promise<StreamMessage | undefined> {
    if (filter !== undefined && !hasWildcard(filter)) return this.#nextOf(filter, sequence);
    for (let at = Math.max(sequence, this.#log.firstSequence); at <= this.#stored; at++) {
      const record = await this.#log.read(at);
      if (record === undefined) continue;
      if (filter === undefined || subjectMatches(filter, record.subject)) return record;
    }
    return undefined;
  }

  /** Reads no more of other subjects than it must: a new gateway begins behind the whole history of those before. */
  async #nextOf(subject: string, sequence: number): Promise<StreamMessage | undefined> {
    const last = this.#storedBySubject.get(subject) ?? 0;
    for (let at = Math.max(sequence, this.#log.firstSequence); at <= last; at++) {
      at = this.#log.skipTo(subject, at);
      if (at > last) break;
      const record = await this.#log.read(at);
      if (record?.subject === subject) return record;
    }
    return undefined;
  }

  async last(subject: string): Promise<StreamMessage | undefined> {
    const sequence = this.#storedBySubject.get(subject);
    return sequence === undefined ? undefined : this.#log.read(sequence);
  }

  async read(fromSequence: number, max: number): Promise<StreamMessage[]> {
    const found: StreamMessage[] = [];
    for (let at = fromSequence; found.length < max; at = (found.at(-1) as StreamMessage).sequence + 1) {
      const record = await this.next(at);
      if (record === undefined) break;
      found.push(record);
    }
    return found;
  }

  /** Subjects that hold records, each with its newest sequence. */
  subjects(pattern: string): Map<string, number> {
    const found = new Map<string, number>();
    for (const [subject, sequence] of this.#storedBySubject) {
      if (sequence >= this.#log.firstSequence && subjectMatches(pattern, subject)) found.set(subject, sequence);
    }
    return found;
  }

  get storedSequence(): number {
    return this.#stored;
  }

  /** Appends under way. */
  get pending(): number {
    return this.#pending;
  }

  get failed(): boolean {
    return this.#log.failed;
  }

  /** Resolves at the next stored record, or at `wake`. */
  waitForMore(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.add(resolve);
    });
  }

  wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const resolve of waiters) resolve();
  }

  trim(sequence: number): Promise<void> {
    return this.#log.dropBefore(sequence);
  }

  state(): StreamState {
    const lastSequence = this.#stored;
    const firstSequence = Math.min(this.#log.firstSequence, lastSequence + 1);
    return { firstSequence, lastSequence, bytes: this.#log.bytes, maxBytes: this.#maxBytes };
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
