// Segments held open for reading: the file, and where each record begins. One that others crowd out is closed when its last read has ended.
import { type FileHandle, open } from 'node:fs/promises';
import { loadOffsets, type Segment } from './segment.ts';
import { readRecord } from './segment-file.ts';

/** Segments held open between reads. */
const MAX_READERS = 4;

interface OpenSegment {
  readonly file: FileHandle;
  /** Of the segment that is being written: the array that it grows by. */
  readonly offsets: readonly number[];
}

interface Reader {
  readonly opened: Promise<OpenSegment>;
  /** Reads under way. */
  users: number;
  /** Nobody finds it any more: its last user closes it. */
  dropped: boolean;
}

export class SegmentReaders {
  /** The one that was not used for longest first. */
  readonly #readers = new Map<Segment, Reader>();

  /** The body of the record at `index` of the segment; rejects with `bus-storage-failed` or the error of the file system. */
  async read(segment: Segment, index: number): Promise<Uint8Array> {
    const reader = this.#use(segment);
    try {
      const { file, offsets } = await reader.opened;
      const [start = 0, end = 0] = offsets.slice(index, index + 2);
      return await readRecord(file, start, end - start);
    } finally {
      reader.users -= 1;
      await closeUnused(reader);
    }
  }

  #use(segment: Segment): Reader {
    const reader = this.#readers.get(segment) ?? this.#create(segment);
    reader.users += 1;
    this.#readers.delete(segment);
    this.#readers.set(segment, reader);
    const [oldest] = this.#readers.keys();
    if (oldest !== undefined && this.#readers.size > MAX_READERS) void this.drop(oldest);
    return reader;
  }

  #create(segment: Segment): Reader {
    const reader: Reader = { opened: openSegment(segment), users: 0, dropped: false };
    // The next read tries anew.
    reader.opened.catch(() => {
      if (this.#readers.get(segment) === reader) this.#readers.delete(segment);
    });
    return reader;
  }

  /** Forgets the segment; resolves when its file is closed, or at once if it is being read. */
  async drop(segment: Segment): Promise<void> {
    const reader = this.#readers.get(segment);
    if (reader === undefined) return;
    this.#readers.delete(segment);
    reader.dropped = true;
    await closeUnused(reader);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#readers.keys()].map((segment) => this.drop(segment)));
  }
}

async function openSegment(segment: Segment): Promise<OpenSegment> {
  const offsets = segment.offsets ?? (await loadOffsets(segment));
  return { offsets, file: await open(segment.path, 'r') };
}

async function closeUnused({ opened, users, dropped }: Reader): Promise<void> {
  if (!dropped || users > 0) return;
  const segment = await opened.catch(() => undefined);
  await segment?.file.close();
}
