// Small files that are there whole or not at all, and are still there after a power cut.
import { mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '@sluice/runtime/errors';

/** What stands in a folder under this ending was left half written by a kill. */
export const PARTIAL_ENDING = '.partial';

/** Writes and syncs the file `name` of a folder that exists. Rejects with the system's error, and leaves nothing half written then. */
export async function writeDurably(directory: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(directory, name);
  const partial = path.replace(/\.\w+$/, PARTIAL_ENDING);
  try {
    const handle = await open(partial, 'w');
    try {
      await handle.writeFile(bytes);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(partial, path);
    await syncDirectory(directory);
  } catch (error) {
    // Half a file on a full disk is in the way of the next.
    await unlink(partial).catch(() => undefined);
    throw error;
  }
}

/** Node's own `recursive` never ends where a folder that exists takes no folder and says ENOENT, as those of /proc do. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    const parent = dirname(path);
    if (codeOf(error) !== 'ENOENT' || (await isThere(parent))) throw error;
    await makeDirectory(parent);
    await mkdir(path);
  }
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Makes a renamed file's name as durable as its bytes. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
