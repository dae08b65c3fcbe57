// A pool at the other end of an in-memory stream: our Noise responder, and whatever messages a test sends.
import { type Duplex, duplexPair } from 'node:stream';
import { signCertificate } from '@sluice/noise/certificate';
import { generateKeyPair, generateSecret, type KeyPair } from '@sluice/noise/ec';
import { nobleAead } from '@sluice/noise/noble-aead';
import { nobleEc } from '@sluice/noise/noble-ec';
import { NoiseResponder } from '@sluice/noise/responder';
import type { NoiseTransport } from '@sluice/noise/transport';
import { randomBytes } from '@sluice/runtime/random';
import { encodeFrame } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import type { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { messageOf } from '@sluice/sv2/registry';

export const modules = { ec: nobleEc, aead: nobleAead, random: randomBytes, now: () => Date.now() };
export const GROUP = 1;
export const MIN_NTIME = 1_700_000_000;
export const filled = (byte: number, length = 32) => new Uint8Array(length).fill(byte);
/** One hash in sixteen is a share. */
export const EASY_TARGET = Uint8Array.from({ length: 32 }, (_, index) => (index === 31 ? 0x0f : 0xff));

const authoritySecret = generateSecret(randomBytes);
export const authorityKey = nobleEc.xOnlyPublicKey(authoritySecret);
const staticKey: KeyPair = generateKeyPair(nobleEc, randomBytes);

type Answer<M extends Message> = (value: MessageOf<M>) => void;

export class FakePool {
  /** For the client. */
  readonly stream: Duplex;
  /** Every message of the client, in order. */
  readonly received: { readonly declared: Message; readonly value: unknown }[] = [];
  readonly #stream: Duplex;
  readonly #answers = new Map<Message, Answer<Message>>();
  #transport: NoiseTransport | undefined;
  #channels = 1;

  constructor() {
    [this.stream, this.#stream] = duplexPair();
    this.#stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#stream.on('error', () => undefined);
    this.#stream.on('end', () => this.#stream.end());
    this.on(SetupConnection, () => this.send(SetupConnectionSuccess, { usedVersion: 2, flags: 0 }));
  }

  /** Says what follows on a message; the last word counts. */
  on<M extends Message>(declared: M, answer: Answer<M>): void {
    this.#answers.set(declared, answer as Answer<Message>);
  }

  send<M extends Message>(declared: M, value: MessageOf<M>): void {
    this.sendFrame(encodeFrame(declared, value));
  }

  sendFrame(frame: Uint8Array): void {
    const { writer } = this.#transport!;
    const out = new Uint8Array(writer.sealedLength(frame.length));
    writer.seal(frame, out, 0);
    this.#stream.write(out);
  }

  /** The values of one kind of message that came so far. */
  all<M extends Message>(declared: M): MessageOf<M>[] {
    return this.received.filter((entry) => entry.declared === declared).map(({ value }) => value as MessageOf<M>);
  }

  close(): void {
    this.#stream.end();
  }

  /** Opens every channel that is asked for, and calls `then` with its id. */
  serveChannels(then: (channelId: number) => void, target = EASY_TARGET): void {
    const nextChannel = () => ++this.#channels;
    this.on(OpenStandardMiningChannel, ({ requestId }) => {
      const channelId = nextChannel();
      const extranoncePrefix = filled(channelId, 20);
      this.send(OpenStandardMiningChannelSuccess, {
        ...{ requestId, channelId, target, extranoncePrefix, groupChannelId: GROUP },
      });
      then(channelId);
    });
    this.on(OpenExtendedMiningChannel, ({ requestId }) => {
      const channelId = nextChannel();
      const extranoncePrefix = filled(channelId, 8);
      this.send(OpenExtendedMiningChannelSuccess, {
        ...{ requestId, channelId, target, extranoncePrefix, extranonceSize: 12, groupChannelId: GROUP },
      });
      then(channelId);
    });
  }

  #onData(chunk: Buffer): void {
    if (this.#transport === undefined) {
      const now = Math.floor(Date.now() / 1000);
      const certificate = signCertificate({
        ...{ ec: nobleEc, authoritySecret, random: randomBytes(32), validFrom: now, notValidAfter: now + 60 },
        staticPublicKey: nobleEc.xOnlyPublicKey(staticKey.secret),
      });
      const responder = new NoiseResponder({ ...modules, staticKey, certificate, maxPayload: () => 100_000 });
      const result = responder.readAct1(Uint8Array.from(chunk));
      if (!result.ok) throw new Error(result.code);
      this.#transport = result.transport;
      this.#stream.write(result.act2);
      return;
    }
    const failure = this.#transport.reader.push(Uint8Array.from(chunk), (extension, type, payload) => {
      const declared = messageOf(extension, type)!;
      const decoded = decodePayload(declared, payload);
      if (!decoded.ok) throw new Error(decoded.code);
      this.received.push({ declared, value: decoded.value });
      this.#answers.get(declared)?.(decoded.value as never);
    });
    if (failure !== undefined) throw new Error(failure.code);
  }
}

export const extendedJob = (channelId: number, jobId: number, minNtime?: number): NewExtendedMiningJob => ({
  ...{ channelId, jobId, minNtime, version: 0x2000_0000, versionRollingAllowed: true },
  merklePath: [filled(0xaa), filled(0xbb)],
  coinbaseTxPrefix: filled(0x11, 50),
  coinbaseTxSuffix: filled(0x22, 40),
});

export const standardJob = (channelId: number, jobId: number, minNtime?: number): NewMiningJob => ({
  ...{ channelId, jobId, minNtime, version: 0x2000_0000, merkleRoot: filled(jobId) },
});

export const newTip = (channelId: number, jobId: number, prevHash = filled(0x77)): SetNewPrevHash => ({
  ...{ channelId, jobId, prevHash, minNtime: MIN_NTIME, nbits: 0x1d00ffff },
});

/** A future job and the tip that brings it into force. */
export function startWork(pool: FakePool, channelId: number, jobId: number): void {
  pool.send(NewExtendedMiningJob, extendedJob(channelId, jobId));
  pool.send(SetNewPrevHash, newTip(channelId, jobId));
}
