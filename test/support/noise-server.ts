// A listening Noise responder on loopback, under an authority of its own.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { encodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import { generateSecret } from '@sluice/noise/ec';
import { randomBytes } from '@sluice/runtime/random';
import { ec } from './noise-socket.ts';

export class NoiseServer {
  readonly port: number;
  /** Base58check, for clients. */
  readonly authorityKey: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, authorityKey: string) {
    this.port = (server.address() as AddressInfo).port;
    this.authorityKey = authorityKey;
    this.#server = server;
  }

  /** Gives each connection to `serve`, which answers the handshake with the authority's secret. */
  static async start(serve: (socket: Socket, authoritySecret: Uint8Array) => void): Promise<NoiseServer> {
    const secret = generateSecret(randomBytes);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const started = new NoiseServer(server, encodeAuthorityPublicKey(ec.xOnlyPublicKey(secret)));
    server.on('connection', (socket) => {
      started.#sockets.add(socket);
      socket.once('close', () => started.#sockets.delete(socket));
      serve(socket, secret);
    });
    return started;
  }

  disconnectAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.disconnectAll();
    await closed;
  }
}
