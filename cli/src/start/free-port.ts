// A default port that is taken gives way to the next free one; a port that the user has named does not.
import { type AddressInfo, createServer } from 'node:net';
import { formatHostPort, type HostPort } from '@sluice/runtime/config/value-types';
import { codeOf, messageOf, RuntimeError } from '@sluice/runtime/errors';

/** Ports tried, the wanted one included. */
const TRIES = 20;

/** A mistake of the user's, as one line. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';
}

export interface WantedPort {
  /** Where the user has named it, or can. */
  readonly place: string;
  /** Port 0 gives any. */
  readonly address: HostPort;
  /** By the user, who then has it or nothing. */
  readonly named: boolean;
}

/**
 * The wanted address, or the same host with the next free port. `promised` is what this process is about to listen on.
 * @throws PortTaken; RuntimeError `listen-failed` where no port can be had.
 */
export async function freePort({ place, address, named }: WantedPort, promised?: HostPort): Promise<HostPort> {
  const { host, port } = address;
  for (let candidate = port; candidate < Math.min(port + TRIES, 65_536); candidate++) {
    const isPromised = candidate !== 0 && candidate === promised?.port;
    const found = isPromised ? 'EADDRINUSE' : await tryToListen({ host, port: candidate });
    if (typeof found === 'number') return { host, port: found };
    if (typeof found !== 'string')
      throw new RuntimeError('listen-failed', `cannot listen on ${host}:${candidate}: ${messageOf(found)}`, found);
    if (named) {
      const by = isPromised ? 'this pool for its miners' : 'another program';
      throw new PortTaken(`${place}: ${formatHostPort(address)} is taken by ${by}; allowed: a free port, or 0 for any`);
    }
  }
  throw new RuntimeError('listen-failed', `ports ${port} to ${port + TRIES - 1} of ${host} are all taken`);
}

/** The port that was free a moment ago, or why none was. */
function tryToListen(address: HostPort): Promise<number | 'EADDRINUSE' | Error> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(codeOf(error) === 'EADDRINUSE' ? 'EADDRINUSE' : error));
    server.listen(address, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
