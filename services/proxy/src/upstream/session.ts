// One connection to an upstream: handshake, setup, extensions, the channel of the whole farm, and those of single miners; then jobs in and
// shares out.
import type { Duplex } from 'node:stream';
import { ClientConnection, type ConnectionModules } from '@sluice/client/connection';
import { ClientError } from '@sluice/client/errors';
import type { ServerUrl } from '@sluice/client/server-url';
import type { Clock } from '@sluice/runtime/clock';
import { extensionTypes } from '@sluice/sv2/extensions';
import { miningClientFlags, PROTOCOL_VERSION, protocols } from '@sluice/sv2/flags';
import { CHANNEL_MSG_BIT } from '@sluice/sv2/frames';
import { decodePayload } from '@sluice/sv2/message';
import type { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { messageOf } from '@sluice/sv2/registry';
import type { ProxyCounters } from '../counters.ts';
import { Channels } from './channels.ts';
import { UpstreamError, upstreamErrorOf } from './errors.ts';
import { Liveness } from './liveness.ts';
import { type Fault, maxPayload, sessionHandlers } from './session-handlers.ts';
import { IN_FLIGHT_BOUND } from './shares-in-flight.ts';
import { type ChannelListener, type ChannelWire, UpstreamChannel } from './upstream-channel.ts';
import type { UpstreamWork } from './upstream-work.ts';

/** From the handshake to the first work. */
export const FIRST_WORK_MS = 10_000;
/** Shares of one miner's channel that wait for an answer. The oldest is counted as lost. */
const MINER_IN_FLIGHT_BOUND = 1_024;
/** Bytes of an identity: a STR0_255. */
const IDENTITY_BOUND = 255;
const WANTED_EXTENSIONS = [extensionTypes.workerHashrateTracking];

export interface SessionOptions {
  readonly url: ServerUrl;
  readonly identity: string;
  /** What the upstream knows a miner by that has a channel of its own, of `{account}`, which is the identity, and `{worker}`. */
  readonly workerIdentity: string;
  /** Bytes that the channel must leave to the farm. */
  readonly minExtranonceSize: number;
  /** Hashes a second of the farm, positive. */
  readonly hashrate: number;
}

/** Whom a channel of a single miner is for. */
export interface MinerOfChannel {
  /** Its worker; empty where it has no name. */
  readonly name: string;
  /** The same as a TLV field. */
  readonly field: Uint8Array | undefined;
  /** Hashes a second, positive. */
  hashrate(): number;
}

export interface SessionListener {
  /** The channel of the whole farm has other work than before; the first time the upstream is up. */
  onWork(work: UpstreamWork): void;
  /** Called once. @param reconnect where the upstream wants to be connected to next. */
  onClosed(reason: UpstreamError, reconnect: Reconnect | undefined): void;
}

export interface SessionModules extends ConnectionModules {
  readonly clock: Clock;
  readonly counters: ProxyCounters;
}

export class UpstreamSession {
  readonly #connection: ClientConnection;
  readonly #options: SessionOptions;
  readonly #listener: SessionListener;
  readonly #clock: Clock;
  readonly #handlers: ReturnType<typeof sessionHandlers>;
  readonly #wire: ChannelWire;
  readonly #channels = new Channels();
  /** That of the whole farm. */
  readonly #common: UpstreamChannel;
  readonly #liveness: Liveness;
  readonly #openedMs: number;
  /** Of all who work for the upstream, hashes a second. */
  #hashrate: number;
  #isSetUp = false;
  #namesWorkers = false;
  #requestId = 0;
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
    this.#liveness = new Liveness(now);
    this.#hashrate = options.hashrate;
    this.#openedMs = now;
    this.#wire = {
      counters,
      namesWorkers: () => this.#namesWorkers,
      now: () => clock.monotonic(),
      send: (message, fields, tlv) => connection.send(message, fields, tlv),
    };
    const { identity, minExtranonceSize } = options;
    this.#common = new UpstreamChannel(
      this.#wire,
      { identity, worker: undefined, minExtranonceSize, hashrate: () => this.#hashrate },
      { onWork: (work) => this.#listener.onWork(work), onClosed: (reason) => this.close(reason) },
      IN_FLIGHT_BOUND,
    );
    this.#handlers = sessionHandlers({
      channels: this.#channels,
      onSetUp: (usedVersion) => this.#onSetUp(usedVersion),
      onExtensions: (supported) => this.#onExtensions(supported),
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

  /** That of the channel which the whole farm shares; `undefined` before its first tip. */
  get work(): UpstreamWork | undefined {
    return this.#common.work;
  }

  /** Shares that wait for the upstream's answer. */
  get sharesInFlight(): number {
    return this.#channels.sharesInFlight;
  }

  /** Channels of single miners that are open, and those that are to be. */
  get minerChannels(): { readonly open: number; readonly opening: number } {
    // Before there is work it is that of the whole farm that is to be opened.
    const opening = this.work === undefined ? 0 : this.#channels.opening;
    return { open: Math.max(0, this.#channels.size - 1), opening };
  }

  /** A channel for one miner, when it is its turn; `undefined` before the upstream has work. */
  openChannel({ name, field, hashrate }: MinerOfChannel, listener: ChannelListener): UpstreamChannel | undefined {
    if (this.#isClosed || this.work === undefined) return undefined;
    const { identity, workerIdentity, minExtranonceSize } = this.#options;
    const parts: Readonly<Record<string, string>> = { '{account}': identity, '{worker}': name };
    const named =
      name === '' ? identity : workerIdentity.replace(/\{account\}|\{worker\}/g, (part) => parts[part] ?? '');
    const isTooLong = Buffer.byteLength(named) > IDENTITY_BOUND;
    const request = { identity: isTooLong ? identity : named, worker: isTooLong ? undefined : field };
    const channel = new UpstreamChannel(
      this.#wire,
      { ...request, minExtranonceSize, hashrate },
      listener,
      MINER_IN_FLIGHT_BOUND,
    );
    this.#channels.open(channel);
    return channel;
  }

  /** Called several times a second. @param hashrate of all who work for the upstream, hashes a second, positive. */
  tick(hashrate: number): void {
    if (this.#isClosed) return;
    const now = this.#clock.monotonic();
    this.#hashrate = hashrate;
    const oldestMs = this.#channels.tick(now);
    if (this.work === undefined && now - this.#openedMs >= FIRST_WORK_MS) {
      this.close(new UpstreamError('upstream-silent', `no work within ${FIRST_WORK_MS / 1_000} s`));
      return;
    }
    const verdict = this.#liveness.check(now, oldestMs);
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
    this.#channels.open(this.#common);
    return undefined;
  }

  #onExtensions(supported: readonly number[]): void {
    this.#namesWorkers = supported.includes(extensionTypes.workerHashrateTracking);
    this.#liveness.probeAnswered();
  }

  #onReconnect(where: Reconnect): void {
    this.#reconnect = where;
    this.close(new UpstreamError('upstream-reconnect', 'the upstream asks to connect again'));
  }

  #onClose(reason: ClientError): void {
    this.#isClosed = true;
    const why = this.#reason ?? upstreamErrorOf(reason);
    this.#channels.close(why);
    this.#listener.onClosed(why, this.#reconnect);
  }
}
