// Appends the leader's records, one at a time, each expecting the one before. Without an answer the same bytes go out again under the
// same number and id, so that a number and an epoch never mean two different records to those who listen live, nor tip and job of a share two jobs.
import type { Bus } from '@sluice/bus/bus';
import { isBusError } from '@sluice/bus/errors';
import type { Lease } from '@sluice/bus/lease';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { subjectName } from '@sluice/bus/subjects';
import { nextJobId } from '@sluice/mining/job-id';
import { applyRecord, emptyFeedState, type FeedState } from './feed-state.ts';
import type { Draft } from './next-record.ts';

const APPEND_TIMEOUT_MS = 2_000;
const RETRY_PAUSE_MS = 100;
/** Records read at once at the start. */
const READ_BATCH = 256;

export interface FeedWriterModules {
  readonly bus: Bus;
  sleep(ms: number): Promise<unknown>;
  onRetry(error: unknown): void;
}

export interface LastJob {
  /** 0: none. */
  readonly jobId: number;
  /** Of the leader that stored last. */
  readonly epoch: bigint;
}

/** `lost`: the lease has run out, or somebody else has written: this leader is none any more. */
export type WriteOutcome = 'stored' | 'lost';

export class FeedWriter {
  readonly #lease: Lease;
  readonly #modules: FeedWriterModules;
  #state: FeedState;
  /** Of the last record in the stream; 0: it holds none, whatever it held before. */
  #lastSequence: number;

  private constructor(lease: Lease, modules: FeedWriterModules, { state, lastSequence }: StoredFeed) {
    this.#lease = lease;
    this.#modules = modules;
    this.#state = state;
    this.#lastSequence = lastSequence;
  }

  /**
   * Reads what is current. `known`: the newest job that this process knows of, should the stream have been lost. Of each leader before, one
   * record may have reached those who listen live and never the stream: its number comes again, and must not come to mean other work. So the
   * ids that they may have given are left out, and this leader activates no job but its own.
   */
  static async open(lease: Lease, known: LastJob, modules: FeedWriterModules): Promise<FeedWriter> {
    const { state, lastSequence, epoch } = await readFeed(modules.bus);
    const last = epoch === undefined ? known : { jobId: state.lastJobId, epoch };
    return new FeedWriter(lease, modules, {
      state: { ...state, future: undefined, lastJobId: leaveOut(last, lease.epoch) },
      lastSequence,
    });
  }

  get state(): FeedState {
    return this.#state;
  }

  async write(draft: Draft): Promise<WriteOutcome> {
    const { bus, sleep, onRetry } = this.#modules;
    const record = this.#complete(draft);
    const payload = JobRecord.encode(record);
    const expectedLastSubjectSequence = this.#lastSequence;
    const messageId = `${record.epoch}-${record.feed}`;
    for (;;) {
      if (!this.#lease.isHeld()) return 'lost';
      try {
        const options = { messageId, expectedLastSubjectSequence, timeoutMs: APPEND_TIMEOUT_MS };
        const { sequence } = await bus.append('JOBS', subjectName('jobs'), payload, options);
        // Readers leave out a record whose number is not its sequence: the numbers are to be read again.
        if (sequence !== Number(record.feed)) return 'lost';
        this.#lastSequence = sequence;
        this.#state = applyRecord(this.#state, record);
        return 'stored';
      } catch (error) {
        if (isBusError(error, 'bus-wrong-sequence') || !isBusError(error)) return this.#lostBy(error);
        onRetry(error);
        await sleep(RETRY_PAUSE_MS);
      }
    }
  }

  #lostBy(error: unknown): 'lost' {
    if (!isBusError(error)) throw error;
    return 'lost';
  }

  #complete(draft: Draft): JobRecord {
    const { feed, future, replayFrom } = this.#state;
    const starting = draft.kind === 'activate' ? Number(future?.feed ?? feed) : replayFrom;
    return { ...draft, epoch: this.#lease.epoch, feed: BigInt(feed + 1), replayFrom: BigInt(starting) };
  }
}

/**
 * One id for each epoch since: each leader since has had an epoch of its own, later than those before, and so has left out more than they
 * and given none of their ids. One id at least: the epochs of a bus that was lost begin again.
 */
function leaveOut({ jobId, epoch }: LastJob, ours: bigint): number {
  if (jobId === 0) return 0;
  return nextJobId(jobId, ours > epoch ? Number(ours - epoch) : 1);
}

interface StoredFeed {
  readonly state: FeedState;
  readonly lastSequence: number;
  /** Of the last record; undefined: the stream holds none. */
  readonly epoch?: bigint;
}

/** The state as the newest record's `replayFrom` lets any late joiner see it. A stream that was purged goes on with its numbers. */
async function readFeed(bus: Bus): Promise<StoredFeed> {
  const newest = await bus.last('JOBS', subjectName('jobs'));
  if (newest === undefined) {
    const { lastSequence: feed } = await bus.state('JOBS');
    return { state: { ...emptyFeedState, feed, replayFrom: feed + 1 }, lastSequence: 0 };
  }
  const { epoch, replayFrom: first } = JobRecord.decode(newest.payload);
  const replayFrom = Number(first);
  let state: FeedState = { ...emptyFeedState, replayFrom };
  for (let from = replayFrom; from <= newest.sequence; ) {
    const messages = await bus.read('JOBS', from, READ_BATCH);
    for (const { sequence, payload } of messages) {
      const record = JobRecord.decode(payload);
      if (Number(record.feed) === sequence) state = applyRecord(state, record);
      from = sequence + 1;
    }
    if (messages.length === 0) break;
  }
  return { state: { ...state, feed: newest.sequence }, lastSequence: newest.sequence, epoch };
}
