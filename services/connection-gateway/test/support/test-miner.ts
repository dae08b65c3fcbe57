// The miner's end of a connection in memory: a real handshake, real frames, and every answer in the order in which it came.
import type { Duplex } from 'node:stream';
import { type InitiatorOptions, NoiseInitiator } from '@sluice/noise/initiator';
import { ACT_2_LENGTH } from '@sluice/noise/responder';
import type { NoiseTransport } from '@sluice/noise/transport';
import { CHANNEL_MSG_BIT, encodeFrame } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { messageOf } from '@sluice/sv2/registry';

export interface Received {
  readonly name: string;
  readonly value: Record<string, unknown>;
}

const WAIT_MS = 2_000;
const EASIEST = new Uint8Array(32).fill(0xff);

export class TestMiner {
  readonly socket: Duplex;
  /** Not taken yet. */
  readonly received: Received[] = [];
  closed = false;
  readonly #initiator: NoiseInitiator;
  #transport: NoiseTransport | undefined;
  #wake: (() => void) | undefined;
  #requestId = 0;

  constructor(socket: Duplex, options: Omit<InitiatorOptions, 'maxPayload'>) {
    this.socket = socket;
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
    if (name !== declared.name) throw new Error(`${name} came instead of ${declared.name}: ${JSON.stringify(value)}`);
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
  async silence(ms = 20): Promise<boolean> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return this.received.length === 0;
  }

  async setup(flags = 0, overrides: Partial<SetupConnection> = {}): Promise<SetupConnectionSuccess> {
    this.send(SetupConnection, setupConnection(flags, overrides));
    return await this.expect(SetupConnectionSuccess);
  }

  async openStandard(overrides: Partial<OpenStandardMiningChannel> = {}): Promise<OpenStandardMiningChannelSuccess> {
    this.send(OpenStandardMiningChannel, this.openMessage(overrides));
    return await this.expect(OpenStandardMiningChannelSuccess);
  }

  async openExtended(overrides: Partial<OpenExtendedMiningChannel> = {}): Promise<OpenExtendedMiningChannelSuccess> {
    this.send(OpenExtendedMiningChannel, { minExtranonceSize: 4, ...this.openMessage(overrides) });
    return await this.expect(OpenExtendedMiningChannelSuccess);
  }

  openMessage<T extends object>(overrides: T) {
    this.#requestId += 1;
    return {
      requestId: this.#requestId,
      userIdentity: 'account.rig',
      nominalHashRate: 1e12,
      maxTarget: EASIEST,
      ...overrides,
    };
  }

  #onData(chunk: Buffer): void {
    const failure = this.#transport?.reader.push(chunk, (extensionType, msgType, payload) => {
      const declared = messageOf(extensionType & ~CHANNEL_MSG_BIT, msgType) as Message;
      const decoded = decodePayload(declared, payload);
      if (!decoded.ok) throw new Error(`${declared.name}: ${decoded.code}`);
      this.received.push({ name: declared.name, value: decoded.value });
    });
    if (failure !== undefined) throw new Error(`miner: ${failure.code}`);
    this.#wake?.();
  }

  #onClosed(): void {
    this.closed = true;
    this.#wake?.();
  }

  async #until(done: () => boolean): Promise<void> {
    const end = Date.now() + WAIT_MS;
    while (!done()) {
      if (this.closed && this.received.length === 0) break;
      if (Date.now() > end) throw new Error('nothing came in time');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, WAIT_MS / 10);
      });
    }
  }
}

export function setupConnection(flags = 0, overrides: Partial<SetupConnection> = {}): SetupConnection {
  return {
    protocol: 0,
    minVersion: 2,
    maxVersion: 2,
    flags,
    endpointHost: 'pool.example',
    endpointPort: 3333,
    vendor: 'test',
    hardwareVersion: '',
    firmware: '',
    deviceId: '',
    ...overrides,
  };
}
