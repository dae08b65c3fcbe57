// What the disk holds after crashes: torn ends, seals, damage, and what a start makes of each.
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileLog } from '../src/in-process/file-log.ts';
import type { TornEnd } from '../src/in-process/segment-file.ts';
import type { StreamRecord } from '../src/in-process/stream-log.ts';

let directory: string;
let logs: FileLog[];
let torn: TornEnd[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-log-'));
  logs = [];
  torn = [];
});
afterEach(async () => {
  for (const log of logs) await log.close();
  rmSync(directory, { recursive: true, force: true });
});

const SEGMENT = 400;

async function open(idsSinceMs = 0) {
  const opened = await FileLog.open(directory, idsSinceMs, SEGMENT, (end) => torn.push(end));
  logs.push(opened.log);
  return opened;
}

async function close(log: FileLog): Promise<void> {
  logs = logs.filter((other) => other !== log);
  await log.close();
}

function record(sequence: number, length = 50): StreamRecord {
  const payload = new Uint8Array(length).fill(sequence);
  return {
    sequence,
    subject: `shares.${sequence % 3}`,
    payload,
    storedAtMs: 1_000 + sequence,
    messageId: `id-${sequence}`,
  };
}

async function fill(log: FileLog, from: number, to: number): Promise<void> {
  for (let sequence = from; sequence <= to; sequence++) await log.append(record(sequence));
}

const segments = () =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .sort();
const path = (name: string | undefined) => join(directory, name ?? 'none');

/** How many files of the folder this process holds open, where the system tells. */
async function openFiles(): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const names = readdirSync('/proc/self/fd').map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  return (await Promise.all(names)).filter((name) => name.startsWith(`${directory}/`)).length;
}

