// Work to every miner, those with the most accepted work first. What is to be written stands in one list; each connection, or each channel
// where it has its own jobs, knows how far it has come in it, and a pass brings everyone to its end in slices, so that shares are still
// answered meanwhile. A new job that comes during a pass starts it again from the top; but a tip is with everyone before anything that
// came behind it.
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import type { ExtendedJob, Tip } from '@sluice/mining/job';
import type { JobBook } from '@sluice/mining/job-book';
import { baseJobId, reissuedJobId } from '@sluice/mining/job-id';
import type { ShareLanes, WaitingShare } from '@sluice/mining/share-lanes';
import { type Clock, unixSeconds } from '@sluice/runtime/clock';
import type { SocketWriter } from '@sluice/server/socket-writer';
import { GatewayChannel, type JobGroup } from './channels.ts';
import type { Connection } from './connection.ts';
import type { GatewayCounters } from './counters.ts';
import { FanOutOrder, type Receiver } from './fan-out-order.ts';
import type { JobWriter } from './job-writer.ts';
import { RootsAhead } from './roots-ahead.ts';

/** One thing that every channel is told. */
export type Work =
  | { readonly kind: 'future'; readonly job: ExtendedJob }
  | { readonly kind: 'active'; readonly job: ExtendedJob; readonly minNtime: number }
  | { readonly kind: 'tip'; readonly job: ExtendedJob; readonly tip: Tip };

/** How long a slice may keep the loop from other sockets. */
const SLICE_MS = 2;
/** Work that a pass may be behind by; then it is finished in one go. A pass takes a fraction of a second. */
const LIST_BOUND = 64;
/** A future job is in no hurry: it waits so long for the full job of the present tip, and leaves with it in one write. A tip that names it takes it along. */
const FUTURE_WAIT_MS = 500;

export interface FanOutModules {
  readonly clock: Clock;
  readonly backend: Sha256dBackend;
  readonly book: JobBook;
  readonly jobs: JobWriter;
  /** Shares that came before what is written. */
  readonly lanes: Pick<ShareLanes<WaitingShare>, 'flush'>;
  readonly counters: GatewayCounters;
  /** Every connection has been told of a tip. */
  onTipDone(tip: Tip): void;
}

export class FanOut {
  readonly #modules: FanOutModules;
  readonly #order = new FanOutOrder();
  /** Work number `#first` onwards; `undefined` where later work took its place. */
  #list: (Work | undefined)[] = [];
  #first = 1;
  /** The last work that the present pass writes. */
  #passEnd = 0;
  /** The job of it whose root takes a standard channel more than a coinbase. */
  #passJob: ExtendedJob | undefined;
  readonly #roots = new RootsAhead();
  /** Those who are told next; empty between two steps. */
  readonly #step: Receiver[] = [];
  #nextSlice: NodeJS.Immediate | undefined;
  #futureWait: NodeJS.Timeout | undefined;
  /** The tip that the present pass tells. */
  #newTip: Tip | undefined;

  constructor(modules: FanOutModules) {
    this.#modules = modules;
  }

  /** A connection that may open channels from now on. */
  add(connection: Connection): void {
    connection.sentWork = this.#end;
    this.#order.add(connection);
  }

  remove(connection: Connection): void {
    this.#order.remove(connection);
  }

  /** Called every half minute or so: a sort is too slow for the moment of a new tip. */
  reorder(): void {
    this.#order.sort(this.#modules.clock.monotonic());
  }

