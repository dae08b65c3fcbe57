// The SV2 side of the proxy, put together: sockets become connections, whose channels have places in the farm.
import type { Duplex } from 'node:stream';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import type { AeadBackend } from '@sluice/noise/aead';
import type { EcBackend, RandomBytes } from '@sluice/noise/ec';
import { NoiseResponder } from '@sluice/noise/responder';
import type { Clock } from '@sluice/runtime/clock';
import type { HostPort } from '@sluice/runtime/config/value-types';
import type { Logger } from '@sluice/runtime/logger';
import { Drain, type DrainGoal } from '@sluice/server/drain';
import type { IdentitySource } from '@sluice/server/identity';
import { Listener } from '@sluice/server/listener';
import { decoded, MessageRouter } from '@sluice/server/message-router';
import type { MovableConnections } from '@sluice/server/move-orders';
import { boundOutbound } from '@sluice/server/outbound-total';
import { addressTurns, handshakeTurns } from '@sluice/server/read-turns';
import { handleRequestExtensions } from '@sluice/server/request-extensions';
import { sendAway } from '@sluice/server/send-away';
import { ShareAnswerFrames } from '@sluice/server/share-answer-frames';
import { OutboundTick } from '@sluice/server/socket-writer';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import type { MinerPlaces } from '../miners/miner.ts';
import { ChannelRequests } from './channel-requests.ts';
import { Connection, type ConnectionModules } from './connection.ts';
import type { Sv2Counters } from './counters.ts';
import { JobFrames } from './job-frames.ts';
import type { Sv2Limits } from './limits.ts';
import { handleSetupConnection } from './setup.ts';
import { SubmittedShares } from './submitted-shares.ts';

/** How often `tick` is to be called. */
export const SV2_TICK_MS = 1_000;
/** Between two looks whether the answers of a batch have left. */
const SETTLE_STEP_MS = 10;

export interface Sv2ServerModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: Sv2Counters;
  readonly farm: MinerPlaces;
  readonly identity: IdentitySource;
  readonly ec: EcBackend;
  readonly aead: AeadBackend;
  readonly sha256d: Sha256dBackend;
  readonly randomBytes: RandomBytes;
  /** Vendors, as in SetupConnection, whose devices follow a Reconnect; all others are closed without it when they are moved away. */
  readonly reconnectVendors: ReadonlySet<string>;
  /** In [0, 1). */
  random(): number;
  sleep(ms: number): Promise<void>;
}

export class Sv2Server implements MovableConnections {
  /** Open connections by their ids. */
  readonly connections = new Map<number, Connection>();
  readonly #limits: Sv2Limits;
  readonly #modules: Sv2ServerModules;
  readonly #connectionModules: ConnectionModules;
  readonly #router: MessageRouter<Connection>;
  readonly #listener: Listener;
  #lastConnection = 0;

  constructor(limits: Sv2Limits, modules: Sv2ServerModules) {
    const { clock, log, counters, farm, sha256d } = modules;
    this.#limits = limits;
    this.#modules = modules;
    const jobs = new JobFrames(sha256d, counters);
    const answerFrames = new ShareAnswerFrames(counters, counters.shareErrors);
    const requests = new ChannelRequests({ limits, farm, counters, jobs, answerFrames });
    const shares = new SubmittedShares(limits, answerFrames);
    const router = new MessageRouter<Connection>(
      [
        decoded(SetupConnection, handleSetupConnection),
        decoded(RequestExtensions, handleRequestExtensions),
        decoded(OpenStandardMiningChannel, (connection, open) => requests.openStandard(connection, open)),
        decoded(OpenExtendedMiningChannel, (connection, open) => requests.openExtended(connection, open)),
        decoded(UpdateChannel, (connection, update) => requests.update(connection, update)),
        decoded(CloseChannel, (connection, close) => requests.close(connection, close)),
        { message: SubmitSharesStandard, read: (connection, payload) => shares.standard(connection, payload) },
        { message: SubmitSharesExtended, read: (connection, payload) => shares.extended(connection, payload) },
      ],
      { log, counters },
    );
    this.#router = router;
    this.#connectionModules = {
      ...{ clock, log, limits, counters, jobs },
      tick: new OutboundTick(),
      turns: addressTurns(limits.messagesPerSecondPerAddress),
      handshakes: handshakeTurns(clock.monotonic()),
      newResponder: () => this.#newResponder(),
      route: (connection, extensionType, msgType, payload) => router.route(connection, extensionType, msgType, payload),
      onClosed: (connection) => this.connections.delete(connection.id),
    };
    this.#listener = new Listener(limits, {
      ...{ clock, log, counters },
      onSocket: (socket, remoteAddress) => this.accept(socket, remoteAddress),
    });
  }

  /** Resolves with the bound addresses. @throws ServerError `server-listen-failed`. */
  listen(addresses: readonly HostPort[]): Promise<readonly HostPort[]> {
    return this.#listener.listen(addresses);
  }

  /** Addresses whose rate of new connections is remembered. */
  get addresses(): number {
    return this.#listener.addresses;
  }

  /** Takes over a socket. */
  accept(socket: Duplex, remoteAddress: string): void {
    this.#lastConnection += 1;
    const connection = new Connection(this.#lastConnection, socket, remoteAddress, this.#connectionModules);
    this.connections.set(connection.id, connection);
    this.#modules.log.debug({ connection: connection.id, remote: remoteAddress }, 'connection accepted');
  }

  get channels(): number {
    return this.#sum(({ channels }) => channels.size);
  }

  /** Bytes that wait for miners. */
  get outboundBytes(): number {
    return this.#sum(({ writer }) => writer.queuedBytes);
  }

  /** Shares whose answers have not left. */
  get waitingShares(): number {
    return this.#sum(({ waitingShares }) => waitingShares);
  }

  /** Deadlines and slow readers. */
  tick(): void {
    const now = this.#modules.clock.monotonic();
    for (const connection of this.connections.values()) connection.sweep(now);
    this.#connectionModules.turns.sweep(now);
    this.#listener.sweep();
    boundOutbound(this.connections.values(), this.#limits.outboundBytesTotal);
  }

  size(): number {
    return this.connections.size;
  }

  /** Has new sockets closed unread, or taken again. */
  refuse(isRefusing: boolean): void {
    this.#listener.refuse(isRefusing);
  }

  /** Takes no more sockets; connections stay. */
  close(): void {
    this.#listener.close();
  }

  /** Moves connections away, each after its shares under way were answered. */
  startDrain(goal: DrainGoal): Drain<Connection> {
    return new Drain(this.connections, goal, {
      ...this.#modules,
      settle: (connections, ms) => this.#settle(connections, ms),
      sendAway: (connection) => sendAway(connection, this.#modules.reconnectVendors),
    });
  }

  async #settle(connections: readonly Connection[], ms: number): Promise<void> {
    const { clock, sleep } = this.#modules;
    const end = clock.monotonic() + ms;
    const isWaiting = ({ ending, waitingShares }: Connection) => ending === undefined && waitingShares > 0;
    while (connections.some(isWaiting) && clock.monotonic() < end) await sleep(SETTLE_STEP_MS);
  }

  #sum(value: (connection: Connection) => number): number {
    let sum = 0;
    for (const connection of this.connections.values()) sum += value(connection);
    return sum;
  }

  #newResponder(): NoiseResponder {
    const { ec, aead, randomBytes: random, identity } = this.#modules;
    return new NoiseResponder({ ec, aead, random, ...identity.current(), maxPayload: this.#router.acceptedPayload });
  }
}
