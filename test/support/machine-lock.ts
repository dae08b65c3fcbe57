// One process of this machine at a time, such as for a build into the cache that several runs of the suites want at once.
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;

/**
 * Runs `work` while nobody else on this machine holds the lock of this name. It is a socket of Linux's abstract namespace, which has no
 * file: the lock of a process that died is free. Elsewhere nobody is waited for.
 */
export async function withMachineLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (process.platform !== 'linux') return work();
  let lock = await takeLock(name);
  while (lock === undefined) {
    await sleep(POLL_MS);
    lock = await takeLock(name);
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
}

/** Takes the lock of this name until this process ends; resolves with false where another one, or this one, has it already. */
export async function keepMachineLock(name: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const lock = await takeLock(name);
  lock?.unref();
  return lock !== undefined;
}

/** Undefined: it is taken. */
function takeLock(name: string): Promise<Server | undefined> {
  return listen(`\0sluice-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`);
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path }, () => resolve(server));
  });
}
