// The protocol of a mining client, without any hashing: handshake, setup, channels, jobs, submits. The miner uses it, and so
// does any test that needs a client of a pool.
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { ClientConnection, type ConnectionModules } from '@sluice/client/connection';
import { ClientError } from '@sluice/client/errors';
import { encodeWorkerIdentity, extensionTypes } from '@sluice/sv2/extensions';
import { miningClientFlags, miningServerFlags, PROTOCOL_VERSION, protocols } from '@sluice/sv2/flags';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { payloadLimits } from '@sluice/sv2/payload-limits';
import { commonMessages, extensionMessages, messageOf, miningMessages } from '@sluice/sv2/registry';
import type { ClientChannel, Work } from './channel.ts';
import { type ClientEvents, clientHandlers } from './client-handlers.ts';
import { MinerError, minerErrorOf } from './errors.ts';
import { PendingAnswers } from './pending-answers.ts';

export interface ClientOptions {
  /** As it was connected to. */
  readonly host: string;
  readonly port: number;
  /** 32 bytes, x-only. Without it any server is trusted. */
  readonly authorityKey?: Uint8Array;
  /** `miningClientFlags`; default none. */
  readonly flags?: number;
  readonly vendor?: string;
  readonly hardwareVersion?: string;
  readonly firmware?: string;
  readonly deviceId?: string;
  /** How long an answer of the pool may take; default 10 s. */
  readonly answerDeadlineMs?: number;
}

export interface OpenOptions {
  readonly identity: string;
  /** Hashes per second. */
  readonly nominalHashrate: number;
  /** 32 bytes, wire order; default: any target. */
  readonly maxTarget?: Uint8Array;
  /** Extended channels only; default 4. */
  readonly minExtranonceSize?: number;
}

/** A share as the client found it. */
export interface FoundShare {
  readonly work: Work;
  readonly nonce: number;
  readonly ntime: number;
  readonly version: number;
  /** The rolled bytes; empty on a standard channel. */
  readonly extranonce: Uint8Array;
  /** Sent along when extension 0x0002 was negotiated. */
  readonly worker?: string;
}

const maxPayload = payloadLimits([...commonMessages, ...miningMessages, ...extensionMessages]);

const DEFAULT_ANSWER_DEADLINE_MS = 10_000;
const ANY_TARGET = new Uint8Array(32).fill(0xff);
const DEFAULT_MIN_EXTRANONCE_SIZE = 4;

export class MinerClient extends EventEmitter<ClientEvents> {
  readonly channels = new Map<number, ClientChannel>();
  readonly #connection: ClientConnection;
  readonly #answers: PendingAnswers;
  readonly #handlers: ReturnType<typeof clientHandlers>;
  #serverFlags = 0;
  #extensions: readonly number[] = [];
  #closed: MinerError | undefined;

  /** Handshake and SetupConnection on a connected stream. @throws MinerError; the stream is closed then. */
  static async connect(stream: Duplex, options: ClientOptions, modules: ConnectionModules): Promise<MinerClient> {
    const { authorityKey } = options;
    const trust = { maxPayload, ...(authorityKey === undefined ? {} : { authorityKey }) };
    const connection = await ClientConnection.open(stream, trust, modules).catch((error: unknown) => {
      throw error instanceof ClientError ? minerErrorOf(error) : error;
    });
    const client = new MinerClient(connection, options, modules);
    try {
      await client.#setUp(options);
    } catch (error) {
      client.close('setup failed');
      throw error;
    }
    return client;
  }

  private constructor(connection: ClientConnection, options: ClientOptions, { now }: ConnectionModules) {
    super();
    this.#connection = connection;
    this.#answers = new PendingAnswers(options.answerDeadlineMs ?? DEFAULT_ANSWER_DEADLINE_MS);
    this.#handlers = clientHandlers({ client: this, answers: this.#answers, now });
    connection.receive({
      onFrame: (extensionType, msgType, payload) => this.#onFrame(extensionType, msgType, payload),
      onClose: (reason) => this.#onClose(minerErrorOf(reason)),
    });
  }

  /** Why the connection has ended; `undefined` while it lives. */
  get closed(): MinerError | undefined {
    return this.#closed;
  }

