// Accepts sockets within the limits and hands them on. What is refused here costs no byte of an answer and no key exchange.
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '@sluice/runtime/clock';
import type { HostPort } from '@sluice/runtime/config/value-types';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { addressKey } from './address-key.ts';
import { type AddressRange, inRanges } from './address-ranges.ts';
import { ServerError, type SocketCloseReason } from './errors.ts';
import { PerAddress } from './per-address.ts';
import { ProxiedSockets } from './proxied-sockets.ts';
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
  /** The same for one address, which may not take what is there for all. More are closed unread. */
  readonly connectionsPerSecondPerAddress: number;
  /** From a load balancer's socket to the end of its PROXY protocol header. Then the socket is closed. */
  readonly proxyHeaderDeadlineMs: number;
  /** Load balancers, whose connections count as their clients': they must begin with that header, which is taken from nobody else. */
  readonly proxyProtocolFrom: readonly AddressRange[];
}

export interface ListenerCounters {
  connectionsAccepted: number;
  refusedTotal: number;
  refusedAddress: number;
  refusedRate: number;
  refusedAddressRate: number;
  refusedDraining: number;
  readonly closed: Record<SocketCloseReason, number>;
}

export interface ListenOptions {
  /** Who gets the sockets of these addresses; the limits are those of all together. Default: who gets those of the listener. */
  readonly onSocket?: ListenerModules['onSocket'];
  /** Other processes of the same user may listen there too: the kernel gives each connection to one of them. Not on every platform. */
  readonly reusePort?: boolean;
}

type Refusal = Extract<keyof ListenerCounters, `refused${string}`>;

export interface ListenerModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: ListenerCounters;
  onSocket(socket: Socket, remoteAddress: string): void;
}

export class Listener {
  readonly #limits: ListenerLimits;
  readonly #modules: ListenerModules;
  readonly #servers: Server[] = [];
  readonly #perAddress = new Map<string, number>();
  readonly #rate: RateLimit;
  readonly #addressRates: PerAddress<RateLimit>;
  readonly #isBalancer: (address: string) => boolean;
  readonly #proxied: ProxiedSockets;
  #open = 0;
  #isRefusing = false;

  constructor(limits: ListenerLimits, modules: ListenerModules) {
    const { clock, log, counters } = modules;
    this.#limits = limits;
    this.#modules = modules;
    this.#rate = new RateLimit(limits.connectionsPerSecond, clock.monotonic());
    this.#addressRates = new PerAddress((nowMs) => new RateLimit(limits.connectionsPerSecondPerAddress, nowMs));
    this.#isBalancer = inRanges(limits.proxyProtocolFrom);
    this.#proxied = new ProxiedSockets({
      log,
      deadlineMs: limits.proxyHeaderDeadlineMs,
      onFailed: (reason) => {
        counters.connectionsAccepted += 1;
        counters.closed[reason] += 1;
      },
    });
  }

  /** Addresses whose rate of new connections is remembered. */
  get addresses(): number {
    return this.#addressRates.size;
  }

  /** Sockets that were handed on and are open. */
  get open(): number {
    return this.#open;
  }

  /** Resolves with the bound addresses. @throws ServerError `server-listen-failed`. */
  async listen(addresses: readonly HostPort[], options: ListenOptions = {}): Promise<readonly HostPort[]> {
    const { onSocket = this.#modules.onSocket, reusePort = false } = options;
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
        // Of no address Node makes `::`, or 0.0.0.0 on a machine without IPv6.
        server.listen({ ...(host === '::' ? {} : { host }), port, backlog: BACKLOG, reusePort }, () => {
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
    this.#proxied.stop();
  }

  /** Has new sockets closed unread, or taken again: the addresses stay bound, so that nobody else can have taken them meanwhile. */
  refuse(isRefusing: boolean): void {
    this.#isRefusing = isRefusing;
  }

  /** Forgets addresses that have nothing to wait for; to be called about once a second. */
  sweep(): void {
    this.#addressRates.sweep(this.#modules.clock.monotonic());
  }

  #accept(socket: Socket, onSocket: ListenerModules['onSocket']): void {
    const address = socket.remoteAddress;
    if (address === undefined) this.#leftAtOnce(socket);
    else if (this.#isRefusing) this.#refuse(socket, 'refusedDraining');
    // Those that wait for their header count as well, or they would have no bound.
    else if (this.#open + this.#proxied.waiting >= this.#limits.connections) this.#refuse(socket, 'refusedTotal');
    else if (!this.#isBalancer(address)) this.#admit(socket, address, onSocket);
    else this.#proxied.accept(socket, address, (client) => this.#admit(socket, client, onSocket));
  }

  /** @param address of the peer itself, whoever hands it on. */
  #admit(socket: Socket, address: string, onSocket: ListenerModules['onSocket']): void {
    const { clock, counters } = this.#modules;
    const key = addressKey(address);
    const ofAddress = this.#perAddress.get(key) ?? 0;
    const now = clock.monotonic();
    // Also those that waited for their header when it began to refuse.
    if (this.#isRefusing) this.#refuse(socket, 'refusedDraining');
    else if (ofAddress >= this.#limits.connectionsPerAddress) this.#refuse(socket, 'refusedAddress');
    // Before its address is looked up: a storm from many would have all others forgotten.
    else if (this.#rate.isEmpty(now)) this.#refuse(socket, 'refusedRate');
    else if (!this.#addressRates.of(key, now).tryTake(now)) this.#refuse(socket, 'refusedAddressRate');
    else {
      this.#rate.take(1, now);
      counters.connectionsAccepted += 1;
      this.#open += 1;
      this.#perAddress.set(key, ofAddress + 1);
      socket.once('close', () => this.#release(key));
      onSocket(socket, address);
    }
  }

  /** No limit is that of an address which nobody knows any more; nor is anything held for it. */
  #leftAtOnce(socket: Socket): void {
    const { counters } = this.#modules;
    counters.connectionsAccepted += 1;
    counters.closed['left-at-once'] += 1;
    socket.destroy();
  }

  #refuse(socket: Socket, why: Refusal): void {
    this.#modules.counters[why] += 1;
    socket.destroy();
  }

  #release(key: string): void {
    this.#open -= 1;
    const left = (this.#perAddress.get(key) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(key, left);
    else this.#perAddress.delete(key);
  }
}
