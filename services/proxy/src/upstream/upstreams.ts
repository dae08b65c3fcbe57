// The list of upstreams at work: keeps those connected that fail-over wants, and gives the farm the work of those in use.
import { setTimeout as sleep } from 'node:timers/promises';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { UpstreamError } from './errors.ts';
import { FailOver, ranksOf } from './fail-over.ts';
import type { MinerOfChannel } from './session.ts';
import { Upstream, type UpstreamModules, type UpstreamOptions } from './upstream.ts';
import type { ChannelListener, UpstreamChannel } from './upstream-channel.ts';
import { UpstreamHistory, type UpstreamState } from './upstream-history.ts';
import type { UpstreamUrl } from './upstream-url.ts';
import type { UpstreamWork } from './upstream-work.ts';

const TICK_MS = 250;
/** After which hashrates are added up anew, over all miners. */
const HASHRATES_MS = 1_000;
/** An upstream that the farm has left is not closed before the shares on their way are answered, or this has passed. */
const LINGER_MS = 5_000;
const FLUSH_STEP_MS = 20;

/** One that the farm works for. */
export interface UpstreamInUse {
  /** In the list, from 0. */
  readonly place: number;
  /** Of the farm's hashrate beside the others in use. */
  readonly weight: number;
  readonly work: UpstreamWork;
}

export interface UpstreamsModules extends Omit<UpstreamModules, 'hashrate'> {
  /** Hashes a second that this upstream has or would have, positive. @param place of it in the list, from 0. */
  hashrate(place: number): number;
  /** The work of an upstream in use has changed. @param place of it in the list, from 0. */
  onWork(place: number, work: UpstreamWork): void;
  /** Others are in use; at least one. */
  onUse(inUse: readonly UpstreamInUse[]): void;
}

interface Place {
  readonly upstream: Upstream;
  readonly url: UpstreamUrl;
  readonly outage: OutageLog;
  isUp: boolean;
  /** When it was last in use; `undefined`: it never was. */
  usedMs: number | undefined;
}

export class Upstreams {
  readonly history: UpstreamHistory;
  readonly #modules: UpstreamsModules;
  readonly #failOver: FailOver;
  readonly #places: readonly Place[];
  #timer: NodeJS.Timeout | undefined;
  #inUse: readonly number[];
  /** What each upstream is told of, and since when it stands here. */
  #hashrates: readonly number[] = [];
  #hashratesMs = Number.NEGATIVE_INFINITY;

