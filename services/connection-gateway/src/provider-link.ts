// The way of a block candidate that needs no bus: one TCP connection to a template provider, held open, on which each candidate goes
// out at once, again after every reconnection, and again while the provider has no final answer. length u32 (little-endian) ‖ Solution, and back
// length ‖ SolutionResult.
import { connect, type Socket } from 'node:net';
import { providerWords, SolutionResult } from '@sluice/bus/payloads/solution';
import { formatHostPort, type HostPort } from '@sluice/runtime/config/value-types';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';

/** Candidates that wait for a provider; at the bound the oldest goes, which the stream and the other providers still have. */
const WAITING_BOUND = 256;
/** Sent and not answered; a provider cuts a peer that has more than 64 under way. */
const IN_FLIGHT_BOUND = 32;
/** A node takes milliseconds; after this the connection is taken for dead and everything is sent again on a new one. */
const ANSWER_TIMEOUT_MS = 10_000;
/** A provider that waits for the transactions of a block, or for its nodes, is asked again this often … */
const ASK_AGAIN_MS = 5_000;
/** … and for so long, a little more than it waits itself; then the candidate goes, which the stream and the other providers still have. */
const PATIENCE_MS = 660_000;
/** A provider whose machine is gone says nothing: it is known after this and nine more probes, or at the next connection after this. */
const KEEP_ALIVE_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_FIRST_MS = 100;
const RECONNECT_LONGEST_MS = 5_000;
/** A SolutionResult is a few hundred bytes. */
const ANSWER_BOUND = 65_536;

interface Waiting {
  readonly key: string;
  readonly frame: Buffer;
  sent: boolean;
  /** Since it was answered without a final word: when the last question for one goes out, in milliseconds of `performance`. */
  until: number | undefined;
  again: NodeJS.Timeout | undefined;
}

/** What a provider says as long as a later answer may be another. */
const notFinal: readonly string[] = [providerWords.pending, providerWords.templateUnknown];

/** What became of a link's candidates, for metrics. */
export interface ProviderLinkCounters {
  solutionsAnswered: number;
  solutionsDropped: number;
}

export class ProviderLink {
  readonly #endpoint: HostPort;
  readonly #log: Logger;
  readonly #counters: ProviderLinkCounters;
  readonly #waiting = new Map<string, Waiting>();
  #socket: Socket | undefined;
  #received: Buffer = Buffer.alloc(0);
  #inFlight = 0;
  #delayMs = RECONNECT_FIRST_MS;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(endpoint: HostPort, modules: { readonly log: Logger; readonly counters: ProviderLinkCounters }) {
    this.#endpoint = endpoint;
    this.#log = modules.log;
    this.#counters = modules.counters;
  }

  /** Candidates without an answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  get connected(): boolean {
    return this.#socket?.readyState === 'open';
  }

  /** Opens the connection and keeps it open until `close`. */
  open(): void {
    const socket = connect({ ...this.#endpoint, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
    this.#socket = socket;
    this.#received = Buffer.alloc(0);
    socket.on('connect', () => {
      this.#delayMs = RECONNECT_FIRST_MS;
      this.#sendWaiting();
    });
    socket.on('data', (chunk) => this.#onData(chunk));
    // Once it is connected `#sendWaiting` sets another.
    socket.setTimeout(CONNECT_TIMEOUT_MS);
    socket.on('timeout', () => socket.destroy(new Error('no answer')));
    socket.on('error', (error) =>
      this.#log.debug({ provider: formatHostPort(this.#endpoint), reason: messageOf(error) }, 'solution link'),
    );
    socket.on('close', () => this.#reopen());
  }

  /** `key` names the candidate: hex of its hash. */
  send(key: string, payload: Uint8Array): void {
    if (this.#waiting.has(key)) return;
    if (this.#waiting.size >= WAITING_BOUND) this.#dropOldest();
    const frame = Buffer.allocUnsafeSlow(4 + payload.length);
    frame.writeUInt32LE(payload.length, 0);
    frame.set(payload, 4);
    this.#waiting.set(key, { key, frame, sent: false, until: undefined, again: undefined });
    this.#sendWaiting();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { again } of this.#waiting.values()) clearTimeout(again);
    this.#socket?.destroy();
  }

  #sendWaiting(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.readyState !== 'open') return;
    for (const waiting of this.#waiting.values()) {
      if (this.#inFlight >= IN_FLIGHT_BOUND) break;
      if (waiting.sent || waiting.again !== undefined) continue;
      waiting.sent = true;
      this.#inFlight += 1;
      socket.write(waiting.frame);
    }
    socket.setTimeout(this.#inFlight > 0 ? ANSWER_TIMEOUT_MS : 0);
  }

  #onData(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 4) {
      const length = this.#received.readUInt32LE(0);
      if (length > ANSWER_BOUND) {
        this.#socket?.destroy(new Error(`an answer of ${length} bytes`));
        return;
      }
      if (this.#received.length < 4 + length) return;
      const answer = this.#received.subarray(4, 4 + length);
      this.#received = this.#received.subarray(4 + length);
      this.#onAnswer(answer);
    }
  }

  #onAnswer(payload: Buffer): void {
    let result: SolutionResult;
    try {
      result = SolutionResult.decode(payload);
    } catch (error) {
      this.#socket?.destroy(error instanceof Error ? error : new Error('an answer that cannot be read'));
      return;
    }
    const waiting = this.#waiting.get(Buffer.from(result.hash).toString('hex'));
    if (waiting === undefined) return;
    if (waiting.sent) this.#inFlight -= 1;
    waiting.sent = false;
    if (notFinal.includes(result.answer)) this.#askLater(waiting);
    else {
      this.#waiting.delete(waiting.key);
      clearTimeout(waiting.again);
      this.#counters.solutionsAnswered += 1;
      const facts = { node: result.node, answer: result.answer || 'accepted' };
      this.#log.info(facts, 'a node has answered a block candidate');
    }
    this.#sendWaiting();
  }

  #askLater(waiting: Waiting): void {
    const now = performance.now();
    waiting.until ??= now + PATIENCE_MS;
    if (now >= waiting.until) {
      this.#waiting.delete(waiting.key);
      this.#counters.solutionsDropped += 1;
      this.#log.warn({ provider: formatHostPort(this.#endpoint) }, 'a block candidate goes without a final answer');
      return;
    }
    clearTimeout(waiting.again);
    waiting.again = setTimeout(() => {
      waiting.again = undefined;
      this.#sendWaiting();
    }, ASK_AGAIN_MS);
  }

  #dropOldest(): void {
    const oldest = this.#waiting.values().next().value;
    if (oldest === undefined) return;
    this.#waiting.delete(oldest.key);
    clearTimeout(oldest.again);
    if (oldest.sent) this.#inFlight -= 1;
    this.#counters.solutionsDropped += 1;
  }

  #reopen(): void {
    this.#inFlight = 0;
    for (const waiting of this.#waiting.values()) waiting.sent = false;
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.open(), this.#delayMs);
    this.#delayMs = Math.min(RECONNECT_LONGEST_MS, this.#delayMs * 2);
  }
}
