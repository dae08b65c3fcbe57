// A Stratum V2 client for tests: our own codec and Noise over a real socket, as many channels as a test wants, and nothing done
// behind the test's back.
import { connect as connectSocket, type Socket } from 'node:net';
import { decodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import type { EcBackend } from '@sluice/noise/ec';
import { fastestEc } from '@sluice/noise/fastest-ec';
import { NoiseInitiator } from '@sluice/noise/initiator';
import { ACT_2_LENGTH } from '@sluice/noise/responder';
import type { NoiseTransport } from '@sluice/noise/transport';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { randomBytes } from '@sluice/runtime/random';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { miningClientFlags, PROTOCOL_VERSION, protocols } from '@sluice/sv2/flags';
import { encodeFrame } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { SetGroupChannel } from '@sluice/sv2/messages/mining/set-group-channel';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { payloadLimits } from '@sluice/sv2/payload-limits';
import { commonMessages, messageOf, miningMessages } from '@sluice/sv2/registry';
import { type FoundShare, Sv2Channel } from './sv2-channel.ts';

const ANSWER_TIMEOUT_MS = 20_000;
const maxPayload = payloadLimits([...commonMessages, ...miningMessages]);
const aead = wasmAead();
const ec: EcBackend = fastestEc(findSecp256k1Wasm(), randomBytes);

export interface Sv2ClientOptions {
  readonly port: number;
  /** Base58check; the certificate is checked against it. */
  readonly authorityKey: string;
  /** The device handles standard jobs only: each channel gets its own. Without it channels of a connection share their group's. */
  readonly standardJobsOnly?: boolean;
  readonly vendor?: string;
  /** Of the loopback; default: 127.0.0.1. */
  readonly localAddress?: string;
  /** Of each acknowledged share. */
  readonly onAcknowledged?: (latencyMs: number) => void;
  /** At each SetNewPrevHash, before anything else is done with it. */
  readonly onTip?: (prevHash: Uint8Array) => void;
}

export interface OpenOptions {
  readonly identity: string;
  readonly hashRate: number;
  /** Easiest target; default: every hash. */
  readonly maxTarget?: Uint8Array;
}

interface Waiting {
  readonly resolve: (message: { readonly declared: Message; readonly value: unknown }) => void;
  readonly reject: (error: Error) => void;
}

export class Sv2Client {
  readonly channels: Sv2Channel[] = [];
  /** Resolves with the reason when the connection is gone. */
  readonly closed: Promise<string>;
  isOpen = true;
  readonly #options: Sv2ClientOptions;
  readonly #socket: Socket;
  #transport: NoiseTransport | undefined;
  /** Answers that are waited for: of the setup (0) and of opens, by request id. */
  readonly #waiting = new Map<number, Waiting>();
  #nextRequest = 1;
  #closeReason = 'closed by the server';

  private constructor(socket: Socket, options: Sv2ClientOptions) {
    this.#socket = socket;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isOpen = false;
        const error = new Error(`connection lost: ${this.#closeReason}`);
        for (const { reject } of this.#waiting.values()) reject(error);
        resolve(this.#closeReason);
      });
    });
    socket.on('error', (error) => {
      this.#closeReason = error.message;
    });
  }

  /** Connects, shakes hands, checks the certificate and sets the connection up. */
  static async connect(options: Sv2ClientOptions): Promise<Sv2Client> {
    const { port, localAddress = '127.0.0.1' } = options;
    const socket = connectSocket({ host: '127.0.0.1', port, localAddress, noDelay: true });
    const client = new Sv2Client(socket, options);
    try {
      await client.#shakeHands();
      await client.#setUp();
      return client;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  async #shakeHands(): Promise<void> {
    const authorityKey = decodeAuthorityPublicKey(this.#options.authorityKey);
    if (authorityKey === undefined) throw new Error(`no authority key: ${this.#options.authorityKey}`);
    const now = Math.floor(Date.now() / 1000);
    const initiator = new NoiseInitiator({ ec, aead, authorityKey, random: randomBytes, now, maxPayload });
    this.#socket.write(initiator.act1());
    let received = Buffer.alloc(0);
    await new Promise<void>((resolve, reject) => {
      void this.closed.then((reason) => reject(new Error(`no handshake: ${reason}`)));
      this.#socket.on('data', (chunk: Buffer) => {
        if (this.#transport !== undefined) {
          this.#read(chunk);
          return;
        }
        received = Buffer.concat([received, chunk]);
        if (received.length < ACT_2_LENGTH) return;
        const result = initiator.readAct2(received.subarray(0, ACT_2_LENGTH));
        if (!result.ok) {
          reject(new Error(`handshake refused: ${result.code}`));
          return;
        }
        this.#transport = result.transport;
        this.#read(Buffer.from(received.subarray(ACT_2_LENGTH)));
        resolve();
      });
    });
  }

  async #setUp(): Promise<void> {
    const { standardJobsOnly, vendor, port } = this.#options;
    this.send(SetupConnection, {
      protocol: protocols.mining,
      minVersion: PROTOCOL_VERSION,
      maxVersion: PROTOCOL_VERSION,
      flags: standardJobsOnly === true ? miningClientFlags.REQUIRES_STANDARD_JOBS : 0,
      endpointHost: '127.0.0.1',
      endpointPort: port,
      vendor: vendor ?? 'sluice-test',
      hardwareVersion: '',
      firmware: '',
      deviceId: '',
    });
    const { declared, value } = await this.#answer(0);
    if (declared !== SetupConnectionSuccess) throw new Error(`${declared.name}: ${JSON.stringify(value)}`);
  }

  async openStandard({ identity, hashRate, maxTarget }: OpenOptions): Promise<Sv2Channel> {
    const requestId = this.#nextRequest++;
    this.send(OpenStandardMiningChannel, {
      requestId,
      userIdentity: identity,
      nominalHashRate: hashRate,
      maxTarget: maxTarget ?? new Uint8Array(32).fill(0xff),
    });
    return (await this.#answer(requestId)).value as Sv2Channel;
  }

  async openExtended({ identity, hashRate, maxTarget }: OpenOptions): Promise<Sv2Channel> {
    const requestId = this.#nextRequest++;
    this.send(OpenExtendedMiningChannel, {
      requestId,
      userIdentity: identity,
      nominalHashRate: hashRate,
      maxTarget: maxTarget ?? new Uint8Array(32).fill(0xff),
      minExtranonceSize: 4,
    });
    return (await this.#answer(requestId)).value as Sv2Channel;
  }

  /** Sends a share that `find` of the channel gave; returns its sequence number. */
  submit(channel: Sv2Channel, share: FoundShare): number {
    const sequenceNumber = channel.sending(share);
    const { jobId, nonce, ntime, version, extranonce } = share;
    const fields = { channelId: channel.id, sequenceNumber, jobId, nonce, ntime, version };
    if (channel.kind === 'standard') this.send(SubmitSharesStandard, fields);
    else this.send(SubmitSharesExtended, { ...fields, extranonce });
    return sequenceNumber;
  }

  send<M extends Message>(declared: M, value: MessageOf<M>): void {
    if (this.#transport === undefined || !this.isOpen) throw new Error('not connected');
    const frame = encodeFrame(declared, value);
    const { writer } = this.#transport;
    const out = new Uint8Array(writer.sealedLength(frame.length));
    writer.seal(frame, out, 0);
    this.#socket.write(out);
  }

  async close(): Promise<void> {
    this.#closeReason = 'closed by the test';
    this.#socket.destroy();
    await this.closed;
  }

  #answer(request: number): Promise<{ readonly declared: Message; readonly value: unknown }> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => settle(() => reject(new Error(`no answer to request ${request}`))),
        ANSWER_TIMEOUT_MS,
      );
      const settle = (then: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(request);
        then();
      };
      this.#waiting.set(request, {
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
      });
    });
  }

  #read(chunk: Buffer): void {
    const failure = this.#transport?.reader.push(chunk, (extensionType, msgType, payload) => {
      const declared = messageOf(extensionType, msgType);
      if (declared !== undefined) this.#onMessage(declared, payload);
    });
    if (failure !== undefined) this.#socket.destroy(new Error(failure.code));
  }

  #onMessage(declared: Message, payload: Uint8Array): void {
    // What is decoded may outlive the chunk that it was read from.
    const decoded = decodePayload(declared, Uint8Array.from(payload));
    if (!decoded.ok) {
      this.#socket.destroy(new Error(`${declared.name}: ${decoded.code} at ${decoded.where}`));
      return;
    }
    const { value } = decoded;
    switch (declared) {
      case NewMiningJob:
        this.#each(value, (channel) => channel.onStandardJob(value as NewMiningJob));
        break;
      case NewExtendedMiningJob:
        this.#each(value, (channel) => channel.onExtendedJob(value as NewExtendedMiningJob));
        break;
      case SetNewPrevHash:
        this.#options.onTip?.((value as SetNewPrevHash).prevHash);
        this.#each(value, (channel) => channel.onTip(value as SetNewPrevHash));
        break;
      case SubmitSharesSuccess:
        this.#each(value, (channel) => channel.onSuccess(value as SubmitSharesSuccess));
        break;
      case SubmitSharesError:
        this.#each(value, (channel) => channel.onError(value as SubmitSharesError));
        break;
      case SetTarget:
        this.#each(value, (channel) => {
          channel.target = (value as SetTarget).maximumTarget;
        });
        break;
      case CloseChannel:
        this.#each(value, (channel) => {
          channel.closed = true;
        });
        break;
      case SetGroupChannel: {
        const { groupChannelId, channelIds } = value as SetGroupChannel;
        for (const channel of this.channels) if (channelIds.includes(channel.id)) channel.groupId = groupChannelId;
        break;
      }
      default:
        this.#onAnswer(declared, value);
    }
  }

  #each(message: object, act: (channel: Sv2Channel) => void): void {
    const { channelId } = message as { readonly channelId: number };
    for (const channel of this.channels) if (channel.id === channelId || channel.groupId === channelId) act(channel);
  }

  #onAnswer(declared: Message, value: object): void {
    const requestId = 'requestId' in value ? Number(value.requestId) : 0;
    const waiting = this.#waiting.get(requestId);
    switch (declared) {
      case OpenStandardMiningChannelSuccess: {
        const { channelId, groupChannelId, target, extranoncePrefix } = value as OpenStandardMiningChannelSuccess;
        const channel = this.#opened('standard', channelId, groupChannelId, extranoncePrefix, 0, target);
        waiting?.resolve({ declared, value: channel });
        break;
      }
      case OpenExtendedMiningChannelSuccess: {
        const { channelId, groupChannelId, target, extranoncePrefix, extranonceSize } =
          value as OpenExtendedMiningChannelSuccess;
        const channel = this.#opened('extended', channelId, groupChannelId, extranoncePrefix, extranonceSize, target);
        waiting?.resolve({ declared, value: channel });
        break;
      }
      case OpenMiningChannelError:
        waiting?.reject(new Error(`not opened: ${(value as OpenMiningChannelError).errorCode}`));
        break;
      default:
        waiting?.resolve({ declared, value });
    }
  }

  /** Made before the next message is read: the channel's first jobs are right behind. */
  #opened(
    kind: 'standard' | 'extended',
    id: number,
    groupId: number,
    prefix: Uint8Array,
    extranonceSize: number,
    target: Uint8Array,
  ): Sv2Channel {
    const channel = new Sv2Channel({ kind, id, groupId, prefix, extranonceSize, target }, this.#options.onAcknowledged);
    this.channels.push(channel);
    return channel;
  }
}
