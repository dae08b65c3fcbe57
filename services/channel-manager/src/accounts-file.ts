// The accounts of a pool that knows its miners: one a line, `#` begins a comment. Read again when the file changes, so that a new
// miner needs no restart; a file that cannot be read leaves the accounts as they were.
import { readFile, stat } from 'node:fs/promises';

export class AccountsFile {
  readonly #path: string;
  #changedAt = 0;
  accounts: ReadonlySet<string> = new Set();

  constructor(path: string) {
    this.#path = path;
  }

  /** True when the accounts were read anew. Rejects when the file cannot be read. */
  async refresh(): Promise<boolean> {
    const { mtimeMs } = await stat(this.#path);
    if (mtimeMs === this.#changedAt) return false;
    this.accounts = parseAccounts(await readFile(this.#path, 'utf8'));
    this.#changedAt = mtimeMs;
    return true;
  }
}

export function parseAccounts(text: string): ReadonlySet<string> {
  return new Set(
    text
      .split('\n')
      .map((line) => line.replace(/#.*$/, '').trim())
      .filter((line) => line !== ''),
  );
}

/** Why the text is no file of accounts. An empty one is one: it admits nobody. */
export function accountsFault(text: string): string | undefined {
  return /[^\P{Cc}\t\n\r]|\ufffd/u.test(text) ? 'holds bytes that are no text' : undefined;
}
