// The job distributor: turns tips and templates of every provider into the one feed of jobs. Several run, one leads; the others listen
// and are ready to go on within the lease's time to live. See docs/flows/template.md.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Network } from '@sluice/bitcoin/network';
import type { Bus, Consumer, Subscription } from '@sluice/bus/bus';
import { acquireLease, type Lease } from '@sluice/bus/lease';
import { Template } from '@sluice/bus/payloads/template';
import { TipNews } from '@sluice/bus/payloads/tip-news';
import { subjectMatches } from '@sluice/bus/subject-match';
import { subjectPattern } from '@sluice/bus/subjects';
import { buildJobCoinbase, emptyTemplate, hasRoomFor, type Payout } from '@sluice/mining/build-job';
import { LARGEST_MINER_OUTPUT } from '@sluice/mining/miner-payout';
import { type Clock, unixMicros } from '@sluice/runtime/clock';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { Health } from '@sluice/runtime/health';
import type { Logger } from '@sluice/runtime/logger';
import { createMetrics, type MetricsRegistry } from '@sluice/runtime/metrics';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { Service } from '@sluice/runtime/run-service';
import { ChainView } from './chain-view.ts';
import { FeedWriter, type LastJob } from './feed-writer.ts';
import { Leader } from './leader.ts';
import { type JobDistributorMetrics, jobDistributorMetrics } from './metrics.ts';
import type { JobPolicy } from './next-record.ts';
import { NodeClocks } from './node-clocks.ts';

const LEASE_KEY = 'job-distributor';
/** A leader that died is followed within this and a sixth. */
const LEASE_TTL_MS = 3_000;
/** How often a leader looks whether a template is due although there was no news. */
const TICK_MS = 1_000;
const RESTART_PAUSE_MS = 500;
const NEWS_BATCH = 64;
/** Any height of the years to come has a push of this length or less: the fit of the script is checked with it. */
const FARTHEST_HEIGHT = 0x7fff_ffff;

export interface JobDistributorOptions {
  /** Names this process among the distributors. */
  readonly instance: string;
  readonly network: Network;
  readonly payouts: readonly Payout[];
  /** Blocks may pay a miner as well: templates leave room for that. Default: they do not. */
  readonly payoutByIdentity?: boolean;
  readonly tag: Uint8Array;
  readonly templateRefreshMs: number;
  /** Per cent. */
  readonly templateFeeRise: number;
}

export interface JobDistributorModules {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly health: Health;
}

/** Throws `coinbase-script-too-long` at once when height, tag and extranonce do not fit a coinbase's script. */
export function createJobDistributorService(options: JobDistributorOptions, modules: JobDistributorModules): Service {
  const { network, payouts, tag, templateRefreshMs: refreshMs, templateFeeRise: feeRise } = options;
  buildJobCoinbase(emptyTemplate(FARTHEST_HEIGHT, network), 0, { payouts, tag });
  const outputs = options.payoutByIdentity === true ? [...payouts, LARGEST_MINER_OUTPUT] : payouts;
  return new JobDistributor(options.instance, { network, payouts, tag, refreshMs, feeRise }, outputs, modules);
}

class JobDistributor implements Service {
  readonly #instance: string;
  readonly #policy: JobPolicy;
  /** What a coinbase may have room to hold. */
  readonly #outputs: readonly Payout[];
  readonly #modules: JobDistributorModules;
  readonly #metrics: JobDistributorMetrics;
  readonly #view = new ChainView();
  readonly #nodeClocks = new NodeClocks();
  readonly #abort = new AbortController();
  readonly #interrupted: OutageLog;
  readonly #subscriptions: Subscription[] = [];
  #consumer: Consumer | undefined;
  #leader: Leader | undefined;
  #leading: Promise<void> = Promise.resolve();
  #lastJob: LastJob = { jobId: 0, epoch: 0n };

