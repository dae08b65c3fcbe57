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
  const path = `\0sluice-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
  let lock = await listen(path);
  while (lock === undefined) {
    await sleep(POLL_MS);
    lock = await listen(path);
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
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
