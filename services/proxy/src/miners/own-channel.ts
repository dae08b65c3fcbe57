// The channel that one miner has of its own on the upstream that it works for, where miners have such. Until it is open, and when it is refused, the
// miner works on that of the whole farm: it never waits for a pool.
import type { UpstreamError } from '../upstream/errors.ts';
import type { MinerOfChannel } from '../upstream/session.ts';
import type { ChannelListener, UpstreamChannel } from '../upstream/upstream-channel.ts';
import type { UpstreamWork } from '../upstream/upstream-work.ts';
import type { FarmMiner } from './farm-miner.ts';
import { Feed, type FeedModules } from './feed.ts';

/** How long after a refusal the upstream is asked again; twice as long after each in a row, up to the longest: it may have no room for all. */
export const RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 16 * RETRY_MS;

export interface OwnChannelModules extends FeedModules {
  /** `undefined`: the upstream has no work now, or no channels for single miners. @param place of it in the list, from 0. */
  openChannel(place: number, miner: MinerOfChannel, listener: ChannelListener): UpstreamChannel | undefined;
}

export class OwnChannel {
  /** Why the upstream has none for this miner; `undefined`: it has, or nobody asked yet. */
  refusal: UpstreamError | undefined;
  readonly #miner: FarmMiner;
  readonly #modules: OwnChannelModules;
  /** Asked for, or open. */
  #channel: UpstreamChannel | undefined;
  /** Its work; where the miner takes its own from, once there is some. */
  #feed: Feed;
  #retryMs = Number.NEGATIVE_INFINITY;
  /** In a row. */
  #refusals = 0;

  constructor(miner: FarmMiner, modules: OwnChannelModules) {
    this.#miner = miner;
    this.#modules = modules;
    this.#feed = new Feed(miner.base.place, modules);
  }

  /** Whether the miner works on it. */
  get isUsed(): boolean {
    return this.#miner.feed === this.#feed;
  }

  /** Has the miner have one on the upstream that it works for; called about once a second, and when that is another. */
  settle(): void {
    const { clock, counters, openChannel } = this.#modules;
    const { place } = this.#miner.base;
    if (this.#feed.place !== place) {
      this.leave();
      this.#retryMs = Number.NEGATIVE_INFINITY;
      this.#refusals = 0;
      this.#feed = new Feed(place, this.#modules);
    }
    if (this.#channel !== undefined || clock.monotonic() < this.#retryMs) return;
    const feed = this.#feed;
    this.#channel = openChannel(place, this.#miner.ofChannel, {
      onWork: (work) => this.#onWork(feed, work),
      onClosed: (reason) => this.#onClosed(feed, reason),
    });
    if (this.#channel !== undefined) counters.minerChannelsAsked += 1;
  }

  /** The miner is gone, or works for another upstream. */
  leave(): void {
    this.#channel?.leave();
    this.#channel = undefined;
    this.refusal = undefined;
  }

  #onWork(feed: Feed, work: UpstreamWork): void {
    if (feed !== this.#feed) return;
    this.refusal = undefined;
    this.#refusals = 0;
    this.#miner.takeFrom(feed);
    feed.setWork(work);
  }

  #onClosed(feed: Feed, reason: UpstreamError): void {
    if (feed !== this.#feed) return;
    const { clock, counters } = this.#modules;
    this.#channel = undefined;
    this.#feed = new Feed(feed.place, this.#modules);
    this.#miner.takeFrom(undefined);
    if (!refusals.includes(reason.code)) return;
    counters.minerChannelsRefused += 1;
    this.refusal = reason;
    this.#retryMs = clock.monotonic() + Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** this.#refusals);
    this.#refusals += 1;
  }
}

/** Ends of a channel alone; any other is that of its connection. */
const refusals: readonly string[] = [
  'upstream-channel-refused',
  'upstream-extranonce-too-small',
  'upstream-channel-closed',
];
