// One peer's socket, whatever is spoken over it: bytes come in, answers go out through the one writer. Nothing that a peer sends makes an
// exception leave it, and `end` and `cut` are the only ways out. A protocol extends it.
import type { Duplex } from 'node:stream';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { addressKey } from './address-key.ts';
import type { SocketCloseReason } from './errors.ts';
import type { PerAddress } from './per-address.ts';
import { RateLimit } from './rate-limit.ts';
import type { ReadTurns } from './read-turns.ts';
import { type OutboundTick, SocketWriter } from './socket-writer.ts';

/** What a refusal counts as: it is an answer that has to be made at once, and peers in order seldom get one. */
export const REFUSAL_COST = 10;
/** Refusals that are no fault of the peer's. */
const OWN_FAULTS: ReadonlySet<string | number> = new Set(['share-not-stored', 'pool-unavailable']);

/** Bytes that a peer may still send while its last answer is on the way: whoever floods has no use for it. */
const LINGER_BYTES = 65_536;
/** Of what has come at once so many are handled before it is asked again whether that is enough. */
const PIECE_BYTES = 16_384;

export interface SocketLimits {
  /** Messages a second of one connection, after a burst of ten seconds' worth. Beyond it the socket is not read for a while. */
  readonly messagesPerSecond: number;
  /** The same of all connections of one address together. */
  readonly messagesPerSecondPerAddress: number;
  /** From the last answer to the closing, so that the peer reads it. */
  readonly lingerMs: number;
  /** Bytes that wait for a slow reader. It is cut, not buffered for: the largest burst fits. */
  readonly outboundBytes: number;
  /** Of all connections together. Those for whom most waits are cut. */
  readonly outboundBytesTotal: number;
  /** A reader that has taken nothing for so long while something waits is cut. */
  readonly outboundStallMs: number;
}

export interface SocketCounters<Reason extends string> {
  /** Times that a socket was not read because its peer sent too much. */
  heldBack: number;
  /** Because all connections of its address together did. */
  heldBackAddress: number;
  readonly closed: Record<Reason, number>;
}

/** What every connection of a server shares. */
export interface SocketModules<Reason extends string> {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: SocketLimits;
  readonly counters: SocketCounters<Reason>;
  readonly tick: OutboundTick;
  /** By `messagesPerSecondPerAddress`. */
  readonly turns: PerAddress<ReadTurns>;
}

/** `OwnReason`: why else the protocol ends a connection. */
export abstract class PeerSocket<OwnReason extends string> {
  /** Unique within the process. */
  readonly id: number;
  readonly remoteAddress: string;
  /** What the limits of its address count it by. */
  readonly addressKey: string;
  readonly writer: SocketWriter;

  readonly #socket: Duplex;
  readonly #modules: SocketModules<SocketCloseReason | OwnReason>;
  readonly #rate: RateLimit;
  #turns: ReadTurns;
  #ending: 'closing' | 'closed' | undefined;
  /** Bytes that the socket had taken at the last sweep, and since when they are the same. */
  #takenBytes = 0;
  #takenSince: number;
  #held = false;
  /** Until others had their turn, or because its peer has sent too much; what has come stays in the socket. */
  #waits = false;
  /** Bytes that came after the end. */
  #lateBytes = 0;
  /** What the next messages count as beside themselves. */
  #charged = 0;
  /** The last refusal: why a peer leaves is mostly what it was told before. */
  #refusedMessage = '';
  #refusedCode: string | number = '';
  /** Of a pause because of too many messages; once the end was written, of its lingering. */
  #resume: NodeJS.Timeout | undefined;

