// Which work was there, as the stream of jobs tells it: the jobs of each tip, read when a share first names that tip. Nothing is
// taken from a gateway and nothing live: a record counts when the stream has it. Shared by all incarnations of the process.
import type { Bus, StreamMessage } from '@sluice/bus/bus';
import { isBusError } from '@sluice/bus/errors';
import { type Activate, JobRecord, type NewJob } from '@sluice/bus/payloads/job-record';
import { type ExtendedJob, jobOf, type Tip, tipOf } from '@sluice/mining/job';
import { baseJobId } from '@sluice/mining/job-id';
import { bytesEqual } from './bytes-equal.ts';

/** Tips kept; one that is asked for again is read again. A share of the present and of the last few blocks is answered from here. */
const TIPS_BOUND = 256;
/** Jobs kept of one tip; later ones are not found. At one job in 30 s it is reached after 34 hours without a block. */
const JOBS_PER_TIP_BOUND = 4_096;
const PAGE = 128;

/** A job on the tip that a share names. */
export interface KnownJob {
  readonly job: ExtendedJob;
  readonly tip: Tip;
  /** Feed number at which it became work: it orders jobs by time. */
  readonly order: number;
  /** When a provider first saw the tip, in Unix milliseconds. */
  readonly tipSeenAtMs: number;
}

/** `absent`: the stream does not have it (yet). `gone`: the stream no longer keeps that part of the feed. */
export type MissingJob = 'absent' | 'gone';

export class JobHistory {
  readonly #bus: Bus;
  /** By the feed number of the tip's activation, oldest reading first. */
  readonly #tips = new Map<number, TipJobs>();

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** Tips held. */
  get size(): number {
    return this.#tips.size;
  }

  /** The job if it was read already. `jobId` may be a reissue. */
  find(tipFeed: number, jobId: number): KnownJob | undefined {
    return this.#tips.get(tipFeed)?.find(jobId);
  }

  /** Reads what the stream has of that tip by now. Rejects with the errors of `Bus.read`. */
  async fetch(tipFeed: number, jobId: number): Promise<KnownJob | MissingJob> {
    const tip = this.#tips.get(tipFeed) ?? (await this.#open(tipFeed));
    if (typeof tip === 'string') return tip;
    await tip.readOn(this.#bus);
    return tip.find(jobId) ?? 'absent';
  }

  async #open(tipFeed: number): Promise<TipJobs | MissingJob> {
    const [message] = await this.#bus.read('JOBS', tipFeed, 1);
    if (message === undefined) return 'absent';
    if (message.sequence !== tipFeed) return 'gone';
    const record = decode(message);
    if (record?.kind !== 'activate') return 'absent';
    const present = this.#tips.get(tipFeed);
    if (present !== undefined) return present;
    const opened = new TipJobs(record);
    this.#tips.set(tipFeed, opened);
    if (this.#tips.size > TIPS_BOUND) {
      const [oldest] = this.#tips.keys();
      if (oldest !== undefined) this.#tips.delete(oldest);
    }
    return opened;
  }
}

/** One tip: its activation, the jobs on it, and how far the feed was read. */
class TipJobs {
  readonly #tip: Tip;
  readonly #seenAtMs: number;
  readonly #jobs = new Map<number, KnownJob>();
  /** Announced for a next height, by id. */
  readonly #future = new Map<number, ExtendedJob>();
  #next: number;
  /** Another tip has followed: nothing more can belong to this one. */
  #ended = false;
  #reading: Promise<void> | undefined;

  constructor({ feed, prevHash, nbits, minNtime, seenAtMicros, replayFrom }: Activate) {
    this.#tip = tipOf({ feed: Number(feed), prevHash, nbits, minNtime });
    this.#seenAtMs = Number(seenAtMicros / 1_000n);
    this.#next = Math.max(1, Math.min(Number(replayFrom), Number(feed)));
  }

  find(jobId: number): KnownJob | undefined {
    return this.#jobs.get(baseJobId(jobId));
  }

  /** One reading at a time; who comes meanwhile waits for it and reads on. */
  async readOn(bus: Bus): Promise<void> {
    await this.#reading?.catch(() => undefined);
    if (this.#ended) return;
    this.#reading ??= this.#read(bus).finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #read(bus: Bus): Promise<void> {
    for (;;) {
      const page = await bus.read('JOBS', this.#next, PAGE);
      for (const message of page) {
        this.#take(message);
        if (this.#ended) return;
        this.#next = message.sequence + 1;
      }
      if (page.length < PAGE) return;
    }
  }

  #take(message: StreamMessage): void {
    const record = decode(message);
    if (record === undefined) return;
    if (record.kind === 'newJob') this.#takeJob(record);
    else this.#takeActivation(record);
  }

  #takeJob(record: NewJob): void {
    if (record.future) this.#future.set(record.jobId, jobOf(record));
    else if (bytesEqual(record.prevHash, this.#tip.prevHash)) this.#add(jobOf(record), Number(record.feed));
  }

  /** The same tip may be activated again, when the leader of the distributors changes: channels stay on it and are given its job. */
  #takeActivation(record: Activate): void {
    const feed = Number(record.feed);
    const same = record.nbits === this.#tip.nbits && bytesEqual(record.prevHash, this.#tip.prevHash);
    const job = this.#future.get(record.jobId);
    if (same && job !== undefined) this.#add(job, feed);
    if (!same && feed > this.#tip.feed) this.#ended = true;
  }

  /** A job becomes work once: what were to make it work again must not open it for shares that were counted before it was closed. */
  #add(job: ExtendedJob, order: number): void {
    if (this.#jobs.size >= JOBS_PER_TIP_BOUND || this.#jobs.has(job.jobId)) return;
    this.#jobs.set(job.jobId, { job, tip: this.#tip, order, tipSeenAtMs: this.#seenAtMs });
  }
}

/** Undefined: not a record that anybody else could have used. */
function decode({ sequence, payload }: StreamMessage): JobRecord | undefined {
  try {
    const record = JobRecord.decode(payload);
    return Number(record.feed) === sequence ? record : undefined;
  } catch (error) {
    if (isBusError(error, 'bus-bad-payload')) return undefined;
    throw error;
  }
}
