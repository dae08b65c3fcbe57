// A pool that a test scripts: one connection at a time, our Noise responder and codec, jobs that it is told to send, and
// every share that arrives judged by its header. It stands in for the gateway where only the wire is in question.
import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { buildCoinbase, encodeHeightPush } from '@sluice/bitcoin/coinbase';
import { writeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { meetsTarget, targetToBytes } from '@sluice/bitcoin/target';
import { encodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import { signCertificate } from '@sluice/noise/certificate';
import { generateKeyPair, generateSecret } from '@sluice/noise/ec';
import { nobleAead } from '@sluice/noise/noble-aead';
import { nobleEc } from '@sluice/noise/noble-ec';
import { ACT_1_LENGTH, NoiseResponder } from '@sluice/noise/responder';
import type { NoiseTransport } from '@sluice/noise/transport';
import { negotiateExtensions, readWorkerIdentity } from '@sluice/sv2/extensions';
import { encodeFrame } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { payloadLimits } from '@sluice/sv2/payload-limits';
import { messageOf, miningMessages } from '@sluice/sv2/registry';

const GROUP = 1;
const EXTRANONCE_SIZE = 20;
const EXTENDED_SIZE = 12;
const target = targetToBytes(1n << 246n);
const nbits = 0x1d00ffff;
const version = 0x2000_0000;
const merklePath = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
const prevHashes = [new Uint8Array(32).fill(0xa1), new Uint8Array(32).fill(0xa2)];
const { prefix: coinbasePrefix, suffix: coinbaseSuffix } = buildCoinbase({
  version: 2,
  coinbasePrefix: encodeHeightPush(840_000),
  tag: Buffer.from('sluice'),
  extranonceSize: EXTRANONCE_SIZE,
  sequence: 0xffff_fffe,
  locktime: 839_999,
  outputs: [{ value: 312_500_000n, script: Uint8Array.of(0x51) }],
});

interface Channel {
  readonly id: number;
  readonly extended: boolean;
  readonly prefix: Uint8Array;
}

export interface ScriptedPool {
  readonly address: string;
  /** base58check, as miners are given it. */
  readonly authorityKey: string;
  /** What was seen, in words of the test. */
  readonly seen: {
    accepted: number;
    refused: number;
    workers: (string | undefined)[];
    vendor: string;
    handshakes: number;
  };
  close(): Promise<void>;
}

/** Starts a pool on a free port of the loopback; its certificate is valid from now for an hour. */
export async function startScriptedPool(): Promise<ScriptedPool> {
  const authoritySecret = generateSecret(randomBytes);
  const authority = nobleEc.xOnlyPublicKey(authoritySecret);
  const seen: ScriptedPool['seen'] = { accepted: 0, refused: 0, workers: [], vendor: '', handshakes: 0 };
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    serve(socket, authoritySecret, seen);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorityKey: encodeAuthorityPublicKey(authority),
    seen,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function responder(authoritySecret: Uint8Array): NoiseResponder {
  const staticKey = generateKeyPair(nobleEc, randomBytes);
  const nowSeconds = Math.floor(Date.now() / 1000);
  const certificate = signCertificate({
    ec: nobleEc,
    authoritySecret,
    staticPublicKey: nobleEc.xOnlyPublicKey(staticKey.secret),
    validFrom: nowSeconds,
    notValidAfter: nowSeconds + 3600,
    random: randomBytes(32),
  });
  const maxPayload = payloadLimits([SetupConnection, RequestExtensions, ...miningMessages]);
  return new NoiseResponder({ ec: nobleEc, aead: nobleAead, staticKey, certificate, random: randomBytes, maxPayload });
}

function serve(socket: Socket, authoritySecret: Uint8Array, seen: ScriptedPool['seen']): void {
  let pending = Buffer.alloc(0);
  let transport: NoiseTransport | undefined;
  let connection: PoolConnection | undefined;
  socket.on('data', (chunk: Buffer) => {
    let bytes = chunk;
    if (transport === undefined) {
      pending = Buffer.concat([pending, chunk]);
      if (pending.length < ACT_1_LENGTH) return;
      const result = responder(authoritySecret).readAct1(pending.subarray(0, ACT_1_LENGTH));
      if (!result.ok) {
        socket.destroy();
        return;
      }
      transport = result.transport;
      socket.write(result.act2);
      seen.handshakes += 1;
      connection = new PoolConnection(socket, transport, seen);
      bytes = Buffer.from(pending.subarray(ACT_1_LENGTH));
    }
    const failure = transport.reader.push(bytes, (extensionType, msgType, payload) =>
      connection?.receive(extensionType, msgType, payload),
    );
    if (failure !== undefined) socket.destroy();
  });
}

class PoolConnection {
  readonly #socket: Socket;
  readonly #transport: NoiseTransport;
  readonly #seen: ScriptedPool['seen'];
  readonly #channels = new Map<number, Channel>();
  /** The tip that each job is for. */
  readonly #prevHashOfJob = new Map<number, Uint8Array>();
  readonly #minNtime = Math.floor(Date.now() / 1000);
  #nextJob = 1;
  #named = false;

  constructor(socket: Socket, transport: NoiseTransport, seen: ScriptedPool['seen']) {
    this.#socket = socket;
    this.#transport = transport;
    this.#seen = seen;
  }

  receive(extensionType: number, msgType: number, payload: Uint8Array): void {
    const declared = messageOf(extensionType, msgType);
    if (declared === undefined) return;
    const decoded = decodePayload(declared, payload);
    if (!decoded.ok) {
      this.#socket.destroy(new Error(`${decoded.code} at ${decoded.where}`));
      return;
    }
    const handler = this.#handlers.get(declared);
    handler?.(decoded.value as never, payload, decoded.length);
  }

  readonly #handlers = new Map<Message, (value: never, payload: Uint8Array, length: number) => void>([
    [SetupConnection, (value) => this.#setUp(value)],
    [RequestExtensions, (value) => this.#extensions(value)],
    [OpenStandardMiningChannel, (value) => this.#openStandard(value)],
    [OpenExtendedMiningChannel, (value) => this.#openExtended(value)],
    [SubmitSharesStandard, (value) => this.#share(value, new Uint8Array(0))],
    [
      SubmitSharesExtended,
      (value: SubmitSharesExtended, payload: Uint8Array, length: number) => {
        const worker = this.#named ? readWorkerIdentity(payload, length) : undefined;
        this.#seen.workers.push(typeof worker === 'object' ? worker.code : worker);
        this.#share(value, value.extranonce);
      },
    ],
  ] as [Message, (value: never, payload: Uint8Array, length: number) => void][]);

  #send<M extends Message>(declared: M, value: MessageOf<M>): void {
    const frame = encodeFrame(declared, value);
    const out = new Uint8Array(this.#transport.writer.sealedLength(frame.length));
    this.#transport.writer.seal(frame, out, 0);
    this.#socket.write(out);
  }

  #setUp(value: SetupConnection): void {
    this.#seen.vendor = value.vendor;
    this.#send(SetupConnectionSuccess, { usedVersion: 2, flags: 0 });
  }

  #extensions({ requestId, requestedExtensions }: RequestExtensions): void {
    const { supported } = negotiateExtensions(requestedExtensions, [2]);
    this.#named = supported.includes(2);
    this.#send(RequestExtensionsSuccess, { requestId, supportedExtensions: [...supported] });
  }

  #openStandard({ requestId }: OpenStandardMiningChannel): void {
    const extranoncePrefix = randomBytes(EXTRANONCE_SIZE);
    const channelId = this.#open(false, extranoncePrefix);
    this.#send(OpenStandardMiningChannelSuccess, {
      requestId,
      channelId,
      target,
      extranoncePrefix,
      groupChannelId: GROUP,
    });
    this.#start(channelId);
  }

  #openExtended({ requestId }: OpenExtendedMiningChannel): void {
    const extranoncePrefix = randomBytes(EXTRANONCE_SIZE - EXTENDED_SIZE);
    const channelId = this.#open(true, extranoncePrefix);
    this.#send(OpenExtendedMiningChannelSuccess, {
      requestId,
      channelId,
      target,
      extranonceSize: EXTENDED_SIZE,
      extranoncePrefix,
      groupChannelId: GROUP,
    });
    this.#start(channelId);
  }

  #open(extended: boolean, prefix: Uint8Array): number {
    const id = GROUP + 1 + this.#channels.size;
    this.#channels.set(id, { id, extended, prefix });
    return id;
  }

  /** A future job of the channel's own kind and the tip that activates it. */
  #start(channelId: number): void {
    const jobId = this.#nextJob++;
    const channel = this.#channels.get(channelId)!;
    this.#prevHashOfJob.set(jobId, prevHashes[0]!);
    if (channel.extended) this.#extendedJob(channelId, jobId);
    else {
      const merkleRoot = this.#merkleRoot(channel, new Uint8Array(0));
      this.#send(NewMiningJob, { channelId, jobId, minNtime: undefined, version, merkleRoot });
    }
    this.#tip(channelId, jobId, prevHashes[0]!);
  }

  #extendedJob(channelId: number, jobId: number): void {
    const job = { minNtime: undefined, version, versionRollingAllowed: true, merklePath };
    this.#send(NewExtendedMiningJob, {
      ...{ ...job, channelId, jobId },
      ...{ coinbaseTxPrefix: coinbasePrefix, coinbaseTxSuffix: coinbaseSuffix },
    });
  }

  #tip(channelId: number, jobId: number, prevHash: Uint8Array): void {
    this.#send(SetNewPrevHash, { channelId, jobId, prevHash, minNtime: this.#minNtime, nbits });
  }

  /** A block was found elsewhere: the whole group works on a future job that it is given, by one extended job. */
  #nextTip(): void {
    const jobId = this.#nextJob++;
    this.#prevHashOfJob.set(jobId, prevHashes[1]!);
    this.#extendedJob(GROUP, jobId);
    this.#tip(GROUP, jobId, prevHashes[1]!);
  }

  #merkleRoot(channel: Channel, extranonce: Uint8Array): Uint8Array {
    const coinbase = Buffer.concat([coinbasePrefix, channel.prefix, extranonce, coinbaseSuffix]);
    return foldMerklePath(nobleSha256d.sha256d(coinbase), merklePath);
  }

  #share(share: SubmitSharesStandard, extranonce: Uint8Array): void {
    const { channelId, sequenceNumber } = share;
    const errorCode = this.#judge(share, extranonce);
    if (errorCode !== undefined) {
      this.#seen.refused += 1;
      this.#send(SubmitSharesError, { channelId, sequenceNumber, errorCode });
      return;
    }
    this.#seen.accepted += 1;
    const counts = { lastSequenceNumber: sequenceNumber, newSubmitsAcceptedCount: 1, newSharesSum: 1n };
    this.#send(SubmitSharesSuccess, { channelId, ...counts });
    if (this.#seen.accepted === 2) this.#nextTip();
  }

  #judge(share: SubmitSharesStandard, extranonce: Uint8Array): string | undefined {
    const channel = this.#channels.get(share.channelId);
    const prevHash = this.#prevHashOfJob.get(share.jobId);
    if (channel === undefined) return 'invalid-channel-id';
    if (prevHash === undefined) return 'invalid-job-id';
    if (channel.extended && extranonce.length !== EXTENDED_SIZE) return 'bad-extranonce-size';
    const header = new Uint8Array(80);
    const root = this.#merkleRoot(channel, extranonce);
    writeHeader(header, share.version, prevHash, root, share.ntime, nbits, share.nonce);
    return meetsTarget(nobleSha256d.sha256d(header), target) ? undefined : 'difficulty-too-low';
  }
}
