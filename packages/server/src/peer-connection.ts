// One peer's socket from the handshake to its end: bytes come in, frames go to the protocol, answers go out through the one writer.
// Nothing that a peer sends makes an exception leave `#onData`, and `end` and `cut` are the only ways out. A server of a protocol extends it.
import type { Duplex } from 'node:stream';
import { ACT_1_LENGTH, type NoiseResponder } from '@sluice/noise/responder';
import type { NoiseTransport } from '@sluice/noise/transport';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { encodeFrame } from '@sluice/sv2/frames';
import type { Message, MessageOf } from '@sluice/sv2/message';
import type { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import type { PeerCloseReason } from './errors.ts';
import { RateLimit } from './rate-limit.ts';
import { type OutboundTick, SocketWriter } from './socket-writer.ts';
import { speaksStratumV1 } from './stratum-v1.ts';

/** `handshake` → `setup` (encrypted, no SetupConnection yet) → `open`; `closing`: the last answer is on its way. */
export type PeerState = 'handshake' | 'setup' | 'open' | 'closing' | 'closed';

export interface PeerLimits {
  /** Messages a second of one connection, after a burst of ten seconds' worth. Beyond it the socket is not read for a while. */
  readonly messagesPerSecond: number;
  /** From the accepted socket to the end of the Noise handshake. Then the socket is closed. */
  readonly handshakeDeadlineMs: number;
  /** From the handshake to a SetupConnection. Then the connection is closed. */
  readonly setupDeadlineMs: number;
  /** From the last answer to the closing, so that the peer reads it. */
  readonly lingerMs: number;
  /** Bytes that wait for a slow reader. It is cut, not buffered for: the largest burst fits. */
  readonly outboundBytes: number;
  /** A reader that has taken nothing for so long while something waits is cut. */
  readonly outboundStallMs: number;
}

export interface PeerCounters<Reason extends string> {
  handshakes: number;
  /** Times that a socket was not read because its peer sent too much. */
  heldBack: number;
  readonly closed: Record<Reason, number>;
}

/** What every connection of a server shares. */
export interface PeerModules<Reason extends string> {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: PeerLimits;
  readonly counters: PeerCounters<Reason>;
  readonly tick: OutboundTick;
  /** A responder with the key and certificate that are current now. */
  newResponder(): NoiseResponder;
  /** A peer was closed because it speaks Stratum V1. */
  onStratumV1?(remoteAddress: string): void;
}

/** `OwnReason`: why else the protocol ends a connection. */
export abstract class PeerConnection<OwnReason extends string = never> {
  /** Unique within the process. */
  readonly id: number;
  readonly remoteAddress: string;
  readonly writer: SocketWriter;
  /** The client's SetupConnection, once it was accepted. */
  setup: SetupConnection | undefined;

  readonly #socket: Duplex;
  readonly #modules: PeerModules<PeerCloseReason | OwnReason>;
  readonly #rate: RateLimit;
  readonly #onFrame: (extensionType: number, msgType: number, payload: Uint8Array) => void;
  #state: PeerState = 'handshake';
  #act1: Buffer = Buffer.alloc(0);
  #transport: NoiseTransport | undefined;
  /** When the present state must have been left, on the monotonic clock. */
  #deadline: number;
  /** Bytes that the socket had taken at the last sweep, and since when they are the same. */
  #takenBytes = 0;
  #takenSince: number;
  #framesOfChunk = 0;
  #held = false;
  /** The last refusal: why a peer leaves is mostly what it was told before. */
  #refusedMessage = '';
  #refusedCode = '';
  /** Of a pause because of too many messages; once the end was written, of its lingering. */
  #resume: NodeJS.Timeout | undefined;

  constructor(id: number, socket: Duplex, remoteAddress: string, modules: PeerModules<PeerCloseReason | OwnReason>) {
    const now = modules.clock.monotonic();
    this.id = id;
    this.remoteAddress = remoteAddress;
    this.#socket = socket;
    this.#modules = modules;
    this.#rate = new RateLimit(modules.limits.messagesPerSecond, now);
    this.#deadline = now + modules.limits.handshakeDeadlineMs;
    this.#takenSince = now;
    this.writer = new SocketWriter(socket, modules.tick, modules.limits.outboundBytes, () => this.cut('slow-reader'));
    this.#onFrame = (extensionType, msgType, payload) => {
      this.#framesOfChunk += 1;
      if (this.isLive) this.onFrame(extensionType, msgType, payload);
    };
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => this.cut('socket-error', messageOf(error)));
    socket.on('end', () => this.cut('peer-closed'));
    socket.on('close', () => this.cut('peer-closed'));
  }

  /** One decrypted frame; `payload` is only valid during the call, `extensionType` is as on the wire. */
  protected abstract onFrame(extensionType: number, msgType: number, payload: Uint8Array): void;

  /** No message is handled any more. Called once. */
  protected abstract onLeft(): void;

  get state(): PeerState {
    return this.#state;
  }

  /** Whether messages are still handled. */
  get isLive(): boolean {
    return this.#state === 'setup' || this.#state === 'open';
  }

  /** Writes one message; hot ones have writers of their own and use `writer`. */
  send<M extends Message>(declared: M, value: MessageOf<M>): void {
    this.writer.write(encodeFrame(declared, value));
  }

  /** SetupConnection was accepted. */
  opened(setup: SetupConnection): void {
    this.setup = setup;
    this.#state = 'open';
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  /** Notes for the log that the peer was sent this error code, in this message. */
  refused(message: string, code: string): void {
    this.#refusedMessage = message;
    this.#refusedCode = code;
  }

  /** Has the message that is being handled count as this many more towards the limit of messages. */
  charge(messages: number): void {
    this.#framesOfChunk += messages;
  }

  /** Reads nothing more, so that what is under way can be answered before the end. */
  stopReading(): void {
    this.#held = true;
    this.#socket.pause();
  }

  /** Ends the connection after what was written has been sent; nothing more is read. */
  end(reason: PeerCloseReason | OwnReason, detail?: string): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#leave('closing', reason, detail);
    this.writer.flush();
    this.writer.close();
    this.#forgetKeys();
    this.#socket.end();
    // Read on, so that the peer's end is seen; but it may not take its time.
    this.#socket.resume();
    this.#resume = setTimeout(() => this.cut(reason), this.#modules.limits.lingerMs);
  }

  /** Ends the connection at once. */
  cut(reason: PeerCloseReason | OwnReason, detail?: string): void {
    if (this.#state === 'closed') return;
    if (this.#state !== 'closing') this.#leave('closed', reason, detail);
    this.#state = 'closed';
    clearTimeout(this.#resume);
    this.writer.close();
    this.#forgetKeys();
    this.#socket.destroy();
  }

  /** Called about once a second: deadlines and stalled readers. */
  sweep(nowMs: number): void {
    if (nowMs >= this.#deadline) {
      this.cut(this.#state === 'handshake' ? 'handshake-timeout' : 'setup-timeout');
      return;
    }
    const waiting = this.#socket.writableLength;
    const taken = this.writer.bytesWritten - waiting;
    if (waiting === 0 || taken !== this.#takenBytes) {
      this.#takenBytes = taken;
      this.#takenSince = nowMs;
    } else if (nowMs - this.#takenSince >= this.#modules.limits.outboundStallMs) this.cut('stalled-reader');
  }

  #onData(chunk: Buffer): void {
    try {
      if (this.#transport !== undefined) this.#onCiphertext(chunk);
      else if (this.#state === 'handshake') this.#onHandshake(chunk);
    } catch (error) {
      this.#modules.log.error({ connection: this.id, error }, 'a message could not be handled');
      this.cut('handler-failed', messageOf(error));
    }
  }

  #onHandshake(chunk: Buffer): void {
    this.#act1 = this.#act1.length === 0 ? chunk : Buffer.concat([this.#act1, chunk]);
    if (speaksStratumV1(this.#act1)) {
      this.cut('stratum-v1');
      this.#modules.onStratumV1?.(this.remoteAddress);
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
    this.#state = 'setup';
    this.#deadline = this.#modules.clock.monotonic() + this.#modules.limits.setupDeadlineMs;
    this.#modules.counters.handshakes += 1;
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
    if (failure !== undefined) this.cut('decryption-failed', failure.code);
    else this.#holdBack(this.#rate.take(this.#framesOfChunk, this.#modules.clock.monotonic()));
  }

  /** A peer that sends too much is read later: nothing is lost, it is slowed down. */
  #holdBack(ms: number): void {
    if (ms === 0) return;
    this.#modules.counters.heldBack += 1;
    this.#socket.pause();
    clearTimeout(this.#resume);
    this.#resume = setTimeout(() => {
      if (!this.#held) this.#socket.resume();
    }, ms);
  }

  /** Nothing is read or sealed any more; what was sealed may still be on its way. */
  #forgetKeys(): void {
    this.#transport?.reader.destroy();
    this.#transport?.writer.destroy();
    this.#transport = undefined;
  }

  #leave(next: 'closing' | 'closed', reason: PeerCloseReason | OwnReason, detail: string | undefined): void {
    this.#state = next;
    clearTimeout(this.#resume);
    this.#modules.counters.closed[reason] += 1;
    const after = this.#refusedCode === '' ? undefined : `${this.#refusedMessage} ${this.#refusedCode}`;
    const facts = { connection: this.id, remote: this.remoteAddress, reason, detail, after };
    this.#modules.log.debug(facts, 'connection closed');
    this.onLeft();
  }
}
