// Sockets of the TLS port, from the first byte to the end of the handshake. What does not begin as TLS is closed before it costs a key
// exchange, with what it spoke told as on the plain port.
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { spokenProtocol } from '@sluice/sv1/first-bytes';
import type { Sv1Counters } from './counters.ts';
import type { Sv1CloseReason } from './errors.ts';
import type { TlsPair } from './tls-certificate.ts';

export interface TlsPortModules {
  readonly log: Logger;
  readonly counters: Sv1Counters;
  /** From the accepted socket to the end of the handshake. */
  readonly handshakeDeadlineMs: number;
  /** A handshake is done. */
  onSecure(socket: TLSSocket, remoteAddress: string): void;
}

interface Handshake {
  readonly socket: Socket;
  readonly remoteAddress: string;
  readonly deadline: NodeJS.Timeout;
  /** Why it will have failed when the socket is closed. */
  reason: Sv1CloseReason;
  detail: string | undefined;
}

export class TlsPort {
  readonly #modules: TlsPortModules;
  readonly #server: Server;
  /** By both ends' addresses, which are all that Node's TLS server tells of the socket below. */
  readonly #handshakes = new Map<string, Handshake>();

  constructor(pair: TlsPair, modules: TlsPortModules) {
    this.#modules = modules;
    this.#server = createServer(pair);
    this.#server.on('secureConnection', (socket) => this.#onSecure(socket));
    this.#server.on('tlsClientError', (error, socket) => {
      const handshake = this.#handshakes.get(endsOf(socket));
      if (handshake !== undefined) close(handshake, 'tls-handshake-failed', String(codeOf(error) ?? messageOf(error)));
    });
  }

  /** Handshakes under way. */
  get handshakes(): number {
    return this.#handshakes.size;
  }

  /** For handshakes to come; live connections go on with what they began with. */
  use(pair: TlsPair): void {
    this.#server.setSecureContext(pair);
  }

  /** Takes over a socket of which nothing was read. */
  accept(socket: Socket, remoteAddress: string): void {
    const ends = endsOf(socket);
    const handshake: Handshake = {
      ...{ socket, remoteAddress, reason: 'peer-closed', detail: undefined },
      deadline: setTimeout(() => close(handshake, 'tls-handshake-timeout'), this.#modules.handshakeDeadlineMs),
    };
    this.#handshakes.set(ends, handshake);
    socket.on('error', (error) => {
      handshake.reason = 'socket-error';
      handshake.detail = messageOf(error);
    });
    socket.once('close', () => {
      if (this.#handshakes.get(ends) === handshake) this.#failed(ends, handshake);
    });
    this.#look(handshake);
  }

  /** Ends the handshakes that are under way. */
  stop(): void {
    for (const handshake of this.#handshakes.values()) close(handshake, 'drained');
  }

  /** Reads as much as tells what the peer speaks, and hands it all to TLS if it is that. */
  #look(handshake: Handshake): void {
    const { socket } = handshake;
    let received = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const spoken = spokenProtocol(received);
      if (spoken === undefined) return;
      socket.removeListener('data', onData);
      if (spoken === 'tls') {
        socket.pause();
        socket.unshift(received);
        this.#server.emit('connection', socket);
      } else if (spoken === 'proxy-header') close(handshake, 'proxy-header-untrusted');
      else close(handshake, spoken === 'stratum-v1' ? 'spoke-plain' : `spoke-${spoken}`);
    };
    socket.on('data', onData);
  }

  #onSecure(socket: TLSSocket): void {
    const ends = endsOf(socket);
    const handshake = this.#handshakes.get(ends);
    if (handshake === undefined) {
      socket.destroy();
      return;
    }
    clearTimeout(handshake.deadline);
    this.#handshakes.delete(ends);
    this.#modules.counters.tlsHandshakes += 1;
    this.#modules.onSecure(socket, handshake.remoteAddress);
  }

  #failed(ends: string, { deadline, remoteAddress, reason, detail }: Handshake): void {
    clearTimeout(deadline);
    this.#handshakes.delete(ends);
    this.#modules.counters.closed[reason] += 1;
    this.#modules.log.debug({ remote: remoteAddress, reason, detail }, 'connection closed');
  }
}

/** The first reason counts. */
function close(handshake: Handshake, reason: Sv1CloseReason, detail?: string): void {
  if (handshake.socket.destroyed) return;
  handshake.reason = reason;
  handshake.detail = detail;
  handshake.socket.destroy();
}

const endsOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket) =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
