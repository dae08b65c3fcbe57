// What time it is by the nodes. Headers are checked by their clocks and the gateways', so a distributor whose own is ahead must not ask
// for a time that they refuse, and one whose clock is wrong is to be told. Pure: the clock is an argument.
import type { Template } from '@sluice/bus/payloads/template';
import type { Clock } from '@sluice/runtime/clock';
import { MAX_PROVIDERS } from './chain-view.ts';

/** Beyond this our clock or the nodes' is wrong. */
const CLOCK_TOLERANCE_MS = 30_000;
/** A word that came late says too early a time: an earlier word that says a later one counts before it for so long. */
const READING_LIFETIME_MS = 600_000;

interface Reading {
  /** The node's time, in Unix seconds. */
  readonly curtime: number;
  readonly atMonotonicMs: number;
  /** Heard as it was said; else from the stream, some time after. */
  readonly live: boolean;
}

export class NodeClocks {
  readonly #readings = new Map<string, Reading>();

  note({ provider, curtime, minNtime }: Template, live: boolean, monotonicMs: number): void {
    // No reading of a clock: a node never says less than its chain demands.
    if (curtime <= minNtime) return;
    const before = this.#readings.get(provider);
    if (before === undefined && this.#readings.size >= MAX_PROVIDERS) return;
    const reading = { curtime, atMonotonicMs: monotonicMs, live };
    if (before === undefined || isBetter(reading, before)) this.#readings.set(provider, reading);
  }

  /** How far our clock is ahead; negative: behind. Undefined before a provider has been heard. */
  aheadMs(clock: Clock): number | undefined {
    const theirs = median(this.#times(clock, true));
    return theirs === undefined ? undefined : clock.now() - theirs;
  }

  trouble(clock: Clock): string | undefined {
    const ahead = this.aheadMs(clock);
    if (ahead === undefined || Math.abs(ahead) <= CLOCK_TOLERANCE_MS) return undefined;
    return `the clock is ${Math.round(Math.abs(ahead) / 1000)} s ${ahead > 0 ? 'ahead of' : 'behind'} the nodes`;
  }

  /** Unix seconds that a header may be asked to have: our time, or the nodes' where ours is far ahead of it. */
  headerSeconds(clock: Clock): number {
    const theirs = median(this.#times(clock, true)) ?? median(this.#times(clock, false));
    const ours = clock.now();
    return Math.floor((theirs !== undefined && ours - theirs > CLOCK_TOLERANCE_MS ? theirs : ours) / 1000);
  }

  /** What each provider's node would say now, in Unix milliseconds. */
  #times(clock: Clock, live: boolean): number[] {
    const now = clock.monotonic();
    return [...this.#readings.values()]
      .filter((reading) => reading.live === live)
      .map((reading) => reading.curtime * 1000 + now - reading.atMonotonicMs);
  }
}

function isBetter(next: Reading, before: Reading): boolean {
  if (next.live !== before.live) return next.live;
  // The same word again.
  if (next.curtime === before.curtime) return false;
  const elapsed = next.atMonotonicMs - before.atMonotonicMs;
  return next.curtime * 1000 >= before.curtime * 1000 + elapsed || elapsed > READING_LIFETIME_MS;
}

/** Of an even number the earlier: too early a time does no harm. */
function median(times: readonly number[]): number | undefined {
  return [...times].sort((a, b) => a - b)[Math.floor((times.length - 1) / 2)];
}
