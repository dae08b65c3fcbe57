// Addresses that a process is to listen on are tried before it starts, all of them at once, so that none takes another's port.
import { createServer, type Server } from 'node:net';
import type { ConfigOf, PlaceOf, Settings } from '../config.ts';
import { codeOf, systemReasonOf } from '../errors.ts';
import { mistakeText } from './load.ts';
import { formatHostPort, type HostPort } from './value-types.ts';

/** One line for each address that cannot be listened on. */
export async function listenMistakes<S extends Settings>(
  settings: S,
  config: ConfigOf<S>,
  placeOf: PlaceOf,
): Promise<readonly string[]> {
  const mistakes: string[] = [];
  const servers: Server[] = [];
  for (const [name, { type, sharedBy }] of Object.entries(settings)) {
    // Who tries an address that is shared is given connections of those who have it.
    if (type.listens === undefined || (sharedBy !== undefined && config[sharedBy as keyof S] === true)) continue;
    const value = config[name as keyof S] as HostPort | readonly HostPort[];
    for (const address of [value].flat() as HostPort[]) {
      const server = createServer((socket) => socket.destroy());
      const error = await tryToListen(server, address);
      if (error === undefined) servers.push(server);
      else if (type.listens === 'exactly' || codeOf(error) !== 'EADDRINUSE') {
        const problem = `cannot listen on ${formatHostPort(address)}: ${systemReasonOf(error)}`;
        mistakes.push(mistakeText(placeOf(name), problem, type.allowed));
      }
    }
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return mistakes;
}

function tryToListen(server: Server, { host, port }: HostPort): Promise<Error | undefined> {
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen({ host, port }, () => resolve(undefined));
  });
}
