// Images for a node whose network leads nowhere: built outside of it, at the request of who is inside. A socket in a folder is one for both.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { messageOf } from '@sluice/runtime/errors';
import { sluiceArchive } from '../support/kubernetes/images.ts';

/** `POST /?ref=NAME` is answered with the path of the archive of an image of that name, made of the project as it stands. */
export async function serveImageBuilds(socket: string): Promise<Server> {
  const server = createServer(async ({ url = '' }, response) => {
    try {
      response.end(await sluiceArchive(new URL(url, 'http://images').searchParams.get('ref') as string));
    } catch (error) {
      response.writeHead(500).end(messageOf(error));
    }
  });
  await once(server.listen(socket), 'listening');
  return server;
}
