// Frames over Noise over any byte stream, from the client's side: a socket, or one end of an in-memory pair in tests.
import type { Duplex } from 'node:stream';
import type { AeadBackend } from '@sluice/noise/aead';
import type { EcBackend, RandomBytes } from '@sluice/noise/ec';
import { NoiseInitiator } from '@sluice/noise/initiator';
import { ACT_2_LENGTH } from '@sluice/noise/responder';
import type { NoiseTransport } from '@sluice/noise/transport';
import { encodeFrame } from '@sluice/sv2/frames';
import type { Message, MessageOf } from '@sluice/sv2/message';
import type { PayloadLimit } from '@sluice/sv2/payload-limits';
import { ClientError } from './errors.ts';

/** As long as the reference implementation waits. */
export const HANDSHAKE_DEADLINE_MS = 10_000;
/** A server that does not read for so many bytes is given up. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;

/** How long what was sent may take to go out after the end. */
const LINGER_MS = 1_000;

export interface ConnectionModules {
  readonly ec: EcBackend;
  readonly aead: AeadBackend;
  readonly random: RandomBytes;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface ConnectionOptions {
  /** 32 bytes, x-only. Without it any server is trusted. */
  readonly authorityKey?: Uint8Array;
  /** Of what the server may send. */
  readonly maxPayload: PayloadLimit;
}

export interface ConnectionEvents {
  /** `payload` is valid during the call only. */
  onFrame(extensionType: number, msgType: number, payload: Uint8Array): void;
  /** Called once; the error says why. */
  onClose(reason: ClientError): void;
}

export class ClientConnection {
  readonly #stream: Duplex;
  readonly #transport: NoiseTransport;
  #events: ConnectionEvents | undefined;
  #closed: ClientError | undefined;

  /** Runs the handshake on a connected stream, which belongs to the connection from then on. @throws ClientError `client-handshake-failed`. */
  static async open(
    stream: Duplex,
    options: ConnectionOptions,
    { ec, aead, random, now }: ConnectionModules,
  ): Promise<ClientConnection> {
    const initiator = new NoiseInitiator({
      ...{ ec, aead, random, now: Math.floor(now() / 1000) },
      ...options,
    });
    try {
      stream.write(initiator.act1());
      const { act2, rest } = await readAct2(stream);
      const result = initiator.readAct2(act2);
      if (!result.ok) throw new ClientError('client-handshake-failed', result.code);
      return new ClientConnection(stream, result.transport, rest);
    } catch (error) {
      initiator.destroy();
      stream.destroy();
      throw error;
    }
  }

  private constructor(stream: Duplex, transport: NoiseTransport, rest: Buffer) {
    this.#stream = stream;
    this.#transport = transport;
    if (rest.length > 0) stream.unshift(rest);
  }

  /** Starts to read. */
  receive(events: ConnectionEvents): void {
    this.#events = events;
    const stream = this.#stream;
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('error', (error) => this.close(new ClientError('client-connection-closed', error.message)));
    stream.on('close', () =>
      this.close(new ClientError('client-connection-closed', 'the server closed the connection')),
    );
    stream.on('end', () => this.close(new ClientError('client-connection-closed', 'the server closed the connection')));
    // The handshake has paused it.
    stream.resume();
    if (stream.destroyed) this.close(new ClientError('client-connection-closed', 'the server closed the connection'));
  }

  /** Sends a message; after the end of the connection nothing happens. */
  send<M extends Message>(declared: M, value: MessageOf<M>, tlvs?: Uint8Array): void {
    if (this.#closed !== undefined) return;
    const frame = encodeFrame(declared, value, tlvs);
    const { writer } = this.#transport;
    const sealed = new Uint8Array(writer.sealedLength(frame.length));
    writer.seal(frame, sealed, 0);
    this.#stream.write(sealed);
    if (this.#stream.writableLength > MAX_UNSENT_BYTES) {
      this.close(new ClientError('client-connection-closed', 'the server does not read'));
    }
  }

  /** What was sent still goes out, if the server takes it. */
  close(reason: ClientError): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    const stream = this.#stream;
    stream.end(() => stream.destroy());
    setTimeout(() => stream.destroy(), LINGER_MS).unref();
    this.#transport.reader.destroy();
    this.#transport.writer.destroy();
    this.#events?.onClose(reason);
  }

  #onData(chunk: Buffer): void {
    if (this.#closed !== undefined) return;
    const failure = this.#transport.reader.push(chunk, (extensionType, msgType, payload) => {
      // A message may end the connection; what follows in the same chunk is of no interest.
      if (this.#closed === undefined) this.#events?.onFrame(extensionType, msgType, payload);
    });
    if (failure !== undefined) this.close(new ClientError('client-protocol-fault', failure.code));
  }
}

interface Act2 {
  readonly act2: Uint8Array;
  /** What came behind it. */
  readonly rest: Buffer;
}

function readAct2(stream: Duplex): Promise<Act2> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0);
    const done = (settle: () => void) => {
      clearTimeout(timer);
      stream.off('data', onData).off('error', onEnd).off('end', onEnd).off('close', onEnd);
      stream.pause();
      settle();
    };
    const fail = (reason: string) => done(() => reject(new ClientError('client-handshake-failed', reason)));
    const onData = (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      if (held.length < ACT_2_LENGTH) return;
      done(() => resolve({ act2: held.subarray(0, ACT_2_LENGTH), rest: held.subarray(ACT_2_LENGTH) }));
    };
    const onEnd = (error?: Error) => fail(error?.message ?? 'the server closed the connection during the handshake');
    const timer = setTimeout(() => fail('no answer in time'), HANDSHAKE_DEADLINE_MS);
    stream.on('data', onData).on('error', onEnd).on('end', onEnd).on('close', onEnd);
  });
}