  /** @param turns in which it is read. Default: those of its address. */
  constructor(
    id: number,
    socket: Duplex,
    remoteAddress: string,
    modules: SocketModules<SocketCloseReason | OwnReason>,
    turns?: ReadTurns,
  ) {
    const now = modules.clock.monotonic();
    this.id = id;
    this.remoteAddress = remoteAddress;
    this.addressKey = addressKey(remoteAddress);
    this.#socket = socket;
    this.#modules = modules;
    this.#rate = new RateLimit(modules.limits.messagesPerSecond, now);
    this.#turns = turns ?? modules.turns.of(this.addressKey, now);
    this.#turns.join();
    this.#takenSince = now;
    this.writer = new SocketWriter(socket, modules.tick, modules.limits.outboundBytes, () => this.cut('slow-reader'));
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => this.cut('socket-error', messageOf(error)));
    socket.on('end', () => this.cut('peer-closed'));
    socket.on('close', () => this.cut('peer-closed'));
  }

  /** Bytes as they come, until the end; what is thrown here is a fault of our own. */
  protected abstract onBytes(chunk: Buffer): void;

  /** No message is handled any more. Called once. */
  protected abstract onLeft(): void;

  /** `closing`: the last answer is on its way. `undefined`: the connection has not been ended. */
  get ending(): 'closing' | 'closed' | undefined {
    return this.#ending;
  }

  /** Notes for the log that the peer was sent this error code, in this message, and counts it towards the limit of messages. */
  refused(message: string, code: string | number): void {
    this.#refusedMessage = message;
    this.#refusedCode = code;
    if (!OWN_FAULTS.has(code)) this.charge(REFUSAL_COST - 1);
  }

  /** Has what was read count as this many more towards the limit of messages. */
  charge(messages: number): void {
    this.#charged += messages;
  }

  /** Reads nothing more, so that what is under way can be answered before the end. */
  stopReading(): void {
    this.#held = true;
    this.#socket.pause();
  }

  /** Ends the connection after what was written has been sent; nothing more is read. */
  end(reason: SocketCloseReason | OwnReason, detail?: string): void {
    if (this.#ending !== undefined) return;
    this.#leave('closing', reason, detail);
    this.writer.flush();
    this.writer.close();
    this.#socket.end();
    // Read on, so that the peer's end is seen; but it may not take its time.
    this.#socket.resume();
    this.#resume = setTimeout(() => this.cut(reason), this.#modules.limits.lingerMs);
  }

  /** Ends the connection at once. */
  cut(reason: SocketCloseReason | OwnReason, detail?: string): void {
    if (this.#ending === 'closed') return;
    if (this.#ending === undefined) this.#leave('closed', reason, detail);
    this.#ending = 'closed';
    clearTimeout(this.#resume);
    this.writer.close();
    this.#socket.destroy();
  }

  /** Called about once a second: stalled readers. */
  sweep(nowMs: number): void {
    const waiting = this.#socket.writableLength;
    const taken = this.writer.bytesWritten - waiting;
    if (waiting === 0 || taken !== this.#takenBytes) {
      this.#takenBytes = taken;
      this.#takenSince = nowMs;
    } else if (nowMs - this.#takenSince >= this.#modules.limits.outboundStallMs) this.cut('stalled-reader');
  }

  /** Called when it waited long enough: its peer sends no more than it may, or it is its turn. */
  readOn(): void {
    const socket = this.#socket;
    this.#waits = false;
    if (this.#held) return;
    if (this.#turns.isOver) this.#waitForTurn();
    // What has come is told by the same event as what comes from now on.
    while (this.#isRead && socket.read(Math.min(PIECE_BYTES, socket.readableLength)) !== null);
    if (this.#isRead) socket.resume();
  }

  /** From now on it is read in the turns of its address. */
  protected takeTurnsOfAddress(): void {
    this.#turns.leave(this);
    this.#turns = this.#modules.turns.of(this.addressKey, this.#modules.clock.monotonic());
    this.#turns.join();
  }

  /** Counts messages that were read. A peer that sends too much is read later: nothing is lost, it is slowed down. */
  protected countMessages(messages: number): void {
    const { clock, counters } = this.#modules;
    const count = messages + this.#charged;
    const now = clock.monotonic();
    const ownMs = this.#rate.take(count, now);
    this.#turns.take(count, now);
    this.#charged = 0;
    if (ownMs > 0) {
      counters.heldBack += 1;
      this.#wait();
      clearTimeout(this.#resume);
      this.#resume = setTimeout(() => this.readOn(), ownMs);
    } else if (this.#turns.isOver) this.#waitForTurn();
  }

  get #isRead(): boolean {
    return !this.#waits && this.#ending === undefined;
  }

  #onData(chunk: Buffer): void {
    if (this.#ending !== undefined) {
      this.#lateBytes += chunk.length;
      if (this.#lateBytes > LINGER_BYTES) this.cut('peer-closed');
      return;
    }
    if (this.#turns.isOver) this.#waitForTurn();
    else if (chunk.length <= PIECE_BYTES) {
      this.#handle(chunk);
      return;
    }
    let from = 0;
    for (; from < chunk.length && this.#isRead; from += PIECE_BYTES)
      this.#handle(chunk.subarray(from, from + PIECE_BYTES));
    if (from < chunk.length && this.#ending === undefined) this.#socket.unshift(chunk.subarray(from));
  }

  #handle(bytes: Buffer): void {
    try {
      this.onBytes(bytes);
    } catch (error) {
      this.#modules.log.error({ connection: this.id, error }, 'a message could not be handled');
      this.cut('handler-failed', messageOf(error));
    }
  }

  #waitForTurn(): void {
    if (this.#turns.owes) this.#modules.counters.heldBackAddress += 1;
    this.#wait();
    this.#turns.wait(this);
  }

  #wait(): void {
    this.#waits = true;
    this.#socket.pause();
  }

  #leave(next: 'closing' | 'closed', reason: SocketCloseReason | OwnReason, detail: string | undefined): void {
    this.#ending = next;
    clearTimeout(this.#resume);
    this.#turns.leave(this);
    this.#modules.counters.closed[reason] += 1;
    const after = this.#refusedMessage === '' ? undefined : `${this.#refusedMessage} ${this.#refusedCode}`;
    const facts = { connection: this.id, remote: this.remoteAddress, reason, detail, after };
    this.#modules.log.debug(facts, 'connection closed');
    this.onLeft();
  }
}
