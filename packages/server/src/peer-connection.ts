// One peer's connection of Stratum V2 from the handshake on: frames go to the protocol. A server of a protocol extends it.
import type { Duplex } from 'node:stream';
import { ACT_1_LENGTH, type NoiseResponder } from '@sluice/noise/responder';
import type { NoiseTransport } from '@sluice/noise/transport';
import { encodeFrame } from '@sluice/sv2/frames';
import type { Message, MessageOf } from '@sluice/sv2/message';
import type { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import type { NoiseCloseReason, PeerCloseReason } from './errors.ts';
import { PeerSocket, type SocketCounters, type SocketLimits, type SocketModules } from './peer-socket.ts';
import { beginsAsProxyHeader } from './proxy-header.ts';
import type { ReadTurns } from './read-turns.ts';
import { speaksStratumV1 } from './stratum-v1.ts';

/** `handshake` → `setup` (encrypted, no SetupConnection yet) → `open`; `closing`: the last answer is on its way. */
export type PeerState = 'handshake' | 'setup' | 'open' | 'closing' | 'closed';

export interface PeerLimits extends SocketLimits {
  /** From the accepted socket to the end of the Noise handshake. Then the socket is closed. */
  readonly handshakeDeadlineMs: number;
  /** From the handshake to a SetupConnection. Then the connection is closed. */
  readonly setupDeadlineMs: number;
}

export interface PeerCounters<Reason extends string> extends SocketCounters<Reason> {
  handshakes: number;
}

/** What every connection of a server shares. */
export interface PeerModules<Reason extends string> extends SocketModules<Reason> {
  readonly limits: PeerLimits;
  readonly counters: PeerCounters<Reason>;
  readonly handshakes: ReadTurns;
  /** A responder with the key and certificate that are current now. */
  newResponder(): NoiseResponder;
  /** A peer was closed because it speaks Stratum V1. */
  onStratumV1?(remoteAddress: string): void;
}

const leftBefore = { handshake: 'left-before-handshake', setup: 'left-before-setup' } as const;

/** `OwnReason`: why else the protocol ends a connection. */
export abstract class PeerConnection<OwnReason extends string = never> extends PeerSocket<
  NoiseCloseReason | OwnReason
> {
  /** The client's SetupConnection, once it was accepted. */
  setup: SetupConnection | undefined;

  readonly #modules: PeerModules<PeerCloseReason | OwnReason>;
  readonly #onFrame: (extensionType: number, msgType: number, payload: Uint8Array) => void;
  #stage: 'handshake' | 'setup' | 'open' = 'handshake';
  #act1: Buffer = Buffer.alloc(0);
  #transport: NoiseTransport | undefined;
  /** When the present stage must have been left, on the monotonic clock. */
  #deadline: number;
  #framesOfChunk = 0;

  constructor(id: number, socket: Duplex, remoteAddress: string, modules: PeerModules<PeerCloseReason | OwnReason>) {
    super(id, socket, remoteAddress, modules, modules.handshakes);
    this.#modules = modules;
    this.#deadline = modules.clock.monotonic() + modules.limits.handshakeDeadlineMs;
    this.#onFrame = (extensionType, msgType, payload) => {
      this.#framesOfChunk += 1;
      if (this.isLive) this.onFrame(extensionType, msgType, payload);
    };
  }

  /** One decrypted frame; `payload` is only valid during the call, `extensionType` is as on the wire. */
  protected abstract onFrame(extensionType: number, msgType: number, payload: Uint8Array): void;

  get state(): PeerState {
    return this.ending ?? this.#stage;
  }

  /** Whether messages are still handled. */
  get isLive(): boolean {
    return this.ending === undefined && this.#stage !== 'handshake';
  }

  /** Writes one message; hot ones have writers of their own and use `writer`. */
  send<M extends Message>(declared: M, value: MessageOf<M>): void {
    this.writer.write(encodeFrame(declared, value));
  }

  /** SetupConnection was accepted. */
  opened(setup: SetupConnection): void {
    this.setup = setup;
    this.#stage = 'open';
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  override end(reason: PeerCloseReason | OwnReason, detail?: string): void {
    super.end(reason, detail);
    this.#forgetKeys();
  }

  override cut(reason: PeerCloseReason | OwnReason, detail?: string): void {
    const isGone = reason === 'peer-closed' || reason === 'socket-error';
    super.cut(isGone && this.#stage !== 'open' ? leftBefore[this.#stage] : reason, detail);
    this.#forgetKeys();
  }

  /** Called about once a second: deadlines and stalled readers. */
  override sweep(nowMs: number): void {
    if (nowMs >= this.#deadline) this.cut(this.#stage === 'handshake' ? 'handshake-timeout' : 'setup-timeout');
    else super.sweep(nowMs);
  }

  protected onBytes(chunk: Buffer): void {
    if (this.#transport !== undefined) this.#onCiphertext(chunk);
    else if (this.state === 'handshake') this.#onHandshake(chunk);
  }

  #onHandshake(chunk: Buffer): void {
    this.#act1 = this.#act1.length === 0 ? chunk : Buffer.concat([this.#act1, chunk]);
    if (speaksStratumV1(this.#act1)) {
      this.cut('stratum-v1');
      this.#modules.onStratumV1?.(this.remoteAddress);
      return;
    }
    if (beginsAsProxyHeader(this.#act1)) {
      this.cut('proxy-header-untrusted');
      return;
    }
    if (this.#act1.length < ACT_1_LENGTH) return;
    const rest = this.#act1.subarray(ACT_1_LENGTH);
    const answer = this.#modules.newResponder().readAct1(this.#act1.subarray(0, ACT_1_LENGTH));
    if (!answer.ok) {
      this.cut('handshake-failed', answer.code);
      return;
    }
    this.#act1 = Buffer.alloc(0);
    this.#transport = answer.transport;
    this.#stage = 'setup';
    const { clock, limits, counters, handshakes } = this.#modules;
    const now = clock.monotonic();
    this.#deadline = now + limits.setupDeadlineMs;
    counters.handshakes += 1;
    handshakes.take(1, now);
    this.takeTurnsOfAddress();
    this.writer.writeRaw(answer.act2);
    this.writer.startSealing(answer.transport.writer);
    if (rest.length > 0) this.#onCiphertext(rest);
  }

  #onCiphertext(chunk: Buffer): void {
    if (!this.isLive) return;
    this.#framesOfChunk = 0;
    const failure = this.#transport?.reader.push(chunk, this.#onFrame);
    // What ended the connection from within has destroyed the reader, which is no failure of the peer's.
    if (!this.isLive) return;
    if (failure !== undefined)
      this.cut(failure.code === 'payload-too-long' ? failure.code : 'decryption-failed', failure.code);
    else this.countMessages(this.#framesOfChunk);
  }

  /** Nothing is read or sealed any more; what was sealed may still be on its way. */
  #forgetKeys(): void {
    this.#transport?.reader.destroy();
    this.#transport?.writer.destroy();
    this.#transport = undefined;
  }
}
