// One process at a time may write a data folder. The lock names its holder, so that one left behind by a crash is recognised.
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BusError } from '../errors.ts';

/** Takes the folder; the returned function gives it back. Throws `bus-storage-failed` when another process holds it. */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, 'lock');
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(await readFile(path, 'utf8').catch(() => ''));
    if (holder !== process.pid && isAlive(holder)) {
      throw new BusError('bus-storage-failed', `${directory} is in use by process ${holder}`);
    }
    await rm(path, { force: true });
  }
  throw new BusError('bus-storage-failed', `${path} could not be taken`);
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
