// Stands between a client and a pool: both talk to it over their own Noise connection, it passes every frame on as it came, unless
// the test takes one out or puts another in its place, and keeps what was said.
import type { Socket } from 'node:net';
import { type LoggedMessage, MessageLog } from './message-log.ts';
import { NoiseServer } from './noise-server.ts';
import { NoiseSocket, type RawFrame } from './noise-socket.ts';

/** What to pass on instead of a message: another frame, or `drop` for nothing; undefined passes the message on. */
export type Interceptor = (message: LoggedMessage) => Uint8Array | 'drop' | undefined;

export interface RelayedPool {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  readonly authorityKey: string;
}

export class Sv2Relay {
  readonly log: MessageLog;
  readonly #intercept: Interceptor;
  readonly #pool: RelayedPool;
  #server!: NoiseServer;

  private constructor(name: string, pool: RelayedPool, intercept: Interceptor) {
    this.log = new MessageLog(name);
    this.#pool = pool;
    this.#intercept = intercept;
  }

  static async start(name: string, pool: RelayedPool, intercept: Interceptor = () => undefined): Promise<Sv2Relay> {
    const relay = new Sv2Relay(name, pool, intercept);
    relay.#server = await NoiseServer.start((socket, secret) => void relay.#serve(socket, secret));
    return relay;
  }

  get address(): string {
    return `127.0.0.1:${this.#server.port}`;
  }

  get authorityKey(): string {
    return this.#server.authorityKey;
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #serve(socket: Socket, secret: Uint8Array): Promise<void> {
    const port = Number(this.#pool.address.split(':')[1]);
    let client: NoiseSocket | undefined;
    try {
      const pool = await NoiseSocket.connect(port, this.#pool.authorityKey, (frame) => {
        if (client !== undefined) this.#pass('server', frame, client);
      });
      socket.once('close', () => pool.close());
      pool.onClose(() => socket.destroy());
      client = await NoiseSocket.accept(socket, secret, (frame) => this.#pass('client', frame, pool));
    } catch {
      // Either end gave up on its handshake: so does the other.
      socket.destroy();
    }
  }

  #pass(from: LoggedMessage['from'], frame: RawFrame, to: NoiseSocket): void {
    const instead = this.#intercept(this.log.take(from, frame));
    if (instead !== 'drop') to.sendFrame(instead ?? frame.bytes);
  }
}
