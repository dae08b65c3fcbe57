// What a server told that a block may be of, for a while: of a block it takes back the id of its template, not the block. On disk as well,
// so that a block found while this process was away is one.
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { equalBytes } from '@sluice/bitcoin/serialize';
import { codeOf } from '@sluice/runtime/errors';
import { makeDirectory, writeDurably } from '../durable-file.ts';

/** Templates that are remembered; the one told first goes at the bound. A refresh each five seconds makes 120 in the life of a job. */
export const TOLD_WORK_BOUND = 256;

interface Told {
  /** 32 bytes, wire order. */
  readonly prevHash: Uint8Array;
  readonly merklePath: readonly Uint8Array[];
}

/** A template in the file; hashes in hexadecimal, wire order. */
interface Stored {
  readonly id: string;
  readonly prevHash: string;
  readonly merklePath: readonly string[];
}

export interface ToldWorkModules {
  /** What the disk did not take, or did not give back. */
  onFailure(error: unknown): void;
}

export class ToldWork {
  readonly #path: string;
  readonly #modules: ToldWorkModules;
  readonly #told = new Map<bigint, Told>();
  #isNew = false;
  #written: Promise<void> | undefined;

  /** @param path of a file of its own. */
  constructor(path: string, modules: ToldWorkModules) {
    this.#path = path;
    this.#modules = modules;
  }

  get size(): number {
    return this.#told.size;
  }

  /** Reads what an earlier run left. */
  async load(): Promise<void> {
    try {
      await makeDirectory(dirname(this.#path));
      const stored = JSON.parse(await readFile(this.#path, 'utf8')) as readonly Stored[];
      for (const { id, prevHash, merklePath } of stored)
        this.#told.set(BigInt(id), { prevHash: fromHex(prevHash), merklePath: merklePath.map(fromHex) });
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#modules.onFailure(error);
    }
  }

  /**
   * On disk in a moment: long before a block can be found, because the template's transactions are fetched and stored first. Under an id
   * that an earlier run of the server gave before, the new template counts.
   */
  add(id: bigint, told: Told): void {
    this.#told.delete(id);
    this.#told.set(id, told);
    const [oldest] = this.#told.keys();
    if (this.#told.size > TOLD_WORK_BOUND && oldest !== undefined) this.#told.delete(oldest);
    this.#isNew = true;
    this.#written ??= this.#write();
  }

  /** The id of the template that a block with this coinbase is of, the newest first. Hashes are 32 bytes, wire order. */
  find(prevHash: Uint8Array, coinbaseTxid: Uint8Array, merkleRoot: Uint8Array): bigint | undefined {
    for (const [id, told] of [...this.#told].reverse()) {
      if (!equalBytes(told.prevHash, prevHash)) continue;
      if (equalBytes(foldMerklePath(coinbaseTxid, told.merklePath), merkleRoot)) return id;
    }
    return undefined;
  }

  /** Resolves when all is on disk. */
  async flush(): Promise<void> {
    await this.#written;
  }

  /** All of it each time, and once for all that came meanwhile. */
  async #write(): Promise<void> {
    while (this.#isNew) {
      this.#isNew = false;
      const stored: readonly Stored[] = [...this.#told].map(([id, { prevHash, merklePath }]) => ({
        id: String(id),
        prevHash: toHex(prevHash),
        merklePath: merklePath.map(toHex),
      }));
      const bytes = Buffer.from(JSON.stringify(stored));
      await writeDurably(dirname(this.#path), basename(this.#path), bytes).catch(this.#modules.onFailure);
    }
    this.#written = undefined;
  }
}

const toHex = (hash: Uint8Array) => Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('hex');
const fromHex = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