describe('file log', () => {
  it('holds its records over a restart', async () => {
    const { log } = await open();
    await fill(log, 1, 30);
    await close(log);
    expect(segments().length).toBeGreaterThan(3);
    const { log: again, contents } = await open();
    expect(contents.lastSequence).toBe(30);
    expect([...contents.lastBySubject].sort()).toEqual([
      ['shares.0', 30],
      ['shares.1', 28],
      ['shares.2', 29],
    ]);
    for (let sequence = 1; sequence <= 30; sequence++) expect(await again.read(sequence)).toEqual(record(sequence));
    expect(await again.read(31)).toBeUndefined();
    await fill(again, 31, 40);
    expect(await again.read(40)).toEqual(record(40));
  });

  it('remembers the ids of records within the window, from sealed segments too', async () => {
    const { log } = await open();
    await fill(log, 1, 30);
    await close(log);
    const { contents } = await open(1_000 + 15);
    expect(contents.ids.get('id-15')?.sequence).toBe(15);
    expect(contents.ids.get('id-30')?.sequence).toBe(30);
    expect(contents.ids.has('id-14')).toBe(false);
  });

  it('cuts a torn end off at whatever byte the crash came, keeps the piece, and goes on', async () => {
    const { log } = await open();
    await fill(log, 1, 2);
    const sound = statSync(path(segments()[0])).size;
    await fill(log, 3, 3);
    await close(log);
    const file = path(segments()[0]);
    const whole = readFileSync(file);
    for (let size = sound; size < whole.length; size++) {
      writeFileSync(file, whole.subarray(0, size));
      const { log: again, contents } = await open();
      expect(contents.lastSequence).toBe(2);
      expect(statSync(file).size).toBe(sound);
      if (size > sound) expect(readFileSync(`${file}.torn`)).toEqual(whole.subarray(sound, size));
      const end = { path: file, bytes: size - sound, keptAs: `${file}.torn` };
      expect(torn.splice(0)).toEqual(size > sound ? [end] : []);
      await again.append(record(3));
      expect(await again.read(3)).toEqual(record(3));
      expect(readFileSync(file)).toEqual(whole);
      await close(again);
    }
  });

  it('takes a run of zeros and a flipped bit at the end for torn', async () => {
    const { log } = await open();
    await fill(log, 1, 3);
    await close(log);
    const file = path(segments()[0]);
    const whole = readFileSync(file);
    appendFileSync(file, new Uint8Array(100));
    const first = await open();
    expect(first.contents.lastSequence).toBe(3);
    await close(first.log);
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(whole.length - 1) ^ 1, whole.length - 1);
    writeFileSync(file, flipped);
    expect((await open()).contents.lastSequence).toBe(2);
  });

  it('refuses to start on a damaged sealed segment, naming the file', async () => {
    const { log } = await open();
    await fill(log, 1, 20);
    await close(log);
    const [first] = segments();
    truncateSync(path(first), statSync(path(first)).size - 1);
    const opening = FileLog.open(directory, 0, SEGMENT, (end) => torn.push(end));
    await expect(opening).rejects.toMatchObject({ code: 'bus-storage-failed' });
    await expect(opening).rejects.toThrow(first);
  });

  it('refuses to read a record that was damaged in place', async () => {
    const { log } = await open();
    await fill(log, 1, 20);
    const [first] = segments();
    const bytes = readFileSync(path(first));
    bytes.writeUInt8(bytes.readUInt8(60) ^ 1, 60);
    writeFileSync(path(first), bytes);
    await expect(log.read(1)).rejects.toMatchObject({ code: 'bus-storage-failed' });
  });

  it('does without an index that is missing or is not of its segment', async () => {
    const { log } = await open();
    await fill(log, 1, 30);
    await close(log);
    const [first, second] = segments();
    rmSync(path(`${first}.index.json`));
    writeFileSync(path(`${second}.index.json`), '{"count": 1, "bytes": 2, "lastStoredAtMs": 3, "subjects": []}');
    const { log: again, contents } = await open(1e15);
    expect(contents.lastSequence).toBe(30);
    for (let sequence = 1; sequence <= 30; sequence++) expect(await again.read(sequence)).toEqual(record(sequence));
  });

  it('knows where a subject goes on without reading what is in between', async () => {
    const { log } = await open();
    await fill(log, 1, 30);
    await log.append({ ...record(31), subject: 'shares.new' });
    await fill(log, 32, 50);
    await close(log);
    // As sealed by a version that kept the newest sequence alone.
    const index = path(`${segments()[1]}.index.json`);
    const { subjects, ...rest } = JSON.parse(readFileSync(index, 'utf8'));
    writeFileSync(
      index,
      JSON.stringify({ ...rest, subjects: subjects.map(([name, , last]: unknown[]) => [name, last]) }),
    );
    const { log: again } = await open(1e15);
    expect(again.skipTo('shares.new', 1)).toBe(31);
    expect(again.skipTo('shares.new', 31)).toBe(31);
    expect(again.skipTo('shares.new', 32)).toBe(Number.POSITIVE_INFINITY);
    expect(again.skipTo('shares.none', 1)).toBe(Number.POSITIVE_INFINITY);
    for (let sequence = 1; sequence <= 50; sequence++) {
      const of = sequence === 31 ? 'shares.new' : `shares.${sequence % 3}`;
      expect(again.skipTo(of, sequence)).toBe(sequence);
      expect(again.skipTo(of, sequence - 1)).toBeLessThanOrEqual(sequence);
    }
  });

  it('is read in many segments at once', async () => {
    const { log } = await open();
    await fill(log, 1, 60);
    expect(segments().length).toBeGreaterThan(8);
    const sequences = Array.from({ length: 240 }, (_, index) => ((index * 23) % 60) + 1);
    const read = await Promise.all(sequences.map((sequence) => log.read(sequence)));
    expect(read).toEqual(sequences.map((sequence) => record(sequence)));
    expect(await openFiles()).toBeLessThanOrEqual(5);
  });

  it('is read while it grows and while its oldest part is dropped', async () => {
    const { log } = await open();
    await fill(log, 1, 30);
    const reads: Promise<StreamRecord | undefined>[] = [];
    for (let sequence = 31; sequence <= 60; sequence++) {
      reads.push(...[sequence - 30, sequence - 15, sequence - 1].map((at) => log.read(at)));
      await Promise.all([log.append(record(sequence)), log.dropBefore(sequence - 20)]);
    }
    for (const found of await Promise.all(reads)) {
      if (found !== undefined) expect(found).toEqual(record(found.sequence));
    }
    expect(await log.read(60)).toEqual(record(60));
  });

  it('gives space back by whole segments', async () => {
    const { log } = await open();
    await fill(log, 1, 30);
    const before = log.bytes;
    await log.dropBefore(16);
    expect(log.firstSequence).toBe(16);
    expect(log.bytes).toBeLessThan(before);
    expect(await log.read(15)).toBeUndefined();
    expect(await log.read(16)).toEqual(record(16));
    await log.dropBefore(1_000);
    expect(log.firstSequence).toBe(31);
    await fill(log, 31, 31);
    expect(await log.read(31)).toEqual(record(31));
  });

  it('stores what came together in the order in which it came', async () => {
    const { log } = await open();
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => log.append(record(index + 1)).then(() => order.push(index + 1))),
    );
    expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    await close(log);
    expect((await open()).contents.lastSequence).toBe(50);
  });
});
