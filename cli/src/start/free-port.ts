// A port that is taken gives way to the next free one.
import { type AddressInfo, createServer } from 'node:net';
import type { HostPort } from '@sluice/runtime/config/value-types';
import { codeOf, messageOf, RuntimeError } from '@sluice/runtime/errors';

/** Ports tried, the wanted one included. */
const TRIES = 20;

/** The wanted address, or the same host with the next free port; port 0 gives any. @throws RuntimeError `listen-failed`. */
export async function firstFreePort({ host, port }: HostPort): Promise<HostPort> {
  for (let candidate = port; candidate < Math.min(port + TRIES, 65_536); candidate++) {
    const found = await tryToListen({ host, port: candidate });
    if (typeof found === 'number') return { host, port: found };
    if (codeOf(found) !== 'EADDRINUSE') {
      throw new RuntimeError('listen-failed', `cannot listen on ${host}:${candidate}: ${messageOf(found)}`, found);
    }
  }
  throw new RuntimeError('listen-failed', `ports ${port} to ${port + TRIES - 1} of ${host} are all taken`);
}

/** The port that was free a moment ago, or why none was. */
function tryToListen(address: HostPort): Promise<number | Error> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen(address, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
