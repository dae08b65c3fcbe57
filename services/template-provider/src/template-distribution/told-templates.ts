// What was told to clients, by the template ids on the wire: all that a solution needs beside the transactions. In memory for a
// quick answer, and in one small file each, so that a solution finds its template after a restart too.
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Template } from '@sluice/bus/payloads/template';
import { makeDirectory, PARTIAL_ENDING, writeDurably } from '../durable-file.ts';
import { TEMPLATE_LIFETIME_MS } from '../template-store.ts';

/** Templates that are remembered; the oldest goes first. */
const TOLD_BOUND = 4_096;

export interface ToldTemplate {
  /** On the wire. */
  readonly id: bigint;
  /**
   * `templateId` names the transactions in the store, 0: a block of the coinbase alone. `nbits` 0: a template for the next height, whose
   * `prevHash` is still the tip that it was made on.
   */
  template: Template;
}

export interface ToldTemplatesModules {
  readonly clock: { now(): number };
  /** What the disk did not take, or did not give back. */
  onFailure(error: unknown): void;
}

interface Entry {
  readonly told: ToldTemplate;
  /** Since when no client is expected to work on it, in Unix milliseconds. */
  releasedAt: number | undefined;
}

export class ToldTemplates {
  readonly #directory: string;
  readonly #modules: ToldTemplatesModules;
  readonly #bound: number;
  /** In order of the ids. */
  readonly #entries = new Map<bigint, Entry>();
  /** One file after the other: the same one may be written twice. */
  #written: Promise<void> = Promise.resolve();
  droppedEarly = 0;

  constructor(directory: string, modules: ToldTemplatesModules, bound = TOLD_BOUND) {
    this.#directory = directory;
    this.#modules = modules;
    this.#bound = bound;
  }

  get count(): number {
    return this.#entries.size;
  }

  /** 0: there is none. */
  get newestId(): bigint {
    return [...this.#entries.keys()].at(-1) ?? 0n;
  }

  /** Reads what an earlier run left; its time runs from now, because nobody knows when it was worked on last. */
  async load(): Promise<void> {
    await makeDirectory(this.#directory);
    const ids: bigint[] = [];
    for (const file of await readdir(this.#directory)) {
      const id = /^(\d+)\.template$/.exec(file)?.[1];
      if (id !== undefined) ids.push(BigInt(id));
      else if (file.endsWith(PARTIAL_ENDING)) await unlink(join(this.#directory, file));
    }
    for (const id of ids.sort((a, b) => (a < b ? -1 : 1))) await this.#read(id);
  }

  /** In order of the ids. */
  all(): readonly ToldTemplate[] {
    return [...this.#entries.values()].map(({ told }) => told);
  }

  get(id: bigint): ToldTemplate | undefined {
    return this.#entries.get(id)?.told;
  }

  /** Resolves when it is on disk, or when the disk did not take it, which is told. Known from the call on. */
  async add(told: ToldTemplate): Promise<void> {
    this.#entries.set(told.id, { told, releasedAt: undefined });
    if (this.#entries.size > this.#bound) this.#dropOldest();
    await this.save(told);
  }

  /** What has changed of a template that was added. */
  save(told: ToldTemplate): Promise<void> {
    this.#written = this.#written.then(() => this.#write(told)).catch((error) => this.#modules.onFailure(error));
    return this.#written;
  }

  /** Names the templates that clients work on; the time of the others runs. */
  async keep(live: ReadonlySet<bigint>): Promise<void> {
    const now = this.#modules.clock.now();
    for (const [id, entry] of this.#entries) {
      if (live.has(id)) entry.releasedAt = undefined;
      else entry.releasedAt ??= now;
      if (entry.releasedAt !== undefined && entry.releasedAt < now - TEMPLATE_LIFETIME_MS) await this.#drop(id);
    }
  }

  async #write({ id, template }: ToldTemplate): Promise<void> {
    if (this.#entries.has(id)) await writeDurably(this.#directory, fileName(id), Template.encode(template));
  }

  async #read(id: bigint): Promise<void> {
    try {
      const bytes = await readFile(join(this.#directory, fileName(id)));
      this.#entries.set(id, { told: { id, template: Template.decode(bytes) }, releasedAt: undefined });
    } catch (error) {
      this.#modules.onFailure(error);
      await this.#drop(id);
    }
  }

  #dropOldest(): void {
    const [oldest] = this.#entries.keys();
    if (oldest === undefined) return;
    this.droppedEarly += 1;
    void this.#drop(oldest);
  }

  async #drop(id: bigint): Promise<void> {
    this.#entries.delete(id);
    await unlink(join(this.#directory, fileName(id))).catch(() => undefined);
  }
}

const fileName = (id: bigint) => `${id}.template`;