  constructor(instance: string, policy: JobPolicy, outputs: readonly Payout[], modules: JobDistributorModules) {
    this.#instance = instance;
    this.#policy = policy;
    this.#outputs = outputs;
    this.#modules = modules;
    this.#interrupted = new OutageLog(() => modules.clock.monotonic());
    this.#metrics = createMetrics(modules.metrics, jobDistributorMetrics);
    this.#metrics.leading.follow(() => (this.#leader === undefined ? 0 : 1));
    this.#metrics.height.follow(() => this.#leader?.height ?? Number.NaN);
    this.#metrics.feed.follow(() => this.#leader?.feed ?? Number.NaN);
    this.#metrics.outpaced.follow(() => this.#view.outpaced);
    this.#metrics.clockAhead.follow(() => (this.#nodeClocks.aheadMs(modules.clock) ?? Number.NaN) / 1000);
    modules.health.check('job-distributor: clock', () => this.#nodeClocks.trouble(modules.clock));
    modules.health.check('job-distributor: work', () =>
      this.#leader !== undefined && this.#leader.height === 0 ? 'no template yet' : undefined,
    );
  }

  async start(): Promise<void> {
    const { bus } = this.#modules;
    // Live for speed, the stream for what came before and for what was missed; both may bring the same.
    for (const key of ['tip', 'template'] as const) {
      this.#subscriptions.push(
        bus.subscribe(subjectPattern(key), (payload, subject) => this.#onNews(subject, payload, true)),
      );
    }
    this.#consumer = await bus.consume('TEMPLATES', { batch: NEWS_BATCH }, ({ subject, payload }) =>
      this.#onNews(subject, payload, false),
    );
    this.#leading = this.#lead();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    for (const subscription of this.#subscriptions) subscription.close();
    await this.#consumer?.close();
    this.#leader?.stop();
    await this.#leading;
  }

  #onNews(subject: string, payload: Uint8Array, live: boolean): void {
    try {
      const isNew = subjectMatches(subjectPattern('tip'), subject)
        ? this.#view.onTip(TipNews.decode(payload))
        : this.#onTemplate(Template.decode(payload), live);
      if (isNew) this.#leader?.nudge();
    } catch (error) {
      this.#metrics.refused.inc();
      this.#modules.log.warn({ subject, reason: messageOf(error) }, 'news left out');
    }
  }

  /** True: something is new. A block without room for our outputs would be invalid, whoever finds it. */
  #onTemplate(template: Template, live: boolean): boolean {
    this.#nodeClocks.note(template, live, this.#modules.clock.monotonic());
    // A server may ask for more in front of the script than a height: what does not fit then is left out, and not a job that cannot be made.
    buildJobCoinbase(template, 0, this.#policy);
    if (hasRoomFor(this.#outputs, template)) {
      return this.#view.onTemplate(template, unixMicros(this.#modules.clock));
    }
    this.#metrics.withoutRoom.inc();
    const advice =
      'fewer payouts; or, where template-provider is a process of its own, more coinbaseOutputsSize and coinbaseOutputsSigops';
    this.#modules.log.error({ provider: template.provider, advice }, 'a template leaves no room for the payouts');
    return false;
  }

  /** Stands by, leads, stands by again, until the service stops. */
  async #lead(): Promise<void> {
    const { bus, clock, log } = this.#modules;
    const { signal } = this.#abort;
    const lease = { key: LEASE_KEY, holder: this.#instance, ttlMs: LEASE_TTL_MS };
    while (!signal.aborted) {
      try {
        const held = await acquireLease(lease, { bus, clock, sleep }, signal);
        await this.#leadOnce(held).finally(() => held.release());
      } catch (error) {
        if (signal.aborted) return;
        log[this.#interrupted.level()]({ code: codeOf(error), reason: messageOf(error) }, 'leading was interrupted');
      }
      await sleep(RESTART_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #leadOnce(lease: Lease): Promise<void> {
    const { bus, clock, log } = this.#modules;
    const writer = await FeedWriter.open(lease, this.#lastJob, {
      bus,
      sleep,
      onRetry: (error) => {
        this.#metrics.retries.inc();
        log[this.#interrupted.level()]({ reason: messageOf(error) }, 'a record of the feed is sent again');
      },
    });
    const leader = new Leader({
      lease,
      writer,
      view: this.#view,
      nodeClocks: this.#nodeClocks,
      policy: this.#policy,
      clock,
      log,
      metrics: this.#metrics,
    });
    this.#metrics.leaderships.inc();
    this.#interrupted.over();
    log.info({ epoch: Number(lease.epoch), feed: writer.state.feed }, 'leading');
    const tick = setInterval(() => leader.nudge(), TICK_MS);
    void lease.lost.then(() => leader.stop());
    this.#leader = leader;
    if (this.#abort.signal.aborted) leader.stop();
    leader.nudge();
    try {
      await leader.ended;
    } finally {
      clearInterval(tick);
      this.#leader = undefined;
      this.#lastJob = { jobId: leader.lastJobId, epoch: lease.epoch };
      log.info('no longer leading');
    }
  }
}