  /** Whether the pool takes other versions than that of the job. */
  get versionRollingAllowed(): boolean {
    return (this.#serverFlags & miningServerFlags.REQUIRES_FIXED_VERSION) === 0;
  }

  /** Whether the pool opens extended channels only. */
  get extendedChannelsOnly(): boolean {
    return (this.#serverFlags & miningServerFlags.REQUIRES_EXTENDED_CHANNELS) !== 0;
  }

  /** Extensions that may be used. */
  get extensions(): readonly number[] {
    return this.#extensions;
  }

  /** Asks for extensions; resolves with those that the pool grants, none when it refuses. */
  async requestExtensions(requested: readonly number[]): Promise<readonly number[]> {
    const { requestId, answer } = this.#answers.ask<readonly number[]>();
    this.send(RequestExtensions, { requestId: requestId & 0xffff, requestedExtensions: [...requested] });
    this.#extensions = await answer;
    return this.#extensions;
  }

  /** @throws MinerError `miner-channel-refused` with the pool's code. */
  openStandardChannel({ identity, nominalHashrate, maxTarget = ANY_TARGET }: OpenOptions): Promise<ClientChannel> {
    const { requestId, answer } = this.#answers.ask<ClientChannel>();
    const nominalHashRate = nominalHashrate;
    this.send(OpenStandardMiningChannel, { requestId, userIdentity: identity, nominalHashRate, maxTarget });
    return answer;
  }

  /** @throws MinerError `miner-channel-refused` with the pool's code. */
  openExtendedChannel(options: OpenOptions): Promise<ClientChannel> {
    const { identity, nominalHashrate, maxTarget = ANY_TARGET } = options;
    const { requestId, answer } = this.#answers.ask<ClientChannel>();
    this.send(OpenExtendedMiningChannel, {
      requestId,
      userIdentity: identity,
      nominalHashRate: nominalHashrate,
      maxTarget,
      minExtranonceSize: options.minExtranonceSize ?? DEFAULT_MIN_EXTRANONCE_SIZE,
    });
    return answer;
  }

  /** Sends a share and returns its sequence number; `accepted` or `rejected` tells how it went. */
  submit({ work, nonce, ntime, version, extranonce, worker }: FoundShare): number {
    const { channel, job } = work;
    const sequenceNumber = channel.nextSequenceNumber();
    const common = { channelId: channel.id, sequenceNumber, jobId: job.jobId, nonce, ntime, version };
    if (channel.kind === 'standard') this.send(SubmitSharesStandard, common);
    else {
      const named = worker !== undefined && this.#extensions.includes(extensionTypes.workerHashrateTracking);
      const tlvs = named ? encodeWorkerIdentity(worker) : undefined;
      this.send(SubmitSharesExtended, { ...common, extranonce }, tlvs);
    }
    return sequenceNumber;
  }

  updateChannel(channelId: number, nominalHashRate: number, maximumTarget = ANY_TARGET): void {
    this.send(UpdateChannel, { channelId, nominalHashRate, maximumTarget });
  }

  closeChannel(channelId: number, reasonCode: string): void {
    this.send(CloseChannel, { channelId, reasonCode });
    this.channels.get(channelId)?.close();
    this.channels.delete(channelId);
  }

  /** Any message, also one that makes no sense: for tests of a pool. */
  send<M extends Message>(declared: M, value: MessageOf<M>, tlvs?: Uint8Array): void {
    this.#connection.send(declared, value, tlvs);
  }

  close(reason: string): void {
    this.#connection.close(new ClientError('client-connection-closed', reason));
  }

  async #setUp(options: ClientOptions): Promise<void> {
    const flags = options.flags ?? 0;
    const answer = this.#answers.askSetup<number>();
    this.send(SetupConnection, {
      protocol: protocols.mining,
      minVersion: PROTOCOL_VERSION,
      maxVersion: PROTOCOL_VERSION,
      flags,
      endpointHost: options.host,
      endpointPort: options.port,
      vendor: options.vendor ?? 'Sluice',
      hardwareVersion: options.hardwareVersion ?? 'CPU',
      firmware: options.firmware ?? '',
      deviceId: options.deviceId ?? '',
    });
    this.#serverFlags = await answer;
    if ((flags & miningClientFlags.REQUIRES_VERSION_ROLLING) !== 0 && !this.versionRollingAllowed) {
      throw new MinerError('miner-setup-refused', 'the pool demands a fixed version');
    }
  }

  #onFrame(extensionType: number, msgType: number, payload: Uint8Array): void {
    const declared = messageOf(extensionType, msgType);
    // Messages that are not known are ignored [sv2 3.4.1].
    if (declared === undefined) return;
    const decoded = decodePayload(declared, payload);
    if (!decoded.ok) {
      this.#connection.close(new ClientError('client-protocol-fault', `${decoded.code} at ${decoded.where}`));
      return;
    }
    this.emit('message', declared, decoded.value);
    const fault = this.#handlers.get(declared)?.(decoded.value as never);
    if (typeof fault === 'string') {
      this.#connection.close(new ClientError('client-protocol-fault', `${declared.name}: ${fault}`));
    }
  }

  #onClose(reason: MinerError): void {
    this.#closed = reason;
    this.#answers.failAll(reason);
    for (const channel of this.channels.values()) channel.close();
    this.emit('closed', reason);
  }
}
