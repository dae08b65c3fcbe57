// What a file log knows of one of its segments, and the index by which a start learns it without reading the segment.
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BusError } from '../errors.ts';
import { decodeRecord } from './record-codec.ts';
import { cutTail, type OnTornEnd, scanSegment } from './segment-file.ts';

export type IdTable = Map<string, { readonly sequence: number; readonly storedAtMs: number }>;

/** Oldest and newest sequence of a subject. */
export interface SubjectRange {
  readonly first: number;
  last: number;
}

export interface Segment {
  readonly path: string;
  /** Sequence of its first record. */
  readonly first: number;
  count: number;
  bytes: number;
  lastStoredAtMs: number;
  readonly subjects: Map<string, SubjectRange>;
  /** Where each record begins, and the end; absent while nobody reads the segment. */
  offsets: number[] | undefined;
}

export function emptySegment(directory: string, first: number): Segment {
  const path = join(directory, `${String(first).padStart(16, '0')}.log`);
  return { path, first, count: 0, bytes: 0, lastStoredAtMs: 0, subjects: new Map(), offsets: [0] };
}

export function noteSubject({ subjects }: Segment, subject: string, sequence: number): void {
  const range = subjects.get(subject);
  if (range === undefined) subjects.set(subject, { first: sequence, last: sequence });
  else range.last = sequence;
}

export const isSegmentName = (name: string): boolean => /^\d{16}\.log$/.test(name);
export const indexPath = (segment: Segment): string => `${segment.path}.index.json`;

/**
 * Reads a segment of an earlier run. With `onTornEnd`, for the last one, it may end in a torn record, which is cut off. Message ids stored since `idsSinceMs` go
 * into `ids`. A sealed segment that is not sound is `bus-storage-failed`: nothing that was acknowledged is given up silently.
 */
export async function loadSegment(
  directory: string,
  name: string,
  onTornEnd: OnTornEnd | undefined,
  idsSinceMs: number,
  ids: IdTable,
): Promise<Segment> {
  const segment = emptySegment(directory, Number(name.slice(0, 16)));
  const last = onTornEnd !== undefined;
  if (!last && (await loadIndex(segment)) && segment.lastStoredAtMs < idsSinceMs) return segment;
  const { sound, size } = await scanInto(segment, (messageId, sequence, storedAtMs) => {
    if (messageId !== '' && storedAtMs >= idsSinceMs) ids.set(messageId, { sequence, storedAtMs });
  });
  if (sound < size && !last) throw new BusError('bus-storage-failed', `${segment.path} is damaged at byte ${sound}`);
  if (sound < size && last) await cutTail(segment.path, sound, size, onTornEnd);
  if (!last) segment.offsets = undefined;
  return segment;
}

/** Fills `offsets` again, for a reader. */
export async function loadOffsets(segment: Segment): Promise<number[]> {
  const offsets = [0];
  await scanSegment(segment.path, (_body, end) => offsets.push(end));
  if (offsets.length !== segment.count + 1) throw new BusError('bus-storage-failed', `${segment.path} is damaged`);
  return offsets;
}

async function scanInto(
  segment: Segment,
  onId: (messageId: string, sequence: number, storedAtMs: number) => void,
): Promise<{ sound: number; size: number }> {
  const offsets = [0];
  segment.subjects.clear();
  const extent = await scanSegment(segment.path, (body, end) => {
    const record = decodeRecord(body);
    if (record.sequence !== segment.first + offsets.length - 1) {
      throw new BusError('bus-storage-failed', `${segment.path} holds record ${record.sequence} out of its order`);
    }
    offsets.push(end);
    noteSubject(segment, record.subject, record.sequence);
    segment.lastStoredAtMs = record.storedAtMs;
    onId(record.messageId, record.sequence, record.storedAtMs);
  });
  segment.count = offsets.length - 1;
  segment.bytes = extent.sound;
  segment.offsets = offsets;
  return extent;
}

/** Written when a segment is sealed. Needs no sync: an index that does not fit is ignored. */
export async function writeIndex(segment: Segment): Promise<void> {
  const { count, bytes, lastStoredAtMs, subjects } = segment;
  const path = indexPath(segment);
  const ranges = [...subjects].map(([subject, { first, last }]) => [subject, first, last]);
  await writeFile(`${path}.new`, JSON.stringify({ count, bytes, lastStoredAtMs, subjects: ranges }));
  await rename(`${path}.new`, path);
}

async function loadIndex(segment: Segment): Promise<boolean> {
  try {
    const index = JSON.parse(await readFile(indexPath(segment), 'utf8')) as {
      count: number;
      bytes: number;
      lastStoredAtMs: number;
      subjects: [subject: string, first: number, last: number][];
    };
    if ((await stat(segment.path)).size !== index.bytes) return false;
    if (index.subjects.some((range) => range.length !== 3)) return false;
    segment.count = index.count;
    segment.bytes = index.bytes;
    segment.lastStoredAtMs = index.lastStoredAtMs;
    for (const [subject, first, last] of index.subjects) segment.subjects.set(subject, { first, last });
    segment.offsets = undefined;
    return true;
  } catch {
    return false;
  }
}
