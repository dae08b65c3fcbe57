// One process at a time may write a data folder. The lock is the operating system's, taken through SQLite: it ends with its process, however
// that ends, and holds between containers that share the folder, where process ids say nothing.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { BusError } from '../errors.ts';

const SQLITE_BUSY = 5;

/** Takes the folder; the returned function gives it back. Throws `bus-storage-failed` when it is held, or cannot be locked. */
export function lockDirectory(directory: string): () => void {
  const file = new DatabaseSync(join(directory, 'lock.db'));
  try {
    // Nothing is ever written, so nothing has to be kept beside it.
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    file.close();
    const busy = (cause as { readonly errcode?: number }).errcode === SQLITE_BUSY;
    const what = busy ? 'is in use by another process' : `cannot be locked: ${String(cause)}`;
    throw new BusError('bus-storage-failed', `${directory} ${what}`, cause);
  }
  return () => file.close();
}
