// Sockets of load balancers, from the first byte to the end of the header that says whose connection it is.
import type { Socket } from 'node:net';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { SocketCloseReason } from './errors.ts';
import { type ProxyHeaderFault, readProxyHeader } from './proxy-header.ts';

const reasonOf: Readonly<Record<ProxyHeaderFault, SocketCloseReason>> = {
  missing: 'proxy-header-missing',
  v1: 'proxy-header-v1',
  malformed: 'proxy-header-malformed',
};

export interface ProxiedSocketModules {
  readonly log: Logger;
  /** From the accepted socket to the end of its header. */
  readonly deadlineMs: number;
  /** The socket ended without a header. */
  onFailed(reason: SocketCloseReason): void;
}

export class ProxiedSockets {
  readonly #modules: ProxiedSocketModules;
  /** Those whose header is not here yet. */
  readonly #waiting = new Set<Socket>();

  constructor(modules: ProxiedSocketModules) {
    this.#modules = modules;
  }

  /** Sockets whose header is not here yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Takes over a socket of which nothing was read.
   * @param onHeader gets it back with the client's bytes unread, and with the client's address, or its own where the connection is the balancer's.
   */
  accept(socket: Socket, ownAddress: string, onHeader: (remoteAddress: string) => void): void {
    let received: Buffer = Buffer.alloc(0);
    let reason: SocketCloseReason = 'peer-closed';
    let detail: string | undefined;
    const fail = (why: SocketCloseReason, what?: string) => {
      reason = why;
      detail = what;
      socket.destroy();
    };
    const deadline = setTimeout(() => fail('proxy-header-timeout'), this.#modules.deadlineMs);
    const onError = (error: Error) => {
      reason = 'socket-error';
      detail = messageOf(error);
    };
    const onClose = () => {
      clearTimeout(deadline);
      if (!this.#waiting.delete(socket)) return;
      this.#modules.log.debug({ remote: ownAddress, reason, detail }, 'connection closed');
      this.#modules.onFailed(reason);
    };
    const onData = (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const header = readProxyHeader(received);
      if (header === undefined) return;
      socket.removeListener('data', onData);
      if (typeof header === 'string') {
        fail(reasonOf[header]);
        return;
      }
      clearTimeout(deadline);
      this.#waiting.delete(socket);
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
      socket.pause();
      if (header.size < received.length) socket.unshift(received.subarray(header.size));
      onHeader(header.address ?? ownAddress);
      socket.resume();
    };
    this.#waiting.add(socket);
    socket.on('data', onData);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  /** Ends those whose header is not here yet; nobody has taken them over, so they are counted nowhere. */
  stop(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const socket of waiting) socket.destroy();
  }
}
