// The gateway's questions to the channel-manager. Each may be asked again, because none of them is answered twice in a way that
// matters: a range that is not used is lost, and an open channel is registered under a name that only this process uses.
import type { Bus } from '@sluice/bus/bus';
import { isBusError } from '@sluice/bus/errors';
import {
  ChannelClosed,
  ChannelUpdate,
  ChannelUpdateReply,
  OpenReply,
  OpenRequest,
  RangeReply,
  RangeRequest,
} from '@sluice/bus/payloads/channel';
import { subjectName } from '@sluice/bus/subjects';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import { GatewayError } from './errors.ts';
import { Turns } from './turns.ts';

/** One attempt; a live replica answers in milliseconds. */
const ATTEMPT_TIMEOUT_MS = 1_000;
const RETRY_MS = 100;
/** A gateway that starts before its pool waits at most this long between two attempts. */
const RANGE_RETRY_MS = 500;
/** Openings that are asked about at the same time: the answers of more would keep the loop from other sockets. */
const OPENS_AT_ONCE = 16;
/** Ends of channels that are told in one go: a connection may have had thousands. */
const CLOSES_AT_ONCE = 64;

export class ChannelManagerClient {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #outage: OutageLog;
  /** By the connection. */
  readonly #opens = new Turns<number>(OPENS_AT_ONCE);
  /** Not told yet. */
  #closes: ChannelClosed[] = [];

  constructor(modules: { readonly bus: Bus; readonly clock: Clock; readonly log: Logger }) {
    this.#bus = modules.bus;
    this.#clock = modules.clock;
    this.#log = modules.log;
    this.#outage = new OutageLog(() => modules.clock.monotonic());
  }

  /** Asks until a range is granted or `abandoned` says that nobody waits any more. @throws GatewayError `gateway-no-range`. */
  async range(incarnationLabel: string, abandoned: () => boolean): Promise<bigint> {
    const request = RangeRequest.encode({ incarnationLabel });
    while (!abandoned()) {
      try {
        const payload = await this.#bus.request(subjectName('extranonceRange'), request, ATTEMPT_TIMEOUT_MS);
        const reply = RangeReply.decode(payload);
        this.#outage.over();
        if (reply.kind === 'granted') return reply.incarnation;
        throw new GatewayError('gateway-no-range', reply.errorCode);
      } catch (error) {
        // At the start of a whole pool this is only a matter of order.
        const level = this.#outage.level() === 'warn' ? 'info' : 'debug';
        this.#log[level]({ reason: reasonOf(error) }, 'waiting for an extranonce range');
        await pause(RANGE_RETRY_MS);
      }
    }
    throw new GatewayError('gateway-no-range', 'stopped before the channel-manager answered');
  }

  /** The decision about a new channel; `undefined` when nobody has answered within `deadlineMs`, the wait for its turn included. */
  async open(request: OpenRequest, deadlineMs: number): Promise<OpenReply | undefined> {
    const end = this.#clock.monotonic() + deadlineMs;
    await this.#opens.take(request.connectionId);
    try {
      const leftMs = end - this.#clock.monotonic();
      const payload = leftMs > 0 ? await this.#ask('channelOpen', OpenRequest.encode(request), leftMs) : undefined;
      return payload === undefined ? undefined : OpenReply.decode(payload);
    } finally {
      this.#opens.give();
    }
  }

  /** What holds for a channel after UpdateChannel; `undefined` when nobody has answered within `deadlineMs`. */
  async update(update: ChannelUpdate, deadlineMs: number): Promise<ChannelUpdateReply | undefined> {
    const payload = await this.#ask('channelUpdate', ChannelUpdate.encode(update), deadlineMs);
    return payload === undefined ? undefined : ChannelUpdateReply.decode(payload);
  }

  /** Says soon that a channel is gone. Its entry also ends with the gateway's heartbeats, so one attempt is enough. */
  closed(closed: ChannelClosed): void {
    if (this.#closes.push(closed) === 1) setImmediate(() => this.#tellClosed(CLOSES_AT_ONCE));
  }

  /** Says it now of all that are gone. */
  flush(): void {
    this.#tellClosed(this.#closes.length);
  }

  #tellClosed(count: number): void {
    for (const closed of this.#closes.splice(0, count))
      this.#bus
        .request(subjectName('channelClose'), ChannelClosed.encode(closed), ATTEMPT_TIMEOUT_MS)
        .catch((error: unknown) =>
          this.#log.debug({ reason: messageOf(error) }, 'a closed channel was not registered'),
        );
    if (this.#closes.length > 0) setImmediate(() => this.#tellClosed(CLOSES_AT_ONCE));
  }

  async #ask(
    subject: 'channelOpen' | 'channelUpdate',
    request: Uint8Array,
    deadlineMs: number,
  ): Promise<Uint8Array | undefined> {
    const end = this.#clock.monotonic() + deadlineMs;
    for (;;) {
      try {
        const reply = await this.#bus.request(subjectName(subject), request, ATTEMPT_TIMEOUT_MS);
        this.#outage.over();
        return reply;
      } catch (error) {
        if (this.#clock.monotonic() + RETRY_MS >= end) {
          this.#log[this.#outage.level()]({ subject, reason: reasonOf(error) }, 'the channel-manager does not answer');
          return undefined;
        }
        await pause(RETRY_MS);
      }
    }
  }
}

function reasonOf(error: unknown): string {
  return isBusError(error, 'bus-no-responders') ? 'no channel-manager answers' : messageOf(error);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
