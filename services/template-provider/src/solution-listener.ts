// The way of a block candidate that needs no bus: gateways hold a TCP connection to each provider and send solutions as
// length u32 (little-endian) ‖ Solution payload; each is answered by length ‖ SolutionResult. There is no login: a solution
// proves itself by its work, and nothing else is understood here.
import { createServer, type Server, type Socket } from 'node:net';

/** A coinbase is at most 64 KiB on the wire [sv2 7.7]; header, names and lengths come on top. */
export const SOLUTION_MESSAGE_BOUND = 80_000;
/** Gateways and their successors; one more takes the place of the connection that has been silent longest. */
export const SOLUTION_CONNECTIONS_BOUND = 512;
/** Gateways of one host; more are refused, so that no host takes the place of all others. */
export const CONNECTIONS_OF_ADDRESS_BOUND = 32;
/** A gateway has nothing to say for hours, and connects again at once. */
export const IDLE_MS = 600_000;
/** Answers of one connection that may be under way; a peer that has more is no gateway. */
const PENDING_BOUND = 64;
/** A message must be complete this long after it began. */
const MESSAGE_DEADLINE_MS = 5_000;

export interface SolutionListenerModules {
  /** Takes a Solution payload, resolves with the SolutionResult payload; `undefined` for bytes that are no solution. */
  handle(payload: Uint8Array): Promise<Uint8Array | undefined>;
  /** A connection was cut: `reason` is for the log at debug. */
  onCut(reason: string, remote: string): void;
}

export class SolutionListener {
  readonly #modules: SolutionListenerModules;
  readonly #server: Server;
  /** Each with what cuts it; the one that was heard of last stands last. */
  readonly #sockets = new Map<Socket, (reason: string) => void>();
  readonly #ofAddress = new Map<string, number>();

  constructor(modules: SolutionListenerModules) {
    this.#modules = modules;
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#serve(socket));
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Resolves with the port; 0 asks for a free one. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.removeListener('error', reject);
        // A connection that cannot be accepted, for want of descriptors say, must not end the process.
        this.#server.on('error', (error) => this.#modules.onCut(error.message, 'listener'));
        const address = this.#server.address();
        resolve(address === null || typeof address === 'string' ? port : address.port);
      });
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.keys()) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    const address = socket.remoteAddress ?? 'unknown';
    const remote = `${address}:${socket.remotePort ?? 0}`;
    const cut = (reason: string) => {
      this.#modules.onCut(reason, remote);
      socket.destroy();
    };
    socket.on('error', (error) => this.#modules.onCut(error.message, remote));
    const ofAddress = this.#ofAddress.get(address) ?? 0;
    if (ofAddress >= CONNECTIONS_OF_ADDRESS_BOUND) {
      cut(`${ofAddress} connections of one address`);
      return;
    }
    const [silent] = this.#sockets.values();
    if (this.#sockets.size >= SOLUTION_CONNECTIONS_BOUND) silent?.('silent for longest when another came');
    this.#ofAddress.set(address, ofAddress + 1);
    this.#sockets.set(socket, cut);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#ofAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#ofAddress.delete(address);
      else this.#ofAddress.set(address, left);
    });
    socket.setTimeout(IDLE_MS, () => cut('silent'));
    this.#read(socket, cut);
  }

  #read(socket: Socket, cut: (reason: string) => void): void {
    let buffered = Buffer.alloc(0);
    let pending = 0;
    let deadline: NodeJS.Timeout | undefined;
    const answer = async (payload: Uint8Array) => {
      pending += 1;
      const reply = await this.#modules.handle(payload);
      pending -= 1;
      if (reply === undefined) cut('bytes that are no solution');
      else if (socket.writable) socket.write(frame(reply));
    };

    socket.on('data', (chunk) => {
      this.#sockets.delete(socket);
      this.#sockets.set(socket, cut);
      buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
      while (buffered.length >= 4) {
        const length = buffered.readUInt32LE(0);
        if (length > SOLUTION_MESSAGE_BOUND) return cut(`a message of ${length} bytes`);
        if (buffered.length < 4 + length) break;
        if (pending >= PENDING_BOUND) return cut(`${pending} solutions at once`);
        answer(new Uint8Array(buffered.subarray(4, 4 + length))).catch(() => cut('the solution could not be handled'));
        buffered = buffered.subarray(4 + length);
      }
      clearTimeout(deadline);
      if (buffered.length > 0) deadline = setTimeout(() => cut('a message that did not end'), MESSAGE_DEADLINE_MS);
      return undefined;
    });
    socket.on('close', () => clearTimeout(deadline));
  }
}

function frame(payload: Uint8Array): Buffer {
  const out = Buffer.alloc(4 + payload.length);
  out.writeUInt32LE(payload.length, 0);
  out.set(payload, 4);
  return out;
}
