// The gateway's parts, put together for one incarnation: what happens to a socket, a frame and a share from here on. Nothing in it
// listens, ticks or reads the clock by itself; service.ts does.
import type { Duplex } from 'node:stream';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import type { Bus } from '@sluice/bus/bus';
import { ExtranonceRange } from '@sluice/mining/extranonce';
import { JobBook } from '@sluice/mining/job-book';
import { ShareChecker } from '@sluice/mining/share-check';
import type { AeadBackend } from '@sluice/noise/aead';
import type { EcBackend, RandomBytes } from '@sluice/noise/ec';
import { EphemeralKeyPool } from '@sluice/noise/ephemeral-key-pool';
import { NoiseResponder } from '@sluice/noise/responder';
import type { Clock } from '@sluice/runtime/clock';
import type { HostPort } from '@sluice/runtime/config/value-types';
import type { Logger } from '@sluice/runtime/logger';
import type { IdentitySource } from '@sluice/server/identity';
import { decoded, MessageRouter, type Route } from '@sluice/server/message-router';
import { boundOutbound } from '@sluice/server/outbound-total';
import { addressTurns, handshakeTurns } from '@sluice/server/read-turns';
import { handleRequestExtensions } from '@sluice/server/request-extensions';
import { ShareAnswerFrames } from '@sluice/server/share-answer-frames';
import { OutboundTick } from '@sluice/server/socket-writer';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SetCustomMiningJob } from '@sluice/sv2/messages/mining/set-custom-mining-job';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { BestShare } from './best-share.ts';
import { ChannelManagerClient } from './channel-manager-client.ts';
import { ChannelPlaces } from './channel-places.ts';
import { ChannelRegister } from './channel-register.ts';
import { ChannelTargets } from './channel-targets.ts';
import { Connection, type ConnectionModules } from './connection.ts';
import type { GatewayCounters } from './counters.ts';
import { FanOut } from './fan-out.ts';
import { CloseChannelHandler } from './handlers/close-channel.ts';
import { OpenChannelHandler } from './handlers/open-channel.ts';
import { handleSetCustomMiningJob } from './handlers/set-custom-mining-job.ts';
import { handleSetupConnection } from './handlers/setup-connection.ts';
import { ShareHandler } from './handlers/submit-shares.ts';
import { UpdateChannelHandler } from './handlers/update-channel.ts';
import { JobFeed } from './job-feed.ts';
import { JobWriter } from './job-writer.ts';
import type { GatewayLimits } from './limits.ts';
import { Payouts } from './paid-jobs.ts';
import { addressForLog, Seldom } from './peer-log.ts';
import { ShareBatcher } from './share-batcher.ts';
import { Solutions } from './solutions.ts';
import { VardiffTicker } from './vardiff-ticker.ts';

/** Ephemeral keys made ahead of a burst of connections, and how many of them at a time: fifty milliseconds have half a one for them. */
const KEYS_READY = 1_024;
const KEYS_A_TICK = 6;

export interface GatewayModules {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: GatewayLimits;
  readonly counters: GatewayCounters;
  readonly identity: IdentitySource;
  readonly ec: EcBackend;
  readonly aead: AeadBackend;
  readonly sha256d: Sha256dBackend;
  readonly random: RandomBytes;
  readonly solutionEndpoints: readonly HostPort[];
  observeAppend(seconds: number): void;
  /** From a provider's news of a tip to the last miner told. */
  observeTip(seconds: number): void;
}

export class Gateway {
  readonly incarnation: bigint;
  /** Open connections by their ids. */
  readonly connections = new Map<number, Connection>();
  readonly batcher: ShareBatcher;
  readonly solutions: Solutions;
  readonly feed: JobFeed;
  readonly fanOut: FanOut;
  readonly closeChannels: CloseChannelHandler;
  readonly extranonces: ExtranonceRange;
  readonly register: ChannelRegister;
  readonly bestShare = new BestShare();
  readonly payouts: Payouts;
  readonly #modules: GatewayModules;
  readonly #connectionModules: ConnectionModules;
  readonly #router: MessageRouter<Connection>;
  readonly #ephemeralKeys: EphemeralKeyPool;
  readonly #shares: ShareHandler;
  readonly #places: ChannelPlaces;
  readonly #vardiff: VardiffTicker;
  readonly #stratumV1Told = new Seldom();
  #lastConnection = 0;
  #outboundBytes = 0;

