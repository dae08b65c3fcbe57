// The list of upstreams at work: keeps those connected that fail-over wants, and gives the farm the work of the one in use.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { UpstreamError } from './errors.ts';
import { FailOver } from './fail-over.ts';
import { Upstream, type UpstreamModules, type UpstreamOptions } from './upstream.ts';
import { UpstreamHistory, type UpstreamState } from './upstream-history.ts';
import type { UpstreamWork } from './upstream-work.ts';

const TICK_MS = 250;
/** An upstream that the farm has left is not closed before the shares on their way are answered, or this has passed. */
const LINGER_MS = 5_000;
const FLUSH_STEP_MS = 20;

export interface UpstreamsModules extends UpstreamModules {
  readonly log: Logger;
  /** The work of the upstream in use has changed. @param place of it in the list, from 0. */
  onWork(place: number, work: UpstreamWork): void;
  /** Another upstream is in use. @param place of it in the list, from 0. */
  onUse(place: number, work: UpstreamWork): void;
}

interface Place {
  readonly upstream: Upstream;
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
  #active: number | undefined;

  /** @param upstreams in order of preference. */
  constructor(upstreams: readonly UpstreamOptions[], returnAfterMs: number, modules: UpstreamsModules) {
    const { clock } = modules;
    this.#modules = modules;
    this.history = new UpstreamHistory(upstreams.length, clock.now());
    this.#failOver = new FailOver(upstreams.length, { returnAfterMs }, clock.monotonic());
    this.#places = upstreams.map((options, place) => ({
      upstream: new Upstream(
        options,
        {
          onWork: (work) => this.#onWork(place, work),
          onDown: (reason) => this.#onDown(place, reason),
        },
        modules,
      ),
      outage: new OutageLog(() => clock.monotonic()),
      isUp: false,
      usedMs: undefined,
    }));
  }

  get count(): number {
    return this.#places.length;
  }

  /** From 0, in the order of the list; `undefined`: none works. */
  get active(): number | undefined {
    return this.#active;
  }

  isUp(place: number): boolean {
    return this.#places[place]?.isUp ?? false;
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

  /** Why no upstream is in use, for people; `undefined`: one is. */
  get trouble(): string | undefined {
    if (this.#active !== undefined) return undefined;
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
    const hashrate = this.#modules.hashrate();
    for (const { upstream } of this.#places) upstream.tick(hashrate);
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
    } else if (place === this.#active) this.#modules.onWork(place, work);
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
    const active = this.#failOver.choose(now);
    if (active !== this.#active) this.#use(active);
    if (active !== undefined) this.#at(active).usedMs = now;
    for (const [place, { upstream, usedMs }] of this.#places.entries()) {
      const lingers = usedMs !== undefined && now - usedMs < LINGER_MS && upstream.sharesInFlight > 0;
      const isWanted = this.#failOver.wants(place) || lingers;
      if (!isWanted && this.#at(place).isUp) this.#leave(place, now);
      if (!isWanted) this.#note(place, 'not-needed');
      else if (this.history.current(place).state === 'not-needed') this.#note(place, 'connecting');
      upstream.want(isWanted);
    }
  }

  #use(active: number | undefined): void {
    const { counters, log, onUse } = this.#modules;
    const from = this.#active;
    this.#active = active;
    counters.switches += 1;
    if (from !== undefined && this.isUp(from)) this.#note(from, 'standby');
    if (active !== undefined) this.#note(active, 'active');
    if (active === undefined) {
      log.error('no upstream works: miners go on with their last job, and their shares are refused');
      return;
    }
    const { upstream } = this.#at(active);
    log.info(
      { upstream: upstream.name, place: active + 1, ...(from === undefined ? {} : { from: from + 1 }) },
      'mining for an upstream',
    );
    if (upstream.work !== undefined) onUse(active, upstream.work);
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
