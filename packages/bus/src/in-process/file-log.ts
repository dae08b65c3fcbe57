// A stream's records on disk: segments named by their first sequence, the last one open for appending. Order of an append: write,
// fdatasync, bookkeeping, only then its promise.
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { CommitQueue } from './commit-queue.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';
import {
  emptySegment,
  type IdTable,
  indexPath,
  isSegmentName,
  loadSegment,
  noteSubject,
  type Segment,
  writeIndex,
} from './segment.ts';
import { frameRecord, type OnTornEnd, syncDirectory, writeAndSync } from './segment-file.ts';
import { SegmentReaders } from './segment-readers.ts';
import type { LogContents, StreamLog, StreamRecord } from './stream-log.ts';

/** A segment is sealed when it has grown to this. */
export const SEGMENT_BYTES = 16 * 1_048_576;

interface Entry {
  readonly record: StreamRecord;
  readonly framed: Uint8Array;
}

export class FileLog implements StreamLog {
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #segments: Segment[];
  readonly #readers = new SegmentReaders();
  readonly #queue = new CommitQueue<Entry>((entries) => this.#commit(entries));
  #file: FileHandle;
  #firstSequence: number;

  private constructor(directory: string, segmentBytes: number, segments: Segment[], file: FileHandle) {
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    this.#segments = segments;
    this.#file = file;
    this.#firstSequence = segments[0]?.first ?? 1;
  }

  /** Opens the log in `directory`, cutting off a torn end. Ids of records stored since `idsSinceMs` are in the contents. */
  static async open(
    directory: string,
    idsSinceMs: number,
    segmentBytes: number,
    onTornEnd: OnTornEnd,
  ): Promise<{ log: FileLog; contents: LogContents }> {
    await mkdir(directory, { recursive: true });
    const names = (await readdir(directory)).filter(isSegmentName).sort();
    const ids: IdTable = new Map();
    const segments: Segment[] = [];
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1;
      segments.push(await loadSegment(directory, name, isLast ? onTornEnd : undefined, idsSinceMs, ids));
    }
    const last = segments.at(-1) ?? emptySegment(directory, 1);
    if (segments.length === 0) segments.push(last);
    const file = await open(last.path, names.length === 0 ? 'w' : 'r+');
    await syncDirectory(directory);
    const lastBySubject = new Map<string, number>();
    for (const segment of segments) {
      for (const [subject, { last }] of segment.subjects) lastBySubject.set(subject, last);
    }
    const contents = { lastSequence: last.first + last.count - 1, lastBySubject, ids };
    return { log: new FileLog(directory, segmentBytes, segments, file), contents };
  }

  get firstSequence(): number {
    return this.#firstSequence;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  get failed(): boolean {
    return this.#queue.failure?.code === 'bus-storage-failed';
  }

  get #last(): Segment {
    return this.#segments.at(-1) as Segment;
  }

  append(record: StreamRecord): Promise<void> {
    return this.#queue.add({ record, framed: frameRecord(encodeRecord(record)) });
  }

  async #commit(entries: readonly Entry[]): Promise<void> {
    if (this.#last.bytes >= this.#segmentBytes) await this.#roll();
    const segment = this.#last;
    await writeAndSync(
      this.#file,
      entries.map(({ framed }) => framed),
      segment.bytes,
    );
    for (const { record, framed } of entries) {
      segment.bytes += framed.length;
      segment.count++;
      segment.lastStoredAtMs = record.storedAtMs;
      noteSubject(segment, record.subject, record.sequence);
      segment.offsets?.push(segment.bytes);
    }
  }

  /** Seals the open segment and begins the next. */
  async #roll(): Promise<void> {
    const sealed = this.#last;
    await writeIndex(sealed);
    const next = emptySegment(this.#directory, sealed.first + sealed.count);
    const file = await open(next.path, 'w');
    await syncDirectory(this.#directory);
    await this.#file.close();
    this.#file = file;
    this.#segments.push(next);
    sealed.offsets = undefined;
  }

  async read(sequence: number): Promise<StreamRecord | undefined> {
    if (sequence < this.#firstSequence) return undefined;
    const segment = this.#segments[this.#indexOf(sequence)];
    if (segment === undefined || sequence >= segment.first + segment.count) return undefined;
    try {
      return decodeRecord(await this.#readers.read(segment, sequence - segment.first));
    } catch (error) {
      // Dropped meanwhile, with its file.
      if (sequence < this.#firstSequence) return undefined;
      throw error;
    }
  }

  skipTo(subject: string, sequence: number): number {
    for (let index = Math.max(0, this.#indexOf(sequence)); index < this.#segments.length; index++) {
      const range = this.#segments[index]?.subjects.get(subject);
      if (range !== undefined && range.last >= sequence) return Math.max(sequence, range.first);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Of the segment in which a sequence has its place; -1: before all of them. */
  #indexOf(sequence: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle] as Segment).first <= sequence) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  async dropOldest(): Promise<boolean> {
    const [oldest] = this.#segments;
    if (oldest === undefined || oldest === this.#last) return false;
    this.#segments.shift();
    this.#firstSequence = Math.max(this.#firstSequence, this.#segments[0]?.first ?? 1);
    await this.#readers.drop(oldest);
    await rm(oldest.path);
    await rm(indexPath(oldest), { force: true });
    return true;
  }

  async dropBefore(sequence: number): Promise<void> {
    this.#firstSequence = Math.max(this.#firstSequence, Math.min(sequence, this.#last.first + this.#last.count));
    while (this.#segments.length > 1 && (this.#segments[1] as Segment).first <= this.#firstSequence)
      await this.dropOldest();
  }

  async close(): Promise<void> {
    await this.#queue.close();
    await this.#readers.close();
    await this.#file.close();
  }
}
