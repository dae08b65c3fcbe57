// Gives the space of old shares back, so that the stream does not refuse new ones: what is credited and older than the retention goes, and
// sooner where the stream runs full. Nothing goes that is not credited, and nothing that a successor has to read again to know a
// repeated share. An incarnation that fell silent would need its last shares for ever: its jobs are closed first.
import type { Bus, StreamState } from '@sluice/bus/bus';
import { acquireLease } from '@sluice/bus/lease';
import { subjectPattern } from '@sluice/bus/subjects';
import { JOB_LIFETIME_MS } from '@sluice/mining/given-jobs';
import { type Clock, unixMicros } from '@sluice/runtime/clock';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import { CreditLog } from './credit-log.ts';
import { incarnationOf } from './incarnation-subject.ts';
import type { Sleep } from './incarnation-worker.ts';
import { firstStoredSince } from './stored-since.ts';

const DAY_MS = 86_400_000;
/** Nothing younger goes, however full the stream is: a gateway that was cut off may still have shares for the jobs of then. */
const YOUNGEST_MS = DAY_MS;
/** How much of the stream's bound is left to credited shares; the alarm is at 0.7. */
const FULL_FRACTION = 0.6;
const PASS_INTERVAL_MS = 600_000;
/** Nobody waits for a pass: another replica may take its time to go on. */
const LEASE_TTL_MS = 60_000;
const RETRY_INTERVAL_MS = 10_000;
/** How long after a share its job may have come into its stream, with ample room. */
const JOB_DELAY_MS = 60_000;

export interface ShareRetentionOptions {
  /** Names this validator in the lease. */
  readonly instance: string;
  /** A day at least. */
  readonly retentionMs: number;
}

export interface ShareRetentionModules {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sleep: Sleep;
}

export class ShareRetention {
  readonly #options: ShareRetentionOptions;
  readonly #modules: ShareRetentionModules;
  readonly #outage: OutageLog;
  #oldestAtMs: number | undefined;

  constructor(options: ShareRetentionOptions, modules: ShareRetentionModules) {
    this.#options = options;
    this.#modules = modules;
    this.#outage = new OutageLog(() => modules.clock.monotonic());
  }

  /** Age of the oldest kept record at this time; undefined where another replica looks after it, or nothing is kept. */
  get oldestMs(): number | undefined {
    return this.#oldestAtMs === undefined ? undefined : Math.max(0, this.#modules.clock.now() - this.#oldestAtMs);
  }

  /** Does its work whenever the lease is its own; resolves when the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { sleep } = this.#modules;
    const lease = { key: 'share-retention', holder: this.#options.instance, ttlMs: LEASE_TTL_MS };
    while (!signal.aborted) {
      try {
        const held = await acquireLease(lease, this.#modules, signal);
        const over = new AbortController();
        const end = () => over.abort();
        void held.lost.then(end);
        signal.addEventListener('abort', end);
        try {
          while (!over.signal.aborted) await this.#passThenWait(over.signal);
        } finally {
          signal.removeEventListener('abort', end);
          this.#oldestAtMs = undefined;
          await held.release();
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#tell(error);
        await sleep(RETRY_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #passThenWait(signal: AbortSignal): Promise<void> {
    let pause = PASS_INTERVAL_MS;
    try {
      await this.pass();
      this.#outage.over();
    } catch (error) {
      this.#tell(error);
      pause = RETRY_INTERVAL_MS;
    }
    await this.#modules.sleep(pause, undefined, { signal }).catch(() => undefined);
  }

  #tell(error: unknown): void {
    const facts = { code: codeOf(error), reason: messageOf(error) };
    this.#modules.log[this.#outage.level()](facts, 'old shares are not forgotten yet');
  }

  /** Forgets what may be forgotten now. Rejects with the errors of the bus. */
  async pass(): Promise<void> {
    const { bus, log } = this.#modules;
    const state = await bus.state('SHARES');
    const wanted = await this.#wantedFirst(state);
    if (wanted > state.firstSequence) {
      const first = await this.#neededFirst(wanted);
      if (first > state.firstSequence) {
        await bus.trim('SHARES', first);
        log.debug({ records: first - state.firstSequence, first }, 'old shares are forgotten');
      }
    }
    const [oldest] = await bus.read('SHARES', 1, 1);
    this.#oldestAtMs = oldest?.storedAtMs;
  }

  /** First sequence to be kept by age and by space. */
  async #wantedFirst(state: StreamState): Promise<number> {
    const { bus, clock } = this.#modules;
    const { firstSequence, lastSequence, bytes, maxBytes } = state;
    const byAge = await firstStoredSince(bus, 'SHARES', clock.now() - this.#options.retentionMs);
    if (maxBytes <= 0 || bytes <= maxBytes * FULL_FRACTION) return byAge;
    const youngest = await firstStoredSince(bus, 'SHARES', clock.now() - YOUNGEST_MS);
    // Records are taken to be of one size; the next pass makes up for it.
    const surplus = Math.ceil((lastSequence + 1 - firstSequence) * (1 - (maxBytes * FULL_FRACTION) / bytes));
    return Math.max(byAge, Math.min(youngest, firstSequence + surplus));
  }

  /** The smallest sequence that is still needed, `wanted` at most. */
  async #neededFirst(wanted: number): Promise<number> {
    const { bus, log } = this.#modules;
    const floor = await this.#floor();
    let needed = wanted;
    for (const subject of (await bus.subjects('SHARES', subjectPattern('shares'))).keys()) {
      const incarnation = incarnationOf(subject);
      const last = incarnation === undefined ? undefined : await bus.last('SHARES', subject);
      if (incarnation === undefined || last === undefined) continue;
      const credits = await CreditLog.open(bus, incarnation);
      const credited = credits.start.sequence >= last.sequence;
      if (!credited && credits.replayFrom < wanted) {
        log.warn({ incarnation: String(incarnation), from: credits.replayFrom }, 'old shares wait to be credited');
      }
      const silent = credited && last.sequence < wanted && credits.replayFrom <= last.sequence;
      if (silent && floor !== undefined && (await this.#closeJobs(credits, last.sequence, floor))) continue;
      if (credits.replayFrom < needed) needed = credits.replayFrom;
    }
    return needed;
  }

  /** A feed number above that of every job whose shares may be forgotten; undefined: such a job may still be in use. */
  async #floor(): Promise<number | undefined> {
    const { bus, clock } = this.#modules;
    const floor = await firstStoredSince(bus, 'JOBS', clock.now() - YOUNGEST_MS + JOB_DELAY_MS);
    const [next] = await bus.read('JOBS', floor, 1);
    const closed = next !== undefined && next.storedAtMs + JOB_LIFETIME_MS + JOB_DELAY_MS < clock.now();
    return closed ? floor : undefined;
  }

  /** False: the incarnation has just been credited more. */
  #closeJobs(credits: CreditLog, lastSequence: number, floor: number): Promise<boolean> {
    const changes = { replayFrom: BigInt(lastSequence + 1), floor: BigInt(Math.max(floor, credits.start.floor)) };
    return credits.restate(changes, unixMicros(this.#modules.clock));
  }
}