  /** @throws RangeError for an incarnation beyond the extranonce space. */
  constructor(incarnation: bigint, modules: GatewayModules) {
    const { bus, clock, log, limits, counters, sha256d } = modules;
    this.incarnation = incarnation;
    this.#modules = modules;
    this.#ephemeralKeys = new EphemeralKeyPool({ ...modules, capacity: KEYS_READY });
    this.extranonces = new ExtranonceRange(Number(incarnation));
    this.batcher = new ShareBatcher(incarnation, limits, modules);
    this.payouts = new Payouts(limits.payouts, counters);
    this.#places = new ChannelPlaces(limits);
    this.solutions = new Solutions(modules.solutionEndpoints, modules);
    const answers = new ShareAnswerFrames(counters, counters.sharesRefused);
    this.#shares = new ShareHandler({
      ...{ clock, log, counters, answers, incarnation },
      ...{ batcher: this.batcher, solutions: this.solutions, bestShare: this.bestShare },
      checker: new ShareChecker(sha256d),
      later: (task) => void setImmediate(task),
    });
    const { lanes } = this.#shares;
    const book = new JobBook();
    const jobs = new JobWriter(counters);
    const onTipDone = () => {
      // Before the first miner the feed tells of tips of the past. The clock here may be behind the provider's.
      const seconds = Math.max(0, clock.now() / 1_000 - Number(this.feed.tipSeenAtMicros) / 1e6);
      if (this.connections.size > 0) modules.observeTip(seconds);
    };
    this.fanOut = new FanOut({ clock, backend: sha256d, book, jobs, lanes, counters, onTipDone });
    this.feed = new JobFeed({ bus, log, book, counters, onWork: (work) => this.fanOut.push(work) });
    const targets = new ChannelTargets({ fanOut: this.fanOut, lanes, counters, log });
    this.#vardiff = new VardiffTicker(targets);
    const channelManager = new ChannelManagerClient(modules);
    this.register = new ChannelRegister(incarnation, (block) => channelManager.register(block));
    const { register, payouts } = this;
    this.closeChannels = new CloseChannelHandler({
      ...{ register, log, counters, payouts, places: this.#places, lanes },
      vardiff: this.#vardiff,
    });
    const router = new MessageRouter(this.#routes(channelManager, targets, answers), { log, counters });
    this.#router = router;
    this.#connectionModules = {
      clock,
      log,
      limits,
      counters,
      tick: new OutboundTick(),
      turns: addressTurns(limits.messagesPerSecondPerAddress),
      handshakes: handshakeTurns(clock.monotonic()),
      newResponder: () => this.#newResponder(),
      onStratumV1: (remoteAddress) => this.#onStratumV1(remoteAddress),
      route: (connection, extensionType, msgType, payload) => {
        // Nothing that a miner sends is handled before the shares that it sent first.
        if (msgType !== SubmitSharesStandard.type && msgType !== SubmitSharesExtended.type) lanes.flush();
        router.route(connection, extensionType, msgType, payload);
      },
      onClosed: (connection) => this.#onClosed(connection),
    };
  }

  /** Open ones. */
  get channels(): number {
    return this.register.size;
  }

  /** Bytes that waited for miners at the last sweep. */
  get outboundBytes(): number {
    return this.#outboundBytes;
  }

  /** Channels that the channel-manager is asked about. */
  get pendingOpens(): number {
    return this.#places.taken - this.register.size;
  }

  /** Shares refused on open channels, by `account.worker`. */
  refusedByWorker(): ReadonlyMap<string, number> {
    const refused = new Map<string, number>();
    for (const { channels } of this.connections.values()) {
      for (const { identity, worker, refused: count } of channels) {
        if (count === 0) continue;
        const name = worker === '' ? identity : `${identity}.${worker}`;
        refused.set(name, (refused.get(name) ?? 0) + count);
      }
    }
    return refused;
  }

  /** Unix seconds. */
  get certificateExpiry(): number {
    return this.#modules.identity.current().certificate.notValidAfter;
  }

  /** Times that new files could not be used. */
  get certificateFaults(): number {
    return this.#modules.identity.faults;
  }

  /** Takes over a socket. */
  accept(socket: Duplex, remoteAddress: string): Connection {
    this.#lastConnection += 1;
    const connection = new Connection(this.#lastConnection, socket, remoteAddress, this.#connectionModules);
    this.connections.set(connection.id, connection);
    this.#modules.log.debug({ connection: connection.id, remote: remoteAddress }, 'connection accepted');
    this.fanOut.add(connection);
    return connection;
  }

  /** Deadlines and slow readers; to be called about once a second. */
  sweep(): void {
    const now = this.#modules.clock.monotonic();
    for (const connection of this.connections.values()) connection.sweep(now);
    this.#connectionModules.turns.sweep(now);
    this.#outboundBytes = boundOutbound(this.connections.values(), this.#modules.limits.outboundBytesTotal);
  }

  /** Before the first connection: those of a gateway before this one may come all at once. */
  makeKeys(): void {
    this.#ephemeralKeys.fill(KEYS_READY);
  }

  /** Called about twenty times a second. */
  tick(): void {
    this.#vardiff.tick(this.#modules.clock.monotonic());
    this.#ephemeralKeys.fill(KEYS_A_TICK);
  }

  /** Sends all shares that were taken; resolves when they are acknowledged, or after `deadlineMs` with `false`. */
  flushShares(deadlineMs: number): Promise<boolean> {
    this.#shares.lanes.flush();
    return this.batcher.flush(deadlineMs);
  }

  /** Ends what the gateway itself began; connections are closed before. */
  close(): void {
    this.fanOut.stop();
    this.batcher.close();
    this.solutions.close();
    this.#ephemeralKeys.clear();
  }

  /** What a miner may send. Shares are read in place. */
  #routes(
    channelManager: ChannelManagerClient,
    targets: ChannelTargets,
    answers: ShareAnswerFrames,
  ): readonly Route<Connection>[] {
    const { fanOut, extranonces, payouts, register, incarnation, closeChannels } = this;
    const shares = this.#shares;
    const shared = { ...this.#modules, channelManager, incarnation, fanOut, targets };
    const opens = new OpenChannelHandler({
      ...{ ...shared, extranonces, payouts, places: this.#places, register, answers },
      vardiff: this.#vardiff,
    });
    const updates = new UpdateChannelHandler(shared);
    return [
      decoded(SetupConnection, (connection, setup) => handleSetupConnection(connection, setup, shared.log)),
      decoded(RequestExtensions, handleRequestExtensions),
      decoded(OpenStandardMiningChannel, (connection, open) => opens.standard(connection, open)),
      decoded(OpenExtendedMiningChannel, (connection, open) => opens.extended(connection, open)),
      decoded(UpdateChannel, (connection, update) => updates.handle(connection, update)),
      decoded(CloseChannel, (connection, close) => closeChannels.fromMiner(connection, close)),
      decoded(SetCustomMiningJob, handleSetCustomMiningJob),
      { message: SubmitSharesStandard, read: (connection, payload) => shares.standard(connection, payload) },
      { message: SubmitSharesExtended, read: (connection, payload) => shares.extended(connection, payload) },
    ];
  }

  #newResponder(): NoiseResponder {
    const { ec, aead, random, identity } = this.#modules;
    const ephemeral = () => this.#ephemeralKeys.take();
    const maxPayload = this.#router.acceptedPayload;
    return new NoiseResponder({ ec, aead, random, ...identity.current(), ephemeral, maxPayload });
  }

  /** A device that was given the wrong address tries for ever: the one thing about a single peer that its owner must be told. */
  #onStratumV1(remoteAddress: string): void {
    const { clock, log } = this.#modules;
    if (!this.#stratumV1Told.isDue(clock.monotonic())) return;
    log.warn(`${addressForLog(remoteAddress)} speaks Stratum V1; this port speaks Stratum V2`);
  }

  #onClosed(connection: Connection): void {
    this.connections.delete(connection.id);
    this.fanOut.remove(connection);
    this.closeChannels.allOf(connection);
  }
}
