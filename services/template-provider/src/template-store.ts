// Transactions of templates on disk: written and synced before a template is announced, so that a solution can be made a
// block even after a kill; kept until the jobs made of it have expired, and an hour more.
import { mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Jobs of a tip are accepted for ten minutes; a late solution may come an hour after. */
export const TEMPLATE_LIFETIME_MS = 70 * 60_000;

export interface TemplateStoreOptions {
  readonly directory: string;
  /** The oldest bodies go first beyond this, and an alarm is counted: a body may be missed. */
  readonly maxBytes: number;
}

interface Entry {
  readonly file: string;
  readonly size: number;
  readonly storedAt: number;
}

export class TemplateStore {
  readonly #options: TemplateStoreOptions;
  readonly #clock: { now(): number };
  /** In order of storing. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  /** Bodies that had to go before their time. */
  evictedEarly = 0;

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

  /** Reads what an earlier run left behind. */
  async load(): Promise<void> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true });
    const files = (await readdir(directory)).filter((file) => /^[\w.-]+_\d+\.(body|partial)$/.test(file));
    const found: Entry[] = [];
    for (const file of files) {
      const path = join(directory, file);
      if (file.endsWith('.partial')) await unlink(path);
      else {
        const { size, mtimeMs } = await stat(path);
        found.push({ file, size, storedAt: mtimeMs });
      }
    }
    for (const entry of found.sort((a, b) => a.storedAt - b.storedAt)) this.#remember(entry);
    await this.#expire();
  }

  has(provider: string, templateId: bigint): boolean {
    return this.#entries.has(fileName(provider, templateId));
  }

  /** Resolves when the body is on disk. */
  async put(provider: string, templateId: bigint, body: Uint8Array): Promise<void> {
    const file = fileName(provider, templateId);
    const path = join(this.#options.directory, file);
    const partial = path.replace(/\.body$/, '.partial');
    const handle = await open(partial, 'w');
    try {
      await handle.writeFile(body);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(partial, path);
    this.#remember({ file, size: body.length, storedAt: this.#clock.now() });
    await this.#expire();
  }

  async get(provider: string, templateId: bigint): Promise<Uint8Array | undefined> {
    const entry = this.#entries.get(fileName(provider, templateId));
    if (entry === undefined) return undefined;
    return readFile(join(this.#options.directory, entry.file));
  }

  #remember(entry: Entry): void {
    const old = this.#entries.get(entry.file);
    if (old !== undefined) this.#bytes -= old.size;
    this.#entries.delete(entry.file);
    this.#entries.set(entry.file, entry);
    this.#bytes += entry.size;
  }

  async #expire(): Promise<void> {
    const oldest = this.#clock.now() - TEMPLATE_LIFETIME_MS;
    for (const [name, entry] of this.#entries) {
      const dead = entry.storedAt < oldest;
      // The newest body is always kept: miners work on it.
      if (!dead && (this.#bytes <= this.#options.maxBytes || this.#entries.size === 1)) break;
      if (!dead) this.evictedEarly += 1;
      this.#entries.delete(name);
      this.#bytes -= entry.size;
      await unlink(join(this.#options.directory, entry.file)).catch(() => undefined);
    }
  }
}

function fileName(provider: string, templateId: bigint): string {
  return `${provider.replace(/[^\w.-]/g, '-')}_${templateId}.body`;
}
