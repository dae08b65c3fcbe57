// Ports for programs that must be told theirs before they are there. A port that the system gives and that is closed again may be given a
// second time a moment later, to another part of the same test, and then one part answers for another.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { keepMachineLock } from './machine-lock.ts';

/** Below those that Linux gives to whoever connects or asks for any. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** A TCP port of the loopback interface that nobody has, and that no suite on this machine is given before this process has ended. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + randomInt(PORTS);
    if ((await keepMachineLock(`port ${port}`)) && (await isFree(port))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
