// One file of an append-only log: records of length, CRC-32 and body. A sealed segment never changes; the last one may end in a torn
// record after a crash, which is cut off (and kept beside it) before anything is appended.
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { BusError } from '../errors.ts';

const RECORD_HEADER_BYTES = 8;
/** A length beyond this is no record: bodies are a payload and a few names. */
const MAX_BODY_BYTES = 4 * 1_048_576;
const READ_CHUNK_BYTES = 1_048_576;

/** Frames one body: u32 length, u32 CRC-32 of the body, the body. */
export function frameRecord(body: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafeSlow(RECORD_HEADER_BYTES + body.length);
  out.writeUInt32LE(body.length, 0);
  out.writeUInt32LE(crc32(body), 4);
  out.set(body, RECORD_HEADER_BYTES);
  return out;
}

/**
 * Calls `onRecord` with each whole record, in order, and the offset of its end; the body is the callee's to keep. Returns the length of the sound part of the file.
 */
export async function scanSegment(
  path: string,
  onRecord: (body: Uint8Array, end: number) => void,
): Promise<{ sound: number; size: number }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let window = Buffer.alloc(0);
    let windowAt = 0;
    let at = 0;
    const ensure = async (count: number): Promise<boolean> => {
      if (at + count > size) return false;
      if (at + count <= windowAt + window.length) return true;
      window = Buffer.alloc(Math.min(size - at, Math.max(count, READ_CHUNK_BYTES)));
      windowAt = at;
      await readFully(file, window, at);
      return true;
    };
    while (await ensure(RECORD_HEADER_BYTES)) {
      const length = window.readUInt32LE(at - windowAt);
      const sum = window.readUInt32LE(at - windowAt + 4);
      if (length > MAX_BODY_BYTES || !(await ensure(RECORD_HEADER_BYTES + length))) break;
      const start = at - windowAt + RECORD_HEADER_BYTES;
      const body = new Uint8Array(window.subarray(start, start + length));
      // A run of zeros, as a file system may leave behind a crash, has a CRC that fits: no body is empty.
      if (length === 0 || crc32(body) !== sum) break;
      at += RECORD_HEADER_BYTES + length;
      onRecord(body, at);
    }
    return { sound: at, size };
  } finally {
    await file.close();
  }
}

/** What a crash left behind the last sound record of a file. */
export interface TornEnd {
  readonly path: string;
  readonly bytes: number;
  /** The file in which it is kept. */
  readonly keptAs: string;
}

export type OnTornEnd = (end: TornEnd) => void;

/** Cuts a torn end off and keeps it beside the segment for people to look at. */
export async function cutTail(path: string, sound: number, size: number, onTornEnd: OnTornEnd): Promise<void> {
  const keptAs = `${path}.torn`;
  const file = await open(path, 'r+');
  try {
    const tail = Buffer.alloc(size - sound);
    await readFully(file, tail, sound);
    const kept = await open(keptAs, 'w');
    try {
      await kept.writeFile(tail);
      await kept.datasync();
    } finally {
      await kept.close();
    }
    await file.truncate(sound);
    await file.sync();
  } finally {
    await file.close();
  }
  onTornEnd({ path, bytes: size - sound, keptAs });
}

/** Makes created, renamed and removed names of a folder durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The body of the record at `offset`; throws `bus-storage-failed` if it is not sound. */
export async function readRecord(file: FileHandle, offset: number, framedLength: number): Promise<Uint8Array> {
  const framed = Buffer.alloc(framedLength);
  await readFully(file, framed, offset);
  const body = new Uint8Array(
    framed.buffer,
    framed.byteOffset + RECORD_HEADER_BYTES,
    framedLength - RECORD_HEADER_BYTES,
  );
  if (framed.readUInt32LE(0) !== body.length || crc32(body) !== framed.readUInt32LE(4)) {
    throw new BusError('bus-storage-failed', `the record at ${offset} is damaged`);
  }
  return body;
}

async function readFully(file: FileHandle, into: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new BusError('bus-storage-failed', 'a file became shorter while it was read');
    done += bytesRead;
  }
}

/** Writes `parts` one behind the other from `position` on, then syncs: what the caller acknowledges is on disk. */
export async function writeAndSync(file: FileHandle, parts: readonly Uint8Array[], position: number): Promise<void> {
  const whole = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
  let done = 0;
  while (done < whole.length) {
    const { bytesWritten } = await file.write(whole, done, whole.length - done, position + done);
    done += bytesWritten;
  }
  await file.datasync();
}
