// The gateway's questions to the channel-manager. Each may be asked again, because none of them is answered twice in a way that
// matters: a range that is not used is lost, and a block of channels is named by this process alone.
import type { Bus } from '@sluice/bus/bus';
import { isBusError } from '@sluice/bus/errors';
import {
  ChannelBlock,
  ChannelUpdate,
  ChannelUpdateReply,
  OpenReplies,
  type OpenReply,
  OpenRequests,
  RangeReply,
  RangeRequest,
  type WantedChannel,
} from '@sluice/bus/payloads/channel';
import { subjectName } from '@sluice/bus/subjects';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import { GatewayError } from './errors.ts';

/**
 * The first attempt; a live replica answers in milliseconds. Each further one waits twice as long: replicas that have too much to do would have more with
 * each question that is asked again.
 */
const ATTEMPT_TIMEOUT_MS = 1_000;
const RETRY_MS = 100;
/** A gateway that starts before its pool waits at most this long between two attempts. */
const RANGE_RETRY_MS = 500;

export class ChannelManagerClient {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #outage: OutageLog;

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
      let reply: RangeReply;
      try {
        reply = RangeReply.decode(await this.#bus.request(subjectName('extranonceRange'), request, ATTEMPT_TIMEOUT_MS));
      } catch (error) {
        // At the start of a whole pool this is only a matter of order.
        const level = this.#outage.level() === 'warn' ? 'info' : 'debug';
        this.#log[level]({ reason: reasonOf(error) }, 'waiting for an extranonce range');
        await pause(RANGE_RETRY_MS);
        continue;
      }
      this.#outage.over();
      if (reply.kind === 'granted') return reply.incarnation;
      throw new GatewayError('gateway-no-range', reply.errorCode);
    }
    throw new GatewayError('gateway-no-range', 'stopped before the channel-manager answered');
  }

  /** The decisions about new channels, in their order; none when nobody has answered within `deadlineMs`. */
  async open(wanted: readonly WantedChannel[], deadlineMs: number): Promise<readonly OpenReply[]> {
    const payload = await this.#ask('channelOpen', OpenRequests.encode(wanted), deadlineMs);
    return payload === undefined ? [] : OpenReplies.decode(payload);
  }

  /** What holds for a channel after UpdateChannel; `undefined` when nobody has answered within `deadlineMs`. */
  async update(update: ChannelUpdate, deadlineMs: number): Promise<ChannelUpdateReply | undefined> {
    const payload = await this.#ask('channelUpdate', ChannelUpdate.encode(update), deadlineMs);
    return payload === undefined ? undefined : ChannelUpdateReply.decode(payload);
  }

  /** Tells the registry of a block of channels, with one attempt; resolves with whether it has it. */
  async register(block: ChannelBlock): Promise<boolean> {
    try {
      await this.#bus.request(subjectName('channelBlock'), ChannelBlock.encode(block), ATTEMPT_TIMEOUT_MS);
      return true;
    } catch (error) {
      this.#log.debug({ block: block.block, reason: messageOf(error) }, 'channels were not registered');
      return false;
    }
  }

  async #ask(
    subject: 'channelOpen' | 'channelUpdate',
    request: Uint8Array,
    deadlineMs: number,
  ): Promise<Uint8Array | undefined> {
    const end = this.#clock.monotonic() + deadlineMs;
    let timeoutMs = ATTEMPT_TIMEOUT_MS;
    for (;;) {
      try {
        const reply = await this.#bus.request(subjectName(subject), request, timeoutMs);
        this.#outage.over();
        return reply;
      } catch (error) {
        const leftMs = end - this.#clock.monotonic() - RETRY_MS;
        if (leftMs <= 0) {
          this.#log[this.#outage.level()]({ subject, reason: reasonOf(error) }, 'the channel-manager does not answer');
          return undefined;
        }
        // Where there is none, none has too much to do.
        if (!isBusError(error, 'bus-no-responders')) timeoutMs = Math.min(2 * timeoutMs, leftMs);
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
