// Transactions of templates on disk: written and synced before a template is announced, so that a solution can be made a
// block even after a kill. A body whose job miners work on stays, and so does the newest of each provider; the time of the others
// runs from when they were neither.
import { readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, writeDurably } from './durable-file.ts';

/** Jobs of a tip are accepted for ten minutes; a late solution may come an hour after. */
export const TEMPLATE_LIFETIME_MS = 70 * 60_000;
/** Bodies held in memory while the disk takes none; the oldest goes first. */
export const MEMORY_BODIES_BOUND = 8;

export interface TemplateStoreOptions {
  readonly directory: string;
  /** The oldest bodies go first beyond this, and an alarm is counted: a body may be missed. */
  readonly maxBytes: number;
}

export interface TemplateName {
  readonly provider: string;
  readonly templateId: bigint;
}

interface Entry extends TemplateName {
  readonly size: number;
  /** Only where the disk did not take it. */
  readonly body?: Uint8Array;
  /** Since when no job needs it; `undefined`: one may. */
  releasedAt: number | undefined;
}

export class TemplateStore {
  readonly #options: TemplateStoreOptions;
  readonly #clock: { now(): number };
  /** In order of storing. */
  readonly #entries = new Map<string, Entry>();
  /** Files of the templates that miners work on; `undefined`: not known yet, so that nothing may expire. */
  #live: ReadonlySet<string> | undefined;
  #bytes = 0;
  /** Bodies that had to go before their time. */
  evictedEarly = 0;
  writeFailures = 0;

  constructor(options: TemplateStoreOptions, clock: { now(): number }) {
    this.#options = options;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#entries.size;
  }

  /** Bodies that a kill would lose. */
  get inMemory(): number {
    return this.#memoryEntries().length;
  }

  /** Reads what an earlier run left behind. */
  async load(): Promise<void> {
    const { directory } = this.#options;
    await makeDirectory(directory);
    const found: { readonly entry: Entry; readonly storedAt: number }[] = [];
    for (const file of await readdir(directory)) {
      const [, provider = '', id = '', kind] = /^([\w.-]+)_(\d+)\.(body|partial)$/.exec(file) ?? [];
      if (kind === 'partial') await unlink(join(directory, file));
      if (kind !== 'body') continue;
      const { size, mtimeMs } = await stat(join(directory, file));
      const entry = { provider, templateId: BigInt(id), size, releasedAt: undefined };
      found.push({ entry, storedAt: mtimeMs });
    }
    for (const { entry } of found.sort((a, b) => a.storedAt - b.storedAt)) this.#remember(entry);
    await this.#expire();
  }

  has(provider: string, templateId: bigint): boolean {
    return this.#entries.has(fileName({ provider, templateId }));
  }

  /** 0: none is kept. */
  newestId(provider: string): bigint {
    const name = safeName(provider);
    let newest = 0n;
    for (const entry of this.#entries.values()) {
      if (entry.provider === name && entry.templateId > newest) newest = entry.templateId;
    }
    return newest;
  }

  /** Names the templates whose jobs miners work on, or may at any moment. */
  async keep(live: readonly TemplateName[]): Promise<void> {
    this.#live = new Set(live.map(fileName));
    await this.#expire();
  }

  /** Resolves when the body is on disk; with the reason when it is in memory only, because the disk did not take it. */
  async put(provider: string, templateId: bigint, body: Uint8Array): Promise<unknown> {
    const entry = { provider: safeName(provider), templateId, size: body.length, releasedAt: undefined };
    let failure: unknown;
    try {
      await this.#write(fileName(entry), body);
      this.#remember(entry);
    } catch (error) {
      this.writeFailures += 1;
      failure = error;
      this.#remember({ ...entry, body });
    }
    await this.#expire();
    if (failure === undefined) await this.#writeHeld();
    return failure;
  }

  async get(provider: string, templateId: bigint): Promise<Uint8Array | undefined> {
    const file = fileName({ provider, templateId });
    const entry = this.#entries.get(file);
    if (entry === undefined) return undefined;
    return entry.body ?? readFile(join(this.#options.directory, file));
  }

  #write(file: string, body: Uint8Array): Promise<void> {
    return writeDurably(this.#options.directory, file, body);
  }

  /** The disk takes bodies again: those in memory first of all. */
  async #writeHeld(): Promise<void> {
    for (const { body, ...entry } of this.#memoryEntries()) {
      if (body === undefined) continue;
      try {
        await this.#write(fileName(entry), body);
      } catch {
        return;
      }
      // It may have gone meanwhile.
      if (this.#entries.has(fileName(entry))) this.#entries.set(fileName(entry), entry);
    }
  }

  #memoryEntries(): Entry[] {
    return [...this.#entries.values()].filter(({ body }) => body !== undefined);
  }

  #remember(entry: Entry): void {
    const file = fileName(entry);
    const old = this.#entries.get(file);
    if (old !== undefined) this.#bytes -= old.size;
    this.#entries.delete(file);
    this.#entries.set(file, entry);
    this.#bytes += entry.size;
  }

  async #expire(): Promise<void> {
    const now = this.#clock.now();
    const needless: Entry[] = [];
    const newest = this.#newest();
    for (const [file, entry] of this.#entries) {
      if (newest.has(file) || this.#live?.has(file) === true) entry.releasedAt = undefined;
      else {
        if (this.#live !== undefined) entry.releasedAt ??= now;
        needless.push(entry);
      }
    }
    let held = this.inMemory;
    for (const entry of needless) {
      const dead = entry.releasedAt !== undefined && entry.releasedAt < now - TEMPLATE_LIFETIME_MS;
      const tooMany = this.#bytes > this.#options.maxBytes || (entry.body !== undefined && held > MEMORY_BODIES_BOUND);
      if (!dead && !tooMany) continue;
      if (!dead) this.evictedEarly += 1;
      if (entry.body !== undefined) held -= 1;
      await this.#drop(entry);
    }
  }

  /** Files of the newest template of each provider: the next job may be made of it. */
  #newest(): ReadonlySet<string> {
    const ids = new Map<string, bigint>();
    for (const { provider, templateId } of this.#entries.values()) {
      if (templateId >= (ids.get(provider) ?? 0n)) ids.set(provider, templateId);
    }
    return new Set([...ids].map(([provider, templateId]) => fileName({ provider, templateId })));
  }

  async #drop(entry: Entry): Promise<void> {
    const file = fileName(entry);
    if (this.#entries.get(file) !== entry) return;
    this.#entries.delete(file);
    this.#bytes -= entry.size;
    await unlink(join(this.#options.directory, file)).catch(() => undefined);
  }
}

const safeName = (provider: string) => provider.replace(/[^\w.-]/g, '-');

const fileName = ({ provider, templateId }: TemplateName) => `${safeName(provider)}_${templateId}.body`;
