// A client of template distribution: a real handshake, real frames, every message in the order in which it came, and blocks made of
// what it was told.
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { buildCoinbase, coinbaseTxid, witnessCoinbase } from '@sluice/bitcoin/coinbase';
import { sha256d } from '@sluice/bitcoin/hash';
import { encodeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { concatBytes } from '@sluice/bitcoin/serialize';
import { meetsTarget } from '@sluice/bitcoin/target';
import { type InitiatorOptions, NoiseInitiator } from '@sluice/noise/initiator';
import { ACT_2_LENGTH } from '@sluice/noise/responder';
import type { NoiseTransport } from '@sluice/noise/transport';
import { CHANNEL_MSG_BIT, encodeFrame } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import type { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { messageOf } from '@sluice/sv2/registry';

export interface Received {
  readonly declared: Message;
  readonly value: Record<string, unknown>;
  /** Milliseconds of `performance.now()`. */
  readonly atMs: number;
}

/** A template and the tip that it was told for. */
export interface Work {
  readonly template: NewTemplate;
  readonly tip: TemplateSetNewPrevHash;
}

const PAYOUT = Uint8Array.of(0x00, 0x14, ...new Uint8Array(20).fill(9));

export class TestTemplateClient {
  readonly socket: Duplex;
  /** Not taken yet. */
  readonly received: Received[] = [];
  closed = false;
  readonly #initiator: NoiseInitiator;
  readonly #waitMs: number;
  #transport: NoiseTransport | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Duplex, options: Omit<InitiatorOptions, 'maxPayload' | 'random'>, waitMs = 3_000) {
    this.socket = socket;
    this.#waitMs = waitMs;
    const random = (length: number) => new Uint8Array(randomBytes(length));
    this.#initiator = new NoiseInitiator({ ...options, random, maxPayload: () => 0xff_ffff });
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

  async setup(overrides: Partial<SetupConnection> = {}): Promise<void> {
    this.send(SetupConnection, setupConnection(overrides));
    await this.expect(SetupConnectionSuccess);
  }

  constrain(size: number, sigops = 0): void {
    this.send(CoinbaseOutputConstraints, {
      coinbaseOutputMaxAdditionalSize: size,
      coinbaseOutputMaxAdditionalSigops: sigops,
    });
  }

  send<M extends Message>(declared: M, value: MessageOf<M>): void {
    this.sendFrame(encodeFrame(declared, value));
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
    const { declared: came, value } = await this.next();
    if (came !== declared) throw new Error(`${came.name} came instead of ${declared.name}: ${text(value)}`);
    return value as MessageOf<M>;
  }

  /** A template for a tip: a future template and the SetNewPrevHash that names it. */
  async begin(): Promise<Work> {
    const template = await this.expect(NewTemplate);
    const tip = await this.expect(TemplateSetNewPrevHash);
    if (!template.futureTemplate || tip.templateId !== template.templateId)
      throw new Error(`no beginning: ${text({ template, tip })}`);
    return { template, tip };
  }

  /** Another template for the same tip. */
  async update({ tip }: Work): Promise<Work> {
    const template = await this.expect(NewTemplate);
    if (template.futureTemplate) throw new Error(`no update: ${text(template)}`);
    return { template, tip };
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
      this.received.push({ declared, value: decoded.value, atMs: performance.now() });
    });
    if (failure !== undefined) throw new Error(`client: ${failure.code}`);
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
        setTimeout(resolve, 100);
      });
    }
  }
}

const text = (value: unknown) =>
  JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? String(field) : field));

export function setupConnection(overrides: Partial<SetupConnection> = {}): SetupConnection {
  return {
    protocol: 2,
    minVersion: 2,
    maxVersion: 2,
    flags: 0,
    endpointHost: 'provider.example',
    endpointPort: 8442,
    vendor: 'test',
    hardwareVersion: '',
    firmware: '',
    deviceId: '',
    ...overrides,
  };
}

export interface SolutionOptions {
  readonly coinbase?: Partial<Parameters<typeof buildCoinbase>[0]>;
  /** Without the fields of BIP141. */
  readonly stripped?: boolean;
  /** A hash above the target instead of one that meets it. */
  readonly withoutWork?: boolean;
}

/** What a client of this work submits, and the hash of its block. */
export function solve(
  { template, tip }: Work,
  options: SolutionOptions = {},
): { readonly solution: SubmitSolution; readonly hash: Uint8Array } {
  const { prefix, suffix } = buildCoinbase({
    version: template.coinbaseTxVersion,
    coinbasePrefix: template.coinbasePrefix,
    tag: Buffer.from('client'),
    extranonceSize: 20,
    sequence: template.coinbaseTxInputSequence,
    locktime: template.coinbaseTxLocktime,
    outputs: [{ value: template.coinbaseTxValueRemaining, script: PAYOUT }],
    trailingOutputs: { count: template.coinbaseTxOutputsCount, bytes: template.coinbaseTxOutputs },
    ...options.coinbase,
  });
  const stripped = concatBytes(prefix, new Uint8Array(randomBytes(20)), suffix);
  const fields = {
    version: template.version,
    prevHash: tip.prevHash,
    merkleRoot: foldMerklePath(coinbaseTxid(stripped), template.merklePath),
    ntime: tip.headerTimestamp,
    nbits: tip.nBits,
  };
  for (let nonce = 0; ; nonce += 1) {
    const hash = sha256d(encodeHeader({ ...fields, nonce }));
    if (meetsTarget(hash, tip.target) === (options.withoutWork ?? false)) continue;
    const solution = {
      templateId: template.templateId,
      version: template.version,
      headerTimestamp: tip.headerTimestamp,
      headerNonce: nonce,
      coinbaseTx: options.stripped === true ? stripped : witnessCoinbase(stripped),
    };
    return { solution, hash };
  }
}
