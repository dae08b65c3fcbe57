// One miner's socket from the handshake to its end: bytes come in, frames go to the router, answers go out through the one writer.
// Nothing that a peer sends makes an exception leave `#onData`, and `close` is the only way out.
import type { Duplex } from 'node:stream';
import { ACT_1_LENGTH, type NoiseResponder } from '@sluice/noise/responder';
import type { NoiseTransport } from '@sluice/noise/transport';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { miningClientFlags } from '@sluice/sv2/flags';
import { encodeFrame } from '@sluice/sv2/frames';
import type { Message, MessageOf } from '@sluice/sv2/message';
import type { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { ConnectionChannels } from './channels.ts';
import type { GatewayCounters } from './counters.ts';
import type { CloseReason } from './errors.ts';
import { type GatewayLimits, RateLimit } from './limits.ts';
import { type OutboundTick, SocketWriter } from './socket-writer.ts';
import { WorkMeter } from './work-meter.ts';

/** `handshake` → `setup` (encrypted, no SetupConnection yet) → `open`; `closing`: the last answer is on its way. */
export type ConnectionState = 'handshake' | 'setup' | 'open' | 'closing' | 'closed';

/** What every connection of the process shares. */
export interface ConnectionModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: GatewayLimits;
  readonly counters: GatewayCounters;
  readonly tick: OutboundTick;
  /** A responder with the key and certificate that are current now. */
  newResponder(): NoiseResponder;
  /** One decrypted frame; `payload` is only valid during the call. */
  route(connection: Connection, extensionType: number, msgType: number, payload: Uint8Array): void;
  onClosed(connection: Connection): void;
}

export class Connection {
  /** Unique within the process. */
  readonly id: number;
  readonly remoteAddress: string;
  readonly writer: SocketWriter;
  readonly channels = new ConnectionChannels();
  /** Accepted work of the last ten minutes: decides who hears of a new tip first. */
  readonly work: WorkMeter;
  /** The client's SetupConnection, once it was accepted. */
  setup: SetupConnection | undefined;
  /** Extension 0x0002 was negotiated: shares may name a worker. */
  namesWorkers = false;
  /** How much of the fan-out's work was written here; the fan-out's own. */
  sentWork = 0;

  readonly #socket: Duplex;
  readonly #modules: ConnectionModules;
  readonly #rate: RateLimit;
  readonly #onFrame: (extensionType: number, msgType: number, payload: Uint8Array) => void;
  #state: ConnectionState = 'handshake';
  #act1: Buffer = Buffer.alloc(0);
  #transport: NoiseTransport | undefined;
  /** When the present state must have been left, on the monotonic clock. */
  #deadline: number;
  /** Bytes that the socket had taken at the last sweep, and since when they are the same. */
  #takenBytes = 0;
  #takenSince: number;
  #framesOfChunk = 0;
  #held = false;
  /** Of a pause because of too many messages; once the end was written, of its lingering. */
  #resume: NodeJS.Timeout | undefined;

  constructor(id: number, socket: Duplex, remoteAddress: string, modules: ConnectionModules) {
    const now = modules.clock.monotonic();
    this.id = id;
    this.remoteAddress = remoteAddress;
    this.#socket = socket;
    this.#modules = modules;
    this.work = new WorkMeter(now);
    this.#rate = new RateLimit(modules.limits.messagesPerSecond, now);
    this.#deadline = now + modules.limits.handshakeDeadlineMs;
    this.#takenSince = now;
    this.writer = new SocketWriter(socket, modules.tick, modules.limits.outboundBytes, () => this.cut('slow-reader'));
    this.#onFrame = (extensionType, msgType, payload) => {
      this.#framesOfChunk += 1;
      if (this.isLive) modules.route(this, extensionType, msgType, payload);
    };
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => this.cut('socket-error', messageOf(error)));
    socket.on('end', () => this.cut('peer-closed'));
    socket.on('close', () => this.cut('peer-closed'));
  }

  get state(): ConnectionState {
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

  /** Whether the client has set this flag of SetupConnection. */
  requires(flag: keyof typeof miningClientFlags): boolean {
    return this.setup !== undefined && (this.setup.flags & miningClientFlags[flag]) !== 0;
  }

  /** SetupConnection was accepted. */
  opened(setup: SetupConnection): void {
    this.setup = setup;
    this.#state = 'open';
    this.#deadline = this.#modules.clock.monotonic() + this.#modules.limits.channelDeadlineMs;
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
  end(reason: CloseReason, detail?: string): void {
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
  cut(reason: CloseReason, detail?: string): void {
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
    const { limits } = this.#modules;
    if (this.#state === 'open' && this.channels.size + this.channels.pending > 0)
      this.#deadline = nowMs + limits.channelDeadlineMs;
    if (nowMs >= this.#deadline) {
      this.#overdue();
      return;
    }
    const waiting = this.#socket.writableLength;
    const taken = this.writer.bytesWritten - waiting;
    if (waiting === 0 || taken !== this.#takenBytes) {
      this.#takenBytes = taken;
      this.#takenSince = nowMs;
    } else if (nowMs - this.#takenSince >= limits.outboundStallMs) this.cut('stalled-reader');
  }

  #overdue(): void {
    if (this.#state === 'handshake') this.cut('handshake-timeout');
    else if (this.#state === 'setup') this.cut('setup-timeout');
    else this.end('channel-timeout');
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

  #leave(next: 'closing' | 'closed', reason: CloseReason, detail: string | undefined): void {
    this.#state = next;
    clearTimeout(this.#resume);
    this.#modules.counters.closed[reason] += 1;
    this.#modules.log.debug({ connection: this.id, remote: this.remoteAddress, reason, detail }, 'connection closed');
    this.#modules.onClosed(this);
  }
}
