// Reads the feed of jobs into the job book and hands what changed to the fan-out. The feed's order is the order of the wire.
import type { Bus } from '@sluice/bus/bus';
import { type FeedReader, openFeed } from '@sluice/bus/feed';
import type { Activate, JobRecord, NewJob } from '@sluice/bus/payloads/job-record';
import { untilThere } from '@sluice/bus/until-there';
import { jobOf, type Tip, tipOf } from '@sluice/mining/job';
import type { JobBook } from '@sluice/mining/job-book';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { GatewayCounters } from './counters.ts';
import type { Work } from './fan-out.ts';

export interface JobFeedModules {
  readonly bus: Bus;
  readonly log: Logger;
  readonly book: JobBook;
  readonly counters: GatewayCounters;
  onWork(work: Work): void;
}

export class JobFeed {
  readonly #modules: JobFeedModules;
  #reader: FeedReader | undefined;
  #ready: (() => void) | undefined;
  /** When the node's news of each tip came, in Unix microseconds; the last is kept. */
  #tipSeenAtMicros = 0n;
  #behind = false;
  #closed = false;
  #waitsFor = 'the feed of jobs';

  constructor(modules: JobFeedModules) {
    this.#modules = modules;
  }

  /** Feed number applied last. */
  get position(): number {
    return this.#reader?.position ?? 0;
  }

  /** The last tip named a job that is not known here: miners are still on the one before. */
  get behind(): boolean {
    return this.#behind;
  }

  /** What there is no work without. */
  get waitsFor(): string {
    return this.#waitsFor;
  }

  /** When the current tip was first seen by a provider, in Unix microseconds; 0: no tip yet. */
  get tipSeenAtMicros(): bigint {
    return this.#tipSeenAtMicros;
  }

  /** Resolves when there is work for a channel that opens. */
  async open(): Promise<void> {
    const { log, book } = this.#modules;
    const ready = new Promise<void>((resolve) => {
      this.#ready = resolve;
    });
    await this.#read();
    if (book.active === undefined && !this.#closed) log.info('waiting for the first job');
    await ready;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#ready?.();
    await this.#reader?.close();
  }

  /** A distributor that has not led yet has made no stream, and the bus may be away. */
  async #read(): Promise<void> {
    const { bus, log } = this.#modules;
    const outage = new OutageLog(() => performance.now());
    const open = () =>
      openFeed(
        bus,
        (record) => this.#onRecord(record),
        (error) => log.error({ reason: messageOf(error) }, 'a record of the feed cannot be used'),
      );
    this.#reader = await untilThere(open, {
      isStopped: () => this.#closed,
      onTrouble: (error) => {
        this.#waitsFor = `the feed of jobs: ${messageOf(error)}`;
        // At the start of a whole pool this is only a matter of order.
        log[outage.level() === 'warn' ? 'info' : 'debug']({ reason: messageOf(error) }, 'waiting for the feed of jobs');
      },
    });
    this.#waitsFor = 'the first job';
    if (this.#closed) await this.#reader?.close();
  }

  #onRecord(record: JobRecord): void {
    this.#modules.counters.feedRecords += 1;
    if (record.kind === 'newJob') this.#onNewJob(record);
    else this.#onActivate(record);
    if (this.#modules.book.active !== undefined) this.#ready?.();
  }

  #onNewJob(record: NewJob): void {
    const { book, log, onWork } = this.#modules;
    const job = jobOf(record);
    if (record.future) {
      book.addFuture(job);
      onWork({ kind: 'future', job });
    } else if (book.tip !== undefined && Buffer.compare(book.tip.prevHash, record.prevHash) === 0) {
      book.setActive(job);
      onWork({ kind: 'active', job, minNtime: Math.max(record.minNtime, book.tip.minNtime) });
    } else {
      // A late joiner reads from the future job of the current tip on: jobs of the tip before stand between that and its activation.
      log.debug({ jobId: record.jobId }, 'a job for a tip that is not the current one was left out');
    }
  }

  #onActivate(record: Activate): void {
    const { book, log, counters, onWork } = this.#modules;
    const before = book.tip;
    const tip = tipOf({
      feed: Number(record.feed),
      prevHash: record.prevHash,
      nbits: record.nbits,
      minNtime: record.minNtime,
    });
    const job = book.activate(record.jobId, tip);
    this.#behind = job === undefined;
    if (job === undefined) {
      counters.tipsWithoutJob += 1;
      log.warn({ jobId: record.jobId }, 'a tip names a job that is not known here');
      return;
    }
    this.#tipSeenAtMicros = record.seenAtMicros;
    // A distributor that starts again says what is current again: the same tip must not make anyone's work stale.
    if (before !== undefined && isSameTip(before, tip)) onWork({ kind: 'active', job, minNtime: tip.minNtime });
    else onWork({ kind: 'tip', job, tip });
  }
}

function isSameTip(a: Tip, b: Tip): boolean {
  return a.nbits === b.nbits && Buffer.compare(a.prevHash, b.prevHash) === 0;
}
