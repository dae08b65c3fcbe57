// The channels of one connection: the one that the whole farm shares and, where miners have their own, one for each of them. So many are asked
// for at a time: a pool looks at each, and thousands of miners come at once when another upstream has failed.
import type { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { UpstreamError } from './errors.ts';
import type { UpstreamChannel } from './upstream-channel.ts';

/** Requests that wait for their answer at a time. The others wait here, no more than there are miners. */
export const OPENS_IN_FLIGHT = 32;

export class Channels {
  readonly #byId = new Map<number, UpstreamChannel>();
  /** By request, as long as it is not answered. */
  readonly #opening = new Map<number, UpstreamChannel>();
  readonly #waiting = new Set<UpstreamChannel>();
  #lastRequestId = 0;

  /** Channels that are open. */
  get size(): number {
    return this.#byId.size;
  }

  /** Channels that are to be opened. */
  get opening(): number {
    return this.#opening.size + this.#waiting.size;
  }

  /** Shares that wait for the upstream's answer. */
  get sharesInFlight(): number {
    let sum = 0;
    for (const { inFlight } of this.#byId.values()) sum += inFlight.size;
    return sum;
  }

  /** Has the channel opened, when it is its turn. */
  open(channel: UpstreamChannel): void {
    this.#waiting.add(channel);
    this.#openNext();
  }

  /** A string says how the upstream is out of order. */
  onOpened(opened: OpenExtendedMiningChannelSuccess): string | undefined {
    const channel = this.#opening.get(opened.requestId);
    if (channel === undefined) return 'nobody asked';
    if (this.#byId.has(opened.channelId)) return 'the channel is open already';
    this.#opening.delete(opened.requestId);
    const fault = channel.onOpened(opened);
    // One that leaves too few bytes is closed already, and its id may be given again.
    if (channel.isOpen) this.#byId.set(opened.channelId, channel);
    this.#openNext();
    return fault;
  }

  onRefused(requestId: number, code: string): void {
    const channel = this.#opening.get(requestId);
    this.#opening.delete(requestId);
    channel?.close(new UpstreamError('upstream-channel-refused', code));
    this.#openNext();
  }

  /** CloseChannel of a channel, or of all members of a group. */
  onClosed(channelId: number, code: string): void {
    for (const [id, channel] of this.#byId) {
      if (id !== channelId && channel.groupId !== channelId) continue;
      this.#byId.delete(id);
      channel.close(new UpstreamError('upstream-channel-closed', code));
    }
  }

  /** The one of this id; `undefined` for a group, or when nobody knows it. */
  one(channelId: number): UpstreamChannel | undefined {
    return this.#byId.get(channelId);
  }

  /** Has all that a message is for, the channel or the members of the group, take it; up to the first fault. */
  each(channelId: number, handle: (channel: UpstreamChannel) => string | undefined): string | undefined {
    const one = this.#byId.get(channelId);
    if (one !== undefined) return handle(one);
    for (const channel of this.#byId.values()) {
      if (channel.groupId !== channelId) continue;
      const fault = handle(channel);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /** Called several times a second. When the oldest share was sent that waits for its answer, in milliseconds of the monotonic clock. */
  tick(nowMs: number): number | undefined {
    let oldestMs: number | undefined;
    for (const [id, channel] of this.#byId) {
      if (channel.tick(nowMs)) this.#byId.delete(id);
      const sentMs = channel.inFlight.oldestMs;
      if (sentMs !== undefined && (oldestMs === undefined || sentMs < oldestMs)) oldestMs = sentMs;
    }
    return oldestMs;
  }

  /** The connection has ended. */
  close(reason: UpstreamError): void {
    const all = [...this.#byId.values(), ...this.#opening.values(), ...this.#waiting];
    this.#byId.clear();
    this.#opening.clear();
    this.#waiting.clear();
    for (const channel of all) channel.close(reason);
  }

  #openNext(): void {
    for (const channel of this.#waiting) {
      if (this.#opening.size >= OPENS_IN_FLIGHT) return;
      this.#waiting.delete(channel);
      // Its miner did not wait.
      if (channel.isLeft) continue;
      this.#lastRequestId = (this.#lastRequestId + 1) >>> 0;
      this.#opening.set(this.#lastRequestId, channel);
      channel.sendOpen(this.#lastRequestId);
    }
  }
}
