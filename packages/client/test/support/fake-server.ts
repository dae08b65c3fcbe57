// A server at the other end of an in-memory stream: our Noise responder, and whatever messages a test sends.
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
import { messageOf } from '@sluice/sv2/registry';

/** Of a client. */
export const modules = { ec: nobleEc, aead: nobleAead, random: randomBytes, now: () => Date.now() };

const authoritySecret = generateSecret(randomBytes);
export const authorityKey = nobleEc.xOnlyPublicKey(authoritySecret);
const staticKey: KeyPair = generateKeyPair(nobleEc, randomBytes);

type Answer<M extends Message> = (value: MessageOf<M>) => void;

export class FakeServer {
  /** For the client. */
  readonly stream: Duplex;
  /** Every message of the client, in order. */
  readonly received: { readonly declared: Message; readonly value: unknown }[] = [];
  readonly #stream: Duplex;
  readonly #answers = new Map<Message, Answer<Message>>();
  #transport: NoiseTransport | undefined;

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

  /** Bytes as they are, also in the place of the handshake. */
  sendRaw(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  /** The values of one kind of message that came so far. */
  all<M extends Message>(declared: M): MessageOf<M>[] {
    return this.received.filter((entry) => entry.declared === declared).map(({ value }) => value as MessageOf<M>);
  }

  close(): void {
    this.#stream.end();
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
