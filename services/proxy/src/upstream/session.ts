// One connection to an upstream with its one extended channel: handshake, setup, extensions, opening; then jobs in and shares out.
import type { Duplex } from 'node:stream';
import { targetToBytes } from '@sluice/bitcoin/target';
import { ClientConnection, type ConnectionModules } from '@sluice/client/connection';
import { ClientError } from '@sluice/client/errors';
import type { ServerUrl } from '@sluice/client/server-url';
import { targetOfHashes } from '@sluice/mining/vardiff-difficulty';
import type { Clock } from '@sluice/runtime/clock';
import { extensionTypes } from '@sluice/sv2/extensions';
import { miningClientFlags, PROTOCOL_VERSION, protocols } from '@sluice/sv2/flags';
import { CHANNEL_MSG_BIT } from '@sluice/sv2/frames';
import { decodePayload } from '@sluice/sv2/message';
import type { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import type { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { messageOf } from '@sluice/sv2/registry';
import type { ProxyCounters } from '../counters.ts';
import { ChannelWork, EXTRANONCE_BOUND } from './channel-work.ts';
import { UpstreamError, upstreamErrorOf } from './errors.ts';
import { Liveness } from './liveness.ts';
import { NominalHashrate } from './nominal-hashrate.ts';
import { type Fault, maxPayload, sessionHandlers } from './session-handlers.ts';
import { SharesInFlight } from './shares-in-flight.ts';
import type { ShareOwner, UpstreamLink, UpstreamShare, UpstreamWork } from './upstream-work.ts';

/** From the handshake to the first work. */
export const FIRST_WORK_MS = 10_000;
const OPEN_REQUEST = 1;
const WANTED_EXTENSIONS = [extensionTypes.workerHashrateTracking];

export interface SessionOptions {
  readonly url: ServerUrl;
  readonly identity: string;
  /** Bytes that the channel must leave to the farm. */
  readonly minExtranonceSize: number;
  /** Hashes a second of the farm, positive. */
  readonly hashrate: number;
}

export interface SessionListener {
  /** There is other work than before; the first time the upstream is up. */
  onWork(work: UpstreamWork): void;
  /** Called once. @param reconnect where the upstream wants to be connected to next. */
  onClosed(reason: UpstreamError, reconnect: Reconnect | undefined): void;
}

export interface SessionModules extends ConnectionModules {
  readonly clock: Clock;
  readonly counters: ProxyCounters;
}

export class UpstreamSession implements UpstreamLink {
  readonly #connection: ClientConnection;
  readonly #options: SessionOptions;
  readonly #listener: SessionListener;
  readonly #clock: Clock;
  readonly #handlers: ReturnType<typeof sessionHandlers>;
  readonly #inFlight: SharesInFlight;
  readonly #liveness: Liveness;
  readonly #nominal: NominalHashrate;
  readonly #openedMs: number;
  #isSetUp = false;
  #namesWorkers = false;
  #requestId = 0;
  #channel: ChannelWork | undefined;
  /** Why it was ended from here. */
  #reason: UpstreamError | undefined;
  #reconnect: Reconnect | undefined;
  #isClosed = false;

  /** Handshake on a connected stream, then all the rest by itself. @throws ClientError `client-handshake-failed`; the stream is closed then. */
  static async open(
    stream: Duplex,
    options: SessionOptions,
    listener: SessionListener,
    modules: SessionModules,
  ): Promise<UpstreamSession> {
    const { authorityKey } = options.url;
    const trust = { maxPayload, ...(authorityKey === undefined ? {} : { authorityKey }) };
    return new UpstreamSession(await ClientConnection.open(stream, trust, modules), options, listener, modules);
  }

  private constructor(
    connection: ClientConnection,
    options: SessionOptions,
    listener: SessionListener,
    { clock, counters }: SessionModules,
  ) {
    const now = clock.monotonic();
    this.#connection = connection;
    this.#options = options;
    this.#listener = listener;
    this.#clock = clock;
    this.#inFlight = new SharesInFlight(counters);
    this.#liveness = new Liveness(now);
    this.#nominal = new NominalHashrate(options.hashrate, now);
    this.#openedMs = now;
    this.#handlers = sessionHandlers({
      inFlight: this.#inFlight,
      channel: () => this.#channel,
      onSetUp: (usedVersion) => this.#onSetUp(usedVersion),
      onExtensions: (supported) => this.#onExtensions(supported),
      onOpened: (opened) => this.#onOpened(opened),
      onWork: (channel, take) => this.#onWork(channel, take),
      onReconnect: (where) => this.#onReconnect(where),
      end: (reason) => this.close(reason),
    });
    connection.receive({
      onFrame: (extensionType, msgType, payload) => this.#onFrame(extensionType, msgType, payload),
      onClose: (reason) => this.#onClose(reason),
    });
    connection.send(SetupConnection, {
      protocol: protocols.mining,
      minVersion: PROTOCOL_VERSION,
      maxVersion: PROTOCOL_VERSION,
      flags: miningClientFlags.REQUIRES_VERSION_ROLLING,
      endpointHost: options.url.host,
      endpointPort: options.url.port,
      vendor: 'Sluice',
      hardwareVersion: 'proxy',
      firmware: '',
      deviceId: '',
    });
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  /** `undefined` before the first tip. */
  get work(): UpstreamWork | undefined {
    return this.#channel?.work;
  }

  /** Shares that wait for the upstream's answer. */
  get sharesInFlight(): number {
    return this.#inFlight.size;
  }

  submit(share: UpstreamShare, owner: ShareOwner | undefined, request: string): void {
    if (this.#isClosed || this.#channel === undefined) return;
    const { work, extranonce, nonce, ntime, version, worker } = share;
    const sequenceNumber = this.#inFlight.add(owner, request, this.#clock.monotonic());
    const channelId = this.#channel.id;
    const fields = { channelId, sequenceNumber, jobId: work.jobId, nonce, ntime, version, extranonce };
    this.#connection.send(SubmitSharesExtended, fields, this.#namesWorkers ? worker : undefined);
  }

  /** Called several times a second. @param hashrate of the farm, hashes a second, positive. */
  tick(hashrate: number): void {
    if (this.#isClosed) return;
    const now = this.#clock.monotonic();
    this.#inFlight.answerOverdue(now);
    if (this.work === undefined && now - this.#openedMs >= FIRST_WORK_MS) {
      this.close(new UpstreamError('upstream-silent', `no work within ${FIRST_WORK_MS / 1_000} s`));
      return;
    }
    if (this.#channel !== undefined && this.#nominal.isNews(hashrate, now)) {
      const maximumTarget = easiestTarget(hashrate);
      this.#connection.send(UpdateChannel, { channelId: this.#channel.id, nominalHashRate: hashrate, maximumTarget });
    }
    const verdict = this.#liveness.check(now, this.#inFlight.oldestMs);
    if (verdict === 'probe') this.#requestExtensions();
    if (verdict === 'silent') this.close(new UpstreamError('upstream-silent', 'it says nothing any more'));
  }

  close(reason: UpstreamError): void {
    this.#reason ??= reason;
    this.#connection.close(new ClientError('client-connection-closed', reason.message));
  }

  #requestExtensions(): void {
    this.#requestId = (this.#requestId + 1) & 0xffff;
    this.#connection.send(RequestExtensions, { requestId: this.#requestId, requestedExtensions: WANTED_EXTENSIONS });
  }

  #onFrame(extensionType: number, msgType: number, payload: Uint8Array): void {
    this.#liveness.received(this.#clock.monotonic());
    const declared = messageOf(extensionType & ~CHANNEL_MSG_BIT, msgType);
    const handler = declared && this.#handlers.get(declared);
    // Messages that are not known are ignored [sv2 3.4.1].
    if (declared === undefined || handler === undefined) return;
    // What a job is made of is kept; answers to shares are not.
    const decoded = decodePayload(declared, declared === SubmitSharesSuccess ? payload : Uint8Array.from(payload));
    const fault = decoded.ok ? handler(decoded.value as never) : `${decoded.code} at ${decoded.where}`;
    if (fault !== undefined) this.close(new UpstreamError('upstream-fault', `${declared.name}: ${fault}`));
  }

  #onSetUp(usedVersion: number): Fault {
    if (this.#isSetUp) return 'nobody asked';
    if (usedVersion !== PROTOCOL_VERSION) return `version ${usedVersion} was not offered`;
    this.#isSetUp = true;
    // Nothing waits for the extensions: an upstream that knows none may not answer.
    this.#requestExtensions();
    const { identity, hashrate, minExtranonceSize } = this.#options;
    this.#connection.send(OpenExtendedMiningChannel, {
      requestId: OPEN_REQUEST,
      userIdentity: identity,
      nominalHashRate: hashrate,
      maxTarget: easiestTarget(hashrate),
      minExtranonceSize,
    });
    return undefined;
  }

  #onExtensions(supported: readonly number[]): void {
    this.#namesWorkers = supported.includes(extensionTypes.workerHashrateTracking);
    this.#liveness.probeAnswered();
  }

  #onOpened(opened: OpenExtendedMiningChannelSuccess): Fault {
    const { requestId, extranonceSize, extranoncePrefix } = opened;
    if (!this.#isSetUp || this.#channel !== undefined || requestId !== OPEN_REQUEST) return 'nobody asked';
    if (extranonceSize + extranoncePrefix.length > EXTRANONCE_BOUND) return 'an extranonce of more than 32 bytes';
    const { minExtranonceSize } = this.#options;
    if (extranonceSize >= minExtranonceSize) this.#channel = new ChannelWork(this, opened);
    else {
      const detail = `${extranonceSize} bytes of extranonce, where ${minExtranonceSize} are needed`;
      this.close(new UpstreamError('upstream-extranonce-too-small', detail));
    }
    return undefined;
  }

  #onWork(channel: ChannelWork, take: () => Fault): Fault {
    const before = channel.work;
    const fault = take();
    if (fault === undefined && channel.work !== undefined && channel.work !== before)
      this.#listener.onWork(channel.work);
    return fault;
  }

  #onReconnect(where: Reconnect): void {
    this.#reconnect = where;
    this.close(new UpstreamError('upstream-reconnect', 'the upstream asks to connect again'));
  }

  #onClose(reason: ClientError): void {
    this.#isClosed = true;
    this.#inFlight.lose();
    this.#listener.onClosed(this.#reason ?? upstreamErrorOf(reason), this.#reconnect);
  }
}

/**
 * 32 bytes: a share a second of the whole farm. Without such a bound an upstream that is kept warm, and gets no shares, would ease its target
 * until all miners together flood it when it is needed.
 */
function easiestTarget(hashrate: number): Uint8Array {
  return targetToBytes(targetOfHashes(hashrate));
}
