// Stands between a client on loopback and a server and passes bytes on, until the test has the way cut, or swallow all that is sent on it.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class TcpRelay {
  readonly port: number;
  /** When the way was cut or began to swallow, in milliseconds of `performance.now()`. */
  brokenAt = Number.NaN;
  /** Connections that were taken since the start. */
  accepted = 0;
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #state: 'whole' | 'cut' | 'swallowing' = 'whole';

  private constructor(server: Server, target: { readonly host: string; readonly port: number }) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#target = target;
  }

  /** @param target the server's port */
  static async start(target: number, host = '127.0.0.1'): Promise<TcpRelay> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const relay = new TcpRelay(server, { host, port: target });
    server.on('connection', (socket) => relay.#accept(socket));
    return relay;
  }

  /** As when the server is killed: every connection ends, and none comes about. */
  cut(): void {
    this.brokenAt = performance.now();
    this.#state = 'cut';
    for (const socket of this.#sockets) socket.destroy();
  }

  /** As when the server hangs behind a machine that does not: bytes are taken, and nothing comes of them. */
  swallow(): void {
    this.brokenAt = performance.now();
    this.#state = 'swallowing';
  }

  /** Connections come about again; those that were swallowed end. */
  restore(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#state = 'whole';
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#state === 'cut') {
      client.destroy();
      return;
    }
    this.accepted += 1;
    const server = connect({ ...this.#target, noDelay: true });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (chunk) => this.#state === 'whole' && to.write(chunk));
      from.on('error', () => from.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