  /** Tells everyone: a tip, and a job behind which there is none under way, to the first ones before this returns. */
  push(work: Work): void {
    this.#supersede(work);
    this.#list.push(work);
    this.#modules.counters.fanOuts += 1;
    if (work.kind === 'future') this.#futureWait ??= setTimeout(() => this.#futureIsDue(), FUTURE_WAIT_MS);
    else if (work.kind === 'tip') {
      this.#newTip = work.tip;
      this.#begin();
    } else if (this.#newTip === undefined) this.#begin();
  }

  /** Before a channel opens: what the groups of its connection were not told yet is not for it, which begins with what is current. */
  catchUp(connection: Connection): void {
    if (connection.delivery !== 'group' || connection.sentWork >= this.#end) return;
    this.#modules.lanes.flush();
    this.#tellGroups(connection, this.#end);
    connection.writer.flush();
  }

  /** Gives a channel that has just been opened the current work. `catchUp` was called before the channel was added. */
  open(channel: GatewayChannel): void {
    const { book, jobs } = this.#modules;
    const { delivery, writer } = channel.connection;
    channel.sentWork = this.#end;
    const { tip } = book;
    const active = channel.jobOf(book.active);
    const next = channel.jobOf(book.next);
    if (delivery === 'none' || active === undefined || tip === undefined) return;
    this.#future(channel, channel.id, active);
    jobs.tip(writer, channel.id, active.jobId, tip);
    this.#tipSent(channel, active, tip);
    if (next === undefined) return;
    // A client that keeps its group's jobs apart must have this one in the group when a tip for the group names it.
    const alone = delivery === 'group' && channel.group.members === 1;
    if (alone) jobs.extendedJob(writer, channel.group.id, next, next.jobId, undefined);
    else this.#future(channel, channel.id, next);
  }

  /**
   * Gives a channel its work again after an easing SetTarget, so that the new target holds at once. The id is fresh, and so is the
   * time from which the miner starts: it does not find the same shares again.
   */
  reissue(channel: GatewayChannel): void {
    const { clock, jobs, backend, book, lanes } = this.#modules;
    lanes.flush();
    this.#tell(channel.connection.delivery === 'own' ? channel : channel.connection, this.#end);
    const { tip } = book;
    const active = channel.jobOf(book.active);
    const activeId = channel.mining.activeJobId;
    const jobId = activeId === undefined ? undefined : reissuedJobId(activeId);
    if (active === undefined || tip === undefined || jobId === undefined) return;
    const { writer } = channel.connection;
    // Beyond every time that the miner can have hashed with: the clock's, and those of earlier reissues of this job.
    const minNtime = Math.max(tip.minNtime, unixSeconds(clock)) + jobId - baseJobId(jobId);
    if (channel.mining.kind === 'extended') jobs.extendedJob(writer, channel.id, active, jobId, minNtime);
    else jobs.standardJob(writer, channel.id, active, jobId, minNtime, channel.mining.rootOf(active, backend));
    this.#jobSent(channel, active, jobId);
  }

  stop(): void {
    clearImmediate(this.#nextSlice);
    clearTimeout(this.#futureWait);
  }

  get #end(): number {
    return this.#first + this.#list.length - 1;
  }

  /** A tip voids what was not written yet, but the job that it names; a job takes the place of the one before. */
  #supersede(work: Work): void {
    if (work.kind === 'future') return;
    this.#list = this.#list.map((waiting) => {
      if (work.kind === 'tip') return waiting?.kind === 'future' && waiting.job === work.job ? waiting : undefined;
      return waiting?.kind === 'active' ? undefined : waiting;
    });
  }

  #futureIsDue(): void {
    this.#futureWait = undefined;
    if (this.#newTip === undefined) this.#begin();
  }

  /** A pass for all that is in the list. */
  #begin(): void {
    clearTimeout(this.#futureWait);
    this.#futureWait = undefined;
    this.#order.restart();
    this.#passEnd = this.#end;
    this.#passJob = this.#list.findLast((work) => work !== undefined && needsRoot(work))?.job;
    this.#slice();
  }

  #slice(): void {
    const { clock } = this.#modules;
    const unbounded = this.#list.length > LIST_BOUND;
    const end = clock.monotonic() + SLICE_MS;
    clearImmediate(this.#nextSlice);
    while (this.#tellNext()) {
      if (unbounded || clock.monotonic() < end) continue;
      this.#nextSlice = setImmediate(() => this.#slice());
      return;
    }
    this.#finish();
  }