  /** @param upstreams in order of preference. */
  constructor(upstreams: readonly UpstreamOptions[], returnAfterMs: number, modules: UpstreamsModules) {
    const { clock } = modules;
    this.#modules = modules;
    this.history = new UpstreamHistory(upstreams.length, clock.now());
    const ranks = ranksOf(upstreams.map(({ url }) => url.weight));
    this.#failOver = new FailOver(ranks, { returnAfterMs }, clock.monotonic());
    this.#inUse = this.#failOver.inUse;
    this.#places = upstreams.map((options, place) => ({
      upstream: new Upstream(
        options,
        {
          onWork: (work) => this.#onWork(place, work),
          onDown: (reason) => this.#onDown(place, reason),
        },
        { ...modules, hashrate: () => modules.hashrate(place) },
      ),
      url: options.url,
      outage: new OutageLog(() => clock.monotonic()),
      isUp: false,
      usedMs: undefined,
    }));
  }

  get count(): number {
    return this.#places.length;
  }

  /** Places from 0, in the order of the list; empty: none works. */
  get inUse(): readonly number[] {
    return this.#inUse;
  }

  isUp(place: number): boolean {
    return this.#places[place]?.isUp ?? false;
  }

  /** Its part of the farm's hashrate beside the others that have a weight; `undefined`: it is to fall back on. */
  weightOf(place: number): number | undefined {
    return this.#at(place).url.weight;
  }

  /** Whom its blocks pay, as the URL has it; `undefined`: it is a pool. */
  payoutOf(place: number): string | undefined {
    return this.#at(place).url.payout;
  }

  /** For people, such as `pool.example:3333`. */
  nameOf(place: number): string {
    return this.#at(place).upstream.name;
  }

  /** Shares that wait for the answer of one upstream. */
  sharesInFlightOf(place: number): number {
    return this.#at(place).upstream.sharesInFlight;
  }

  /** Shares that wait for an upstream's answer. */
  get sharesInFlight(): number {
    return this.#places.reduce((sum, { upstream }) => sum + upstream.sharesInFlight, 0);
  }

  /** A channel of an upstream for one miner; `undefined` while it has no work, and with a pool of Stratum V1. */
  openChannel(place: number, miner: MinerOfChannel, listener: ChannelListener): UpstreamChannel | undefined {
    return this.#at(place).upstream.openChannel(miner, listener);
  }

  /** Channels of single miners on all upstreams. */
  get minerChannels(): { readonly open: number; readonly opening: number } {
    const all = this.#places.map(({ upstream }) => upstream.minerChannels);
    return {
      open: all.reduce((sum, { open }) => sum + open, 0),
      opening: all.reduce((sum, { opening }) => sum + opening, 0),
    };
  }

  /** Why no upstream is in use, for people; `undefined`: one is. */
  get trouble(): string | undefined {
    if (this.#inUse.length > 0) return undefined;
    const reasons = this.#places.map(({ upstream: { name, downReason } }) =>
      downReason === undefined ? `${name}: not connected yet` : `${name}: ${downReason.code} (${downReason.message})`,
    );
    return `no upstream works: ${reasons.join('; ')}`;
  }

  start(): void {
    this.#settle();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Waits for the answers to what was sent, for so many milliseconds at most, then ends every connection. */
  async stop(flushMs: number): Promise<void> {
    const deadline = this.#modules.clock.monotonic() + flushMs;
    while (this.sharesInFlight > 0 && this.#modules.clock.monotonic() < deadline) await sleep(FLUSH_STEP_MS);
    clearInterval(this.#timer);
    for (const { upstream } of this.#places) upstream.want(false);
  }

  #tick(): void {
    const nowMs = this.#modules.clock.monotonic();
    if (nowMs - this.#hashratesMs >= HASHRATES_MS) {
      this.#hashratesMs = nowMs;
      this.#hashrates = this.#places.map((_, place) => this.#modules.hashrate(place));
    }
    for (const [place, { upstream }] of this.#places.entries()) upstream.tick(this.#hashrates[place]!);
    this.#settle();
  }

  #onWork(place: number, work: UpstreamWork): void {
    const at = this.#at(place);
    if (!at.isUp) {
      at.isUp = true;
      at.outage.over();
      this.#note(place, 'standby');
      this.#modules.counters.upstreamUps += 1;
      this.#modules.log.info({ upstream: at.upstream.name, place: place + 1 }, 'upstream is up');
      this.#failOver.up(place, this.#modules.clock.monotonic());
      this.#settle();
    } else if (this.#inUse.includes(place)) this.#modules.onWork(place, work);
  }

  #onDown(place: number, reason: UpstreamError): void {
    const { code, message } = reason;
    const { clock, counters, log } = this.#modules;
    const at = this.#at(place);
    at.isUp = false;
    counters.upstreamDowns[code] += 1;
    this.#note(place, 'down', reason);
    const facts = { upstream: at.upstream.name, place: place + 1, reason: code, detail: message };
    log[at.outage.level()](facts, 'upstream is down');
    this.#failOver.down(place, clock.monotonic());
    this.#settle();
  }

  /** Has the farm work for the right one, and the right ones connected. */
  #settle(): void {
    const now = this.#modules.clock.monotonic();
    const inUse = this.#failOver.choose(now);
    if (inUse !== this.#inUse) this.#use(inUse);
    for (const place of inUse) this.#at(place).usedMs = now;
    for (const [place, { upstream, usedMs }] of this.#places.entries()) {
      const lingers = usedMs !== undefined && now - usedMs < LINGER_MS && upstream.sharesInFlight > 0;
      const isWanted = this.#failOver.wants(place) || lingers || upstream.holdsBlock;
      if (!isWanted && this.#at(place).isUp) this.#leave(place, now);
      if (!isWanted) this.#note(place, 'not-needed');
      else if (this.history.current(place).state === 'not-needed') this.#note(place, 'connecting');
      upstream.want(isWanted);
    }
  }

  #use(inUse: readonly number[]): void {
    const { counters, log, onUse } = this.#modules;
    const before = this.#inUse;
    this.#inUse = inUse;
    counters.switches += 1;
    for (const place of before) if (!inUse.includes(place) && this.isUp(place)) this.#note(place, 'standby');
    for (const place of inUse) if (!before.includes(place)) this.#note(place, 'active');
    if (inUse.length === 0) {
      log.error('no upstream works: miners go on with their last job, and their shares are refused');
      return;
    }
    const facts = before.length === 0 ? {} : { from: this.#names(before) };
    log.info({ upstream: this.#names(inUse), ...facts }, 'mining for an upstream');
    onUse(
      inUse.flatMap((place) => {
        const { upstream, url } = this.#at(place);
        const { weight = 1 } = url;
        return upstream.work === undefined ? [] : [{ place, weight, work: upstream.work }];
      }),
    );
  }

  #names(places: readonly number[]): string {
    return places.map((place) => this.nameOf(place)).join(' ');
  }

  #leave(place: number, nowMs: number): void {
    const at = this.#at(place);
    at.isUp = false;
    this.#failOver.down(place, nowMs);
    this.#modules.log.info({ upstream: at.upstream.name, place: place + 1 }, 'upstream is not needed now');
  }

  #note(place: number, state: UpstreamState, reason?: UpstreamError): void {
    this.history.note(place, state, this.#modules.clock.now(), reason);
  }

  #at(place: number): Place {
    const at = this.#places[place];
    if (at === undefined) throw new RangeError(`there is no upstream ${place}`);
    return at;
  }
}
