// Accepts sockets within the limits and hands them on. What is refused here costs no byte of an answer and no key exchange.
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import type { Clock } from '@sluice/runtime/clock';
import type { HostPort } from '@sluice/runtime/config/value-types';
import { messageOf } from '@sluice/runtime/errors';
import { ServerError } from './errors.ts';
import { RateLimit } from './rate-limit.ts';

/** Before the kernel asks a silent peer whether it is still there. */
const KEEP_ALIVE_MS = 60_000;
/** Sockets that the kernel holds for us during a burst. */
const BACKLOG = 4_096;

export interface ListenerLimits {
  /** Open connections of the process. More are closed unread. */
  readonly connections: number;
  /** Open connections of one address (IPv6: of one /64). More are closed unread. */
  readonly connectionsPerAddress: number;
  /** New connections a second, after a burst of ten seconds' worth: each costs a key exchange. More are closed unread. */
  readonly connectionsPerSecond: number;
}

export interface ListenerCounters {
  connectionsAccepted: number;
  refusedTotal: number;
  refusedAddress: number;
  refusedRate: number;
}

export interface ListenerModules {
  readonly clock: Clock;
  readonly counters: ListenerCounters;
  onSocket(socket: Socket, remoteAddress: string): void;
}

export class Listener {
  readonly #limits: ListenerLimits;
  readonly #modules: ListenerModules;
  readonly #servers: Server[] = [];
  readonly #perAddress = new Map<string, number>();
  readonly #rate: RateLimit;
  #open = 0;

  constructor(limits: ListenerLimits, modules: ListenerModules) {
    this.#limits = limits;
    this.#modules = modules;
    this.#rate = new RateLimit(limits.connectionsPerSecond, modules.clock.monotonic());
  }

  /** Sockets that were handed on and are open. */
  get open(): number {
    return this.#open;
  }

  /**
   * Resolves with the bound addresses. @throws ServerError `server-listen-failed`.
   * @param onSocket who gets the sockets of these addresses; the limits are those of all together.
   */
  async listen(
    addresses: readonly HostPort[],
    onSocket: ListenerModules['onSocket'] = this.#modules.onSocket,
  ): Promise<readonly HostPort[]> {
    const bound: HostPort[] = [];
    for (const { host, port } of addresses) {
      const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, (socket) =>
        this.#accept(socket, onSocket),
      );
      this.#servers.push(server);
      await new Promise<void>((resolve, reject) => {
        const onError = (error: Error) =>
          reject(new ServerError('server-listen-failed', `cannot listen on ${host}:${port}: ${messageOf(error)}`));
        server.once('error', onError);
        server.listen({ host, port, backlog: BACKLOG }, () => {
          server.removeListener('error', onError);
          server.on('error', () => undefined);
          resolve();
        });
      });
      const address = server.address();
      bound.push({ host, port: typeof address === 'object' && address !== null ? address.port : port });
    }
    return bound;
  }

  /** Takes no more sockets; those that are open stay. */
  close(): void {
    for (const server of this.#servers) if (server.listening) server.close();
  }

  #accept(socket: Socket, onSocket: ListenerModules['onSocket']): void {
    const { clock, counters } = this.#modules;
    const address = socket.remoteAddress;
    if (address === undefined) {
      socket.destroy();
      return;
    }
    const key = addressKey(address);
    const ofAddress = this.#perAddress.get(key) ?? 0;
    const refusal = this.#refusal(ofAddress, clock.monotonic());
    if (refusal !== undefined) {
      counters[refusal] += 1;
      socket.destroy();
      return;
    }
    counters.connectionsAccepted += 1;
    this.#open += 1;
    this.#perAddress.set(key, ofAddress + 1);
    socket.once('close', () => this.#release(key));
    onSocket(socket, address);
  }

  #refusal(ofAddress: number, nowMs: number): 'refusedTotal' | 'refusedAddress' | 'refusedRate' | undefined {
    if (this.#open >= this.#limits.connections) return 'refusedTotal';
    if (ofAddress >= this.#limits.connectionsPerAddress) return 'refusedAddress';
    return this.#rate.tryTake(nowMs) ? undefined : 'refusedRate';
  }

  #release(key: string): void {
    this.#open -= 1;
    const left = (this.#perAddress.get(key) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(key, left);
    else this.#perAddress.delete(key);
  }
}

/** What counts as one address: an IPv4 address, also when mapped into IPv6, or the /64 that one customer is given. */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] as string;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length;
    while (groups.length < 8 - after) groups.push('0');
  }
  return groups.slice(0, 4).join(':');
}
