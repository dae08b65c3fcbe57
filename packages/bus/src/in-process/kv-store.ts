// A bucket of the in-process bus: all entries in memory, and with a file every change in an append-only log, synced before it counts.
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Kv, KvChange, KvEntry, Subscription } from '../bus.ts';
import { ByteReader, ByteWriter } from '../byte-cursor.ts';
import { BusError } from '../errors.ts';
import { CommitQueue } from './commit-queue.ts';
import { cutTail, frameRecord, type OnTornEnd, scanSegment, syncDirectory, writeAndSync } from './segment-file.ts';

/** A log beyond this, and beyond twice what it was when last written anew, is written anew without what was overwritten. */
const COMPACT_BYTES = 1_048_576;
const KEY = /^[-_=.a-zA-Z0-9]+$/;
const operations = { put: 1, delete: 2, floor: 3 } as const;

type Deliver = (call: () => void) => void;

export class KvStore implements Kv {
  readonly #entries: Map<string, KvEntry>;
  readonly #watchers = new Set<(change: KvChange) => void>();
  readonly #deliver: Deliver;
  readonly #queue: CommitQueue<KvChange> | undefined;
  readonly #log: Log | undefined;
  #revision: number;

  private constructor({ entries, revision }: Loaded, log: Log | undefined, deliver: Deliver) {
    this.#entries = entries;
    this.#revision = revision;
    this.#log = log;
    this.#deliver = deliver;
    if (log !== undefined) this.#queue = new CommitQueue((changes) => this.#commit(log, changes));
  }

  /** `deliver` runs the calls to watchers, later and in order. Without `path` the bucket lives in memory. */
  static async open(path: string | undefined, deliver: Deliver, onTornEnd: OnTornEnd): Promise<KvStore> {
    if (path === undefined) return new KvStore({ entries: new Map(), revision: 0, bytes: 0 }, undefined, deliver);
    await (await open(path, 'a')).close();
    const loaded = await load(path, onTornEnd);
    const file = await open(path, 'r+');
    await syncDirectory(dirname(path));
    const log = { path, file, position: loaded.bytes, compactAt: COMPACT_BYTES };
    if (log.position > log.compactAt) await compact(log, loaded);
    return new KvStore(loaded, log, deliver);
  }

  async get(key: string): Promise<KvEntry | undefined> {
    return this.#entries.get(checkKey(key));
  }

  create(key: string, value: Uint8Array): Promise<number> {
    return this.#change(key, value, 0);
  }

  update(key: string, value: Uint8Array, revision: number): Promise<number> {
    return this.#change(key, value, revision);
  }

  put(key: string, value: Uint8Array): Promise<number> {
    return this.#change(key, value, undefined);
  }

  async delete(key: string, revision?: number): Promise<void> {
    if (!this.#entries.has(checkKey(key)) && revision === undefined) return;
    await this.#change(key, undefined, revision);
  }

  async keys(): Promise<string[]> {
    return [...this.#entries.keys()];
  }

  async watch(onChange: (change: KvChange) => void): Promise<Subscription> {
    let open = true;
    const watcher = (change: KvChange) => {
      if (open) onChange(change);
    };
    for (const entry of this.#entries.values()) this.#deliver(() => watcher(entry));
    this.#watchers.add(watcher);
    return {
      close: () => {
        open = false;
        this.#watchers.delete(watcher);
      },
    };
  }

  /** The comparison and the change of memory are one step; the answer waits for the disk. */
  async #change(key: string, value: Uint8Array | undefined, expected: number | undefined): Promise<number> {
    const found = this.#entries.get(checkKey(key))?.revision ?? 0;
    if (expected !== undefined && expected !== found) {
      throw new BusError('bus-revision-conflict', `${key} is at ${found}, not at ${expected}`);
    }
    if (this.#queue?.failure !== undefined) throw this.#queue.failure;
    const revision = ++this.#revision;
    const change: KvChange = { key, value: value === undefined ? undefined : new Uint8Array(value), revision };
    if (change.value === undefined) this.#entries.delete(key);
    else this.#entries.set(key, { key, value: change.value, revision });
    await this.#queue?.add(change);
    for (const watcher of this.#watchers) this.#deliver(() => watcher(change));
    return revision;
  }

  async #commit(log: Log, changes: readonly KvChange[]): Promise<void> {
    const framed = changes.map((change) => frameRecord(encodeChange(change)));
    await writeAndSync(log.file, framed, log.position);
    log.position += lengthOf(framed);
    // Changes that wait for the next commit are among the entries already: saying them twice changes nothing.
    if (log.position > log.compactAt) await compact(log, { entries: this.#entries, revision: this.#revision });
  }

  async close(): Promise<void> {
    this.#watchers.clear();
    await this.#queue?.close();
    await this.#log?.file.close();
  }
}

interface Contents {
  readonly entries: ReadonlyMap<string, KvEntry>;
  /** The highest ever given. */
  readonly revision: number;
}

interface Loaded extends Contents {
  readonly entries: Map<string, KvEntry>;
  revision: number;
  bytes: number;
}

interface Log {
  readonly path: string;
  file: FileHandle;
  /** Where the next record goes. */
  position: number;
  compactAt: number;
}

async function load(path: string, onTornEnd: OnTornEnd): Promise<Loaded> {
  const loaded: Loaded = { entries: new Map(), revision: 0, bytes: 0 };
  const { sound, size } = await scanSegment(path, (body) => {
    const { operation, key, value, revision } = decodeChange(body);
    loaded.revision = Math.max(loaded.revision, revision);
    if (operation === operations.put) loaded.entries.set(key, { key, value, revision });
    if (operation === operations.delete) loaded.entries.delete(key);
  });
  if (sound < size) await cutTail(path, sound, size, onTornEnd);
  loaded.bytes = sound;
  return loaded;
}

/** Writes the present entries into a new file, led by the highest revision ever given, and puts it in the place of the old one. */
async function compact(log: Log, { entries, revision }: Contents): Promise<void> {
  const present = [...entries.values()].map((entry) => frameRecord(encodeChange(entry)));
  const parts = [frameRecord(encodeChange({ key: '', value: undefined, revision }, operations.floor)), ...present];
  const file = await open(`${log.path}.new`, 'w+');
  try {
    await writeAndSync(file, parts, 0);
    await rename(`${log.path}.new`, log.path);
    await syncDirectory(dirname(log.path));
  } catch (error) {
    await file.close();
    throw error;
  }
  await log.file.close();
  log.file = file;
  log.position = lengthOf(parts);
  log.compactAt = Math.max(COMPACT_BYTES, 2 * log.position);
}

const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);

function encodeChange(
  { key, value, revision }: KvChange,
  operation: number = value === undefined ? operations.delete : operations.put,
): Uint8Array {
  const out = new ByteWriter();
  out.u8(operation);
  out.u48(revision);
  out.text(key);
  out.raw(value ?? new Uint8Array());
  return out.finish();
}

function decodeChange(body: Uint8Array): { operation: number; key: string; value: Uint8Array; revision: number } {
  const input = new ByteReader(body);
  const operation = input.u8();
  const revision = input.u48();
  const key = input.text();
  return { operation, key, value: input.raw(input.remaining), revision };
}

function checkKey(key: string): string {
  if (!KEY.test(key)) throw new BusError('bus-bad-subject', `"${key}" is no key`);
  return key;
}
