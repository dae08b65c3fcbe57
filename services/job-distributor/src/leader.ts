// One time of leading: writes what the feed lacks after every piece of news, until the lease is lost or the service stops.
import type { Lease } from '@sluice/bus/lease';
import type { Clock } from '@sluice/runtime/clock';
import type { Logger } from '@sluice/runtime/logger';
import type { ChainView } from './chain-view.ts';
import type { FeedWriter } from './feed-writer.ts';
import type { JobDistributorMetrics } from './metrics.ts';
import { type Given, givenAfter, type JobPolicy, type NextRecord, nextRecord } from './next-record.ts';
import type { NodeClocks } from './node-clocks.ts';

export interface LeaderModules {
  readonly lease: Lease;
  readonly writer: FeedWriter;
  readonly view: ChainView;
  readonly nodeClocks: NodeClocks;
  readonly policy: JobPolicy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: JobDistributorMetrics;
}

export class Leader {
  readonly #modules: LeaderModules;
  #given: Given;
  #working: Promise<void> | undefined;
  #again = false;
  #ended = Promise.withResolvers<void>();
  #running = true;

  constructor(modules: LeaderModules) {
    this.#modules = modules;
    const { clock, writer } = modules;
    const createdAtMs = Number((writer.state.active?.createdAtMicros ?? 0n) / 1000n);
    this.#given = { value: undefined, atMs: clock.monotonic() - Math.max(0, clock.now() - createdAtMs) };
  }

  /** Resolves when this leader has written its last record; rejects when it cannot go on. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get lastJobId(): number {
    return this.#modules.writer.state.lastJobId;
  }

  get height(): number {
    return this.#modules.writer.state.tip?.height ?? 0;
  }

  get feed(): number {
    return this.#modules.writer.state.feed;
  }

  /** There is news, or time has passed. */
  nudge(): void {
    if (!this.#running) return;
    this.#again = true;
    this.#working ??= this.#work().then(
      () => this.#rest(),
      (error: unknown) => this.#fail(error),
    );
  }

  /** No record is begun any more. */
  stop(): void {
    this.#running = false;
    if (this.#working === undefined) this.#ended.resolve();
  }

  #rest(): void {
    this.#working = undefined;
    if (!this.#running) this.#ended.resolve();
    else if (this.#again) this.nudge();
  }

  #fail(error: unknown): void {
    this.#running = false;
    this.#ended.reject(error);
  }

  async #work(): Promise<void> {
    const { writer, view, policy, clock, nodeClocks } = this.#modules;
    while (this.#running && this.#again) {
      this.#again = false;
      for (;;) {
        const monotonicMs = clock.monotonic();
        const now = { ms: clock.now(), monotonicMs, headerSeconds: nodeClocks.headerSeconds(clock) };
        const next = nextRecord(view, writer.state, this.#given, policy, now);
        if (next === undefined || !this.#running) break;
        if ((await writer.write(next.draft)) === 'lost') {
          this.#running = false;
          return;
        }
        this.#note(next);
      }
    }
  }

  #note(record: NextRecord): void {
    const { clock, log, metrics, writer } = this.#modules;
    const { draft, reason } = record;
    metrics.records.with({ reason }).inc();
    const now = clock.now();
    this.#given = givenAfter(this.#given, record, clock.monotonic());
    if (draft.kind !== 'activate') {
      log.debug({ reason, jobId: draft.jobId, height: draft.height, feed: writer.state.feed }, 'job');
      return;
    }
    const seconds = now / 1000 - Number(draft.seenAtMicros) / 1e6;
    metrics.tipSeconds.observe(Math.max(0, seconds));
    const hash = Buffer.from(draft.prevHash).reverse().toString('hex');
    // The tip's own height, as the template-provider says it: `draft` counts the block that is mined on it.
    const facts = { height: draft.height - 1, tip: hash, jobId: draft.jobId, prepared: reason === 'tip' };
    log.info({ ...facts, seconds: Number(seconds.toFixed(3)) }, 'new tip');
  }
}
