// The SV1 side of the proxy, put together: sockets become sessions, each of which has a place in the farm.
import type { Duplex } from 'node:stream';
import type { Clock } from '@sluice/runtime/clock';
import type { HostPort } from '@sluice/runtime/config/value-types';
import type { Logger } from '@sluice/runtime/logger';
import { Drain, type DrainGoal } from '@sluice/server/drain';
import { Listener } from '@sluice/server/listener';
import type { MovableConnections } from '@sluice/server/move-orders';
import { boundOutbound } from '@sluice/server/outbound-total';
import { addressTurns } from '@sluice/server/read-turns';
import { OutboundTick } from '@sluice/server/socket-writer';
import { reconnectLine } from '@sluice/sv1/server-lines';
import { SubmitReader } from '@sluice/sv1/submit-reader';
import type { MinerPlaces } from '../miners/miner.ts';
import type { Sv1Counters } from './counters.ts';
import { FIRST_ID_BOUND, JobLines } from './job-lines.ts';
import type { Sv1Limits } from './limits.ts';
import { Session, type SessionModules } from './session.ts';
import type { TlsCertificate } from './tls-certificate.ts';
import { TlsPort } from './tls-port.ts';

/** How often `tick` is to be called. */
export const SV1_TICK_MS = 100;
/** Parts in which sessions are swept: ten thousand at once would be felt. */
const SLOTS = 10;
/** Between two looks whether the answers of a batch have left. */
const SETTLE_STEP_MS = 10;

export interface Sv1ServerOptions {
  readonly limits: Sv1Limits;
  /** Bits of the version that miners may roll at most, u32. */
  readonly versionMask: number;
  /** How the names of software begin that follows client.reconnect; all others are closed without it when they are moved away. */
  readonly reconnectAgents: readonly string[];
}

export interface Sv1ServerModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: Sv1Counters;
  readonly farm: MinerPlaces;
  /** Of the TLS port, if there is one. */
  readonly certificate?: TlsCertificate | undefined;
  /** In [0, 1). */
  random(): number;
  sleep(ms: number): Promise<void>;
}

export class Sv1Server implements MovableConnections {
  /** Open connections by their ids. */
  readonly sessions = new Map<number, Session>();
  /** The same, by when they are swept. */
  readonly #slots: readonly Set<Session>[] = Array.from({ length: SLOTS }, () => new Set());
  readonly #options: Sv1ServerOptions;
  readonly #modules: Sv1ServerModules;
  readonly #sessionModules: SessionModules;
  readonly #listener: Listener;
  readonly #tls: TlsPort | undefined;
  #lastSession = 0;
  #slot = 0;

