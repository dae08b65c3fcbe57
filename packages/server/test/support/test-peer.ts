// A client's end of a connection: a real handshake, real frames, and every message in the order in which it came. Clients of a protocol
// extend it.
import type { Duplex } from 'node:stream';
import { type InitiatorOptions, NoiseInitiator } from '@sluice/noise/initiator';
import { ACT_2_LENGTH } from '@sluice/noise/responder';
import type { NoiseTransport } from '@sluice/noise/transport';
import { CHANNEL_MSG_BIT, encodeFrame } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { messageOf } from '@sluice/sv2/registry';

export interface Received {
  readonly name: string;
  readonly declared: Message;
  readonly value: Record<string, unknown>;
  /** Milliseconds of `performance.now()`. */
  readonly atMs: number;
}

const WAIT_MS = 3_000;
const POLL_MS = 100;

export class TestPeer {
  readonly socket: Duplex;
  /** Not taken yet. */
  readonly received: Received[] = [];
  closed = false;
  readonly #initiator: NoiseInitiator;
  readonly #waitMs: number;
  #transport: NoiseTransport | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Duplex, options: Omit<InitiatorOptions, 'maxPayload'>, waitMs = WAIT_MS) {
    this.socket = socket;
    this.#waitMs = waitMs;
    this.#initiator = new NoiseInitiator({ ...options, maxPayload: () => 0xff_ffff });
    socket.on('error', () => undefined);
    socket.on('end', () => this.#onClosed());
    socket.on('close', () => this.#onClosed());
  }

  async handshake(): Promise<void> {
    let held = Buffer.alloc(0);
    this.socket.on('data', (chunk: Buffer) => {
      if (this.#transport !== undefined) return this.#onData(chunk);
      held = Buffer.concat([held, chunk]);
      if (held.length < ACT_2_LENGTH) return;
      const result = this.#initiator.readAct2(Uint8Array.from(held.subarray(0, ACT_2_LENGTH)));
      if (!result.ok) throw new Error(`handshake: ${result.code}`);
      this.#transport = result.transport;
      this.#onData(Buffer.from(held.subarray(ACT_2_LENGTH)));
      this.#wake?.();
    });
    this.socket.write(this.#initiator.act1());
    await this.#until(() => this.#transport !== undefined);
  }

  send<M extends Message>(declared: M, value: MessageOf<M>, tlvs?: Uint8Array): void {
    this.sendFrame(encodeFrame(declared, value, tlvs));
  }

  /** Any bytes as a frame: header and payload. */
  sendFrame(frame: Uint8Array): void {
    const { writer } = this.#transport as NoiseTransport;
    const out = new Uint8Array(writer.sealedLength(frame.length));
    writer.seal(frame, out, 0);
    this.socket.write(out);
  }

  /** The next message; fails when none comes. */
  async next(): Promise<Received> {
    await this.#until(() => this.received.length > 0);
    const message = this.received.shift();
    if (message === undefined) throw new Error('the connection was closed instead of an answer');
    return message;
  }

  /** The next message, which must be this one. */
  async expect<M extends Message>(declared: M): Promise<MessageOf<M>> {
    const { name, value } = await this.next();
    if (name !== declared.name) throw new Error(`${name} came instead of ${declared.name}: ${shown(value)}`);
    return value as MessageOf<M>;
  }

  /** Takes as many messages without a look. */
  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; left--) await this.next();
  }

  async untilClosed(): Promise<void> {
    await this.#until(() => this.closed);
  }

  /** Whether nothing came for a while. */
  async silence(ms = 30): Promise<boolean> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return this.received.length === 0;
  }

  #onData(chunk: Buffer): void {
    const failure = this.#transport?.reader.push(chunk, (extensionType, msgType, payload) => {
      const declared = messageOf(extensionType & ~CHANNEL_MSG_BIT, msgType) as Message;
      const decoded = decodePayload(declared, Uint8Array.from(payload));
      if (!decoded.ok) throw new Error(`${declared.name}: ${decoded.code}`);
      this.received.push({ name: declared.name, declared, value: decoded.value, atMs: performance.now() });
    });
    if (failure !== undefined) throw new Error(`peer: ${failure.code}`);
    this.#wake?.();
  }

  #onClosed(): void {
    this.closed = true;
    this.#wake?.();
  }

  async #until(done: () => boolean): Promise<void> {
    const end = Date.now() + this.#waitMs;
    while (!done()) {
      if (this.closed && this.received.length === 0) break;
      if (Date.now() > end) throw new Error('nothing came in time');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, POLL_MS);
      });
    }
  }
}

/** JSON that shows bigints too. */
export const shown = (value: unknown): string =>
  JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? String(field) : field));