  /** One step of the pass; false: nobody is left. */
  #tellNext(): boolean {
    const step = this.#step;
    this.#order.take(step, this.#passEnd);
    if (step.length === 0) return false;
    this.#modules.lanes.flush();
    this.#hashAhead();
    let writer: SocketWriter | undefined;
    for (const receiver of step) {
      const next = receiver instanceof GatewayChannel ? receiver.connection.writer : receiver.writer;
      if (next !== writer) writer?.flush();
      writer = next;
      this.#tell(receiver, this.#passEnd);
    }
    writer?.flush();
    step.length = 0;
    return true;
  }

  /** Has roots made for the channels of the step that have their own. */
  #hashAhead(): void {
    const job = this.#passJob;
    if (job === undefined) return;
    this.#roots.begin(job);
    for (const receiver of this.#step)
      if (receiver instanceof GatewayChannel && receiver.jobOf(job) === job) this.#roots.add(receiver.mining);
    this.#roots.run();
  }

  /** Writes what somebody was not told yet, up to work number `end`. */
  #tell(receiver: Receiver, end: number): void {
    if (receiver instanceof GatewayChannel) this.#tellChannel(receiver, end);
    else this.#tellGroups(receiver, end);
  }

  #finish(): void {
    this.#list.splice(0, this.#passEnd + 1 - this.#first);
    this.#first = this.#passEnd + 1;
    if (this.#newTip !== undefined) this.#modules.onTipDone(this.#newTip);
    this.#newTip = undefined;
    this.#roots.begin(undefined);
    // What came behind the tip.
    const isDue = this.#list.length > 0 && this.#futureWait === undefined;
    if (isDue || this.#list.some((work) => work?.kind === 'active'))
      this.#nextSlice = setImmediate(() => this.#begin());
  }

  #tellGroups(connection: Connection, end: number): void {
    for (let number = Math.max(connection.sentWork + 1, this.#first); number <= end; number++) {
      const work = this.#list[number - this.#first];
      if (work === undefined) continue;
      for (const channel of connection.channels) {
        const job = channel.jobOf(work.job);
        if (job === undefined) continue;
        if (channel.group.told !== work) {
          channel.group.told = work;
          this.#writeGroup(connection, channel.group, work, job);
        }
        this.#sent(channel, work, job);
      }
    }
    connection.sentWork = end;
  }

  #tellChannel(channel: GatewayChannel, end: number): void {
    for (let number = Math.max(channel.sentWork + 1, this.#first); number <= end; number++) {
      const work = this.#list[number - this.#first];
      const job = work && channel.jobOf(work.job);
      if (work === undefined || job === undefined) continue;
      this.#writeOwn(channel, work, job);
      this.#sent(channel, work, job);
    }
    channel.sentWork = end;
  }

  #writeGroup({ writer }: Connection, { id }: JobGroup, work: Work, job: ExtendedJob): void {
    const { jobs } = this.#modules;
    if (work.kind === 'tip') jobs.tip(writer, id, job.jobId, work.tip);
    else {
      const minNtime = work.kind === 'active' ? work.minNtime : undefined;
      jobs.extendedJob(writer, id, job, job.jobId, minNtime);
    }
  }

  /** A standard channel of a connection that takes standard jobs only. */
  #writeOwn(channel: GatewayChannel, work: Work, job: ExtendedJob): void {
    const { jobs, backend } = this.#modules;
    const { writer } = channel.connection;
    if (work.kind === 'tip') jobs.tip(writer, channel.id, job.jobId, work.tip);
    else {
      const minNtime = work.kind === 'active' ? work.minNtime : undefined;
      const made = this.#roots.rootOf(channel.mining, job);
      if (made !== undefined) channel.mining.takeRoot(job, made);
      jobs.standardJob(writer, channel.id, job, job.jobId, minNtime, channel.mining.rootOf(job, backend));
    }
  }

  #future(channel: GatewayChannel, channelId: number, job: ExtendedJob): void {
    const { jobs, backend } = this.#modules;
    const { writer } = channel.connection;
    if (channel.mining.kind === 'extended') jobs.extendedJob(writer, channelId, job, job.jobId, undefined);
    else jobs.standardJob(writer, channelId, job, job.jobId, undefined, channel.mining.rootOf(job, backend));
  }

  #sent(channel: GatewayChannel, work: Work, job: ExtendedJob): void {
    if (work.kind === 'tip') this.#tipSent(channel, job, work.tip);
    else if (work.kind === 'active') this.#jobSent(channel, job, job.jobId);
  }

  #tipSent(channel: GatewayChannel, job: ExtendedJob, tip: Tip): void {
    channel.mining.tipSent(job, tip, this.#modules.clock.now());
    channel.vardiff.onJob(this.#modules.clock.monotonic());
  }

  #jobSent(channel: GatewayChannel, job: ExtendedJob, jobId: number): void {
    channel.mining.jobSent(job, jobId, this.#modules.clock.now());
    channel.vardiff.onJob(this.#modules.clock.monotonic());
  }
}

/** Whether standard channels are told a root that takes more than a coinbase. */
const needsRoot = ({ kind, job }: Work): boolean => kind !== 'tip' && job.merklePath.length > 0;