  constructor(options: Sv1ServerOptions, modules: Sv1ServerModules) {
    const { limits, versionMask } = options;
    this.#options = options;
    this.#modules = modules;
    const firstId = Math.floor(modules.random() * FIRST_ID_BOUND);
    const repeatSeconds = Math.max(1, Math.floor(limits.keepAliveMs / 1_000));
    this.#sessionModules = {
      ...modules,
      limits,
      versionMask,
      tick: new OutboundTick(),
      turns: addressTurns(limits.messagesPerSecondPerAddress),
      lines: new JobLines(firstId, repeatSeconds, modules.counters),
      submits: new SubmitReader(),
      onClosed: (session) => this.#onClosed(session),
    };
    this.#listener = new Listener(limits, {
      ...modules,
      onSocket: (socket, remoteAddress) => this.accept(socket, remoteAddress),
    });
    if (modules.certificate !== undefined)
      this.#tls = new TlsPort(modules.certificate.current, {
        ...modules,
        handshakeDeadlineMs: limits.tlsHandshakeDeadlineMs,
        onSecure: (socket, remoteAddress) => this.accept(socket, remoteAddress),
      });
  }

  /** Resolves with the bound addresses. @throws ServerError `server-listen-failed`. */
  listen(addresses: readonly HostPort[]): Promise<readonly HostPort[]> {
    return this.#listener.listen(addresses);
  }

  /** The same with TLS, within the same limits; there must be a certificate. @throws ServerError `server-listen-failed`. */
  listenTls(addresses: readonly HostPort[]): Promise<readonly HostPort[]> {
    return this.#listener.listen(addresses, {
      onSocket: (socket, remoteAddress) => this.#tls?.accept(socket, remoteAddress),
    });
  }

  /** Addresses whose rate of new connections is remembered. */
  get addresses(): number {
    return this.#listener.addresses;
  }

  /** Takes over a socket. */
  accept(socket: Duplex, remoteAddress: string): void {
    this.#lastSession += 1;
    const session = new Session(this.#lastSession, socket, remoteAddress, this.#sessionModules);
    this.sessions.set(session.id, session);
    this.#slotOf(session).add(session);
    this.#modules.log.debug({ connection: session.id, remote: remoteAddress }, 'connection accepted');
  }

  /** TLS handshakes under way. */
  get tlsHandshakes(): number {
    return this.#tls?.handshakes ?? 0;
  }

  /** Has the files of the certificate looked at again. */
  refreshCertificate(): void {
    const { certificate } = this.#modules;
    if (certificate?.refresh()) this.#tls?.use(certificate.current);
  }

  /** Bytes that wait for miners. */
  get outboundBytes(): number {
    let bytes = 0;
    for (const { writer } of this.sessions.values()) bytes += writer.queuedBytes;
    return bytes;
  }

  /** Requests whose answers have not left. */
  get waitingAnswers(): number {
    let waiting = 0;
    for (const session of this.sessions.values()) waiting += session.waitingAnswers;
    return waiting;
  }

  /** Deadlines, slow readers and keep-alive jobs of every tenth session. */
  tick(): void {
    const now = this.#modules.clock.monotonic();
    this.#slot = (this.#slot + 1) % SLOTS;
    for (const session of this.#slots[this.#slot] ?? []) session.sweep(now);
    if (this.#slot > 0) return;
    this.#sessionModules.turns.sweep(now);
    this.#listener.sweep();
    boundOutbound(this.sessions.values(), this.#options.limits.outboundBytesTotal);
  }

  size(): number {
    return this.sessions.size;
  }

  /** Has new sockets closed unread, or taken again; TLS handshakes under way are ended. */
  refuse(isRefusing: boolean): void {
    this.#listener.refuse(isRefusing);
    if (isRefusing) this.#tls?.stop();
  }

  /** Takes no more sockets; sessions stay. */
  close(): void {
    this.#listener.close();
    this.#tls?.stop();
  }

  /** Moves sessions away, each after its shares under way were answered. */
  startDrain(goal: DrainGoal): Drain<Session> {
    return new Drain(this.sessions, goal, {
      ...this.#modules,
      settle: (sessions, ms) => this.#settle(sessions, ms),
      sendAway: (session) => this.#sendAway(session),
    });
  }

  #onClosed(session: Session): void {
    this.sessions.delete(session.id);
    this.#slotOf(session).delete(session);
  }

  #slotOf({ id }: Session): Set<Session> {
    return this.#slots[id % SLOTS]!;
  }

  async #settle(sessions: readonly Session[], ms: number): Promise<void> {
    const { clock, sleep } = this.#modules;
    const end = clock.monotonic() + ms;
    const isWaiting = ({ ending, waitingAnswers }: Session) => ending === undefined && waitingAnswers > 0;
    while (sessions.some(isWaiting) && clock.monotonic() < end) await sleep(SETTLE_STEP_MS);
  }

  #sendAway(session: Session): void {
    const follows = this.#options.reconnectAgents.some((beginning) => session.agent.startsWith(beginning));
    if (follows) session.writer.writeText(reconnectLine(0));
    session.end('drained');
  }
}
