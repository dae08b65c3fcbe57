// Reads the feed of jobs: what a gateway or distributor knows about work. Each record comes twice, by core subscription (at once, perhaps
// before it is stored, perhaps refused) and from the stream (the truth, a moment later). Whichever brings the next feed number
// first is delivered. A live record that the stream turns out not to have is put right by delivering the stored one under the same number.
// A stream that was lost begins again at lower numbers: a live record of a higher epoch shows it, and reading begins again there.
import type { Bus, Consumer, Subscription } from './bus.ts';
import { BusError } from './errors.ts';
import { JobRecord } from './payloads/job-record.ts';
import { subjects } from './subjects.ts';

const { name: SUBJECT, stream: STREAM } = subjects.jobs;
/** Records fetched ahead while catching up. */
const BATCH = 128;

export interface FeedReader {
  /** Feed number of the last record delivered; 0: none yet. */
  readonly position: number;
  /** Highest epoch seen: records of lower ones are of a leader that was deposed. */
  readonly epoch: bigint;
  close(): Promise<void>;
}

/**
 * Delivers everything that is current at the call (`replayFrom` of the newest record), resolves, and goes on with what comes.
 * `onRecord` is called in the order of feed numbers; the same number again means that the first record with it does not exist.
 */
export async function openFeed(
  bus: Bus,
  onRecord: (record: JobRecord) => void,
  onError: (error: unknown) => void,
): Promise<FeedReader> {
  const reader = new Reader(bus, onRecord, onError);
  try {
    await reader.open();
  } catch (error) {
    await reader.close();
    throw error;
  }
  return reader;
}

class Reader implements FeedReader {
  position = 0;
  epoch = 0n;
  readonly #bus: Bus;
  readonly #onRecord: (record: JobRecord) => void;
  readonly #onError: (error: unknown) => void;
  /** Epochs of live records that the stream has not confirmed yet, by feed number. */
  readonly #unconfirmed = new Map<number, bigint>();
  #live: Subscription | undefined;
  #consumer: Consumer | undefined;
  #waiting: { readonly position: number; readonly resolve: () => void } | undefined;
  #reopening: Promise<void> | undefined;
  #closed = false;

  constructor(bus: Bus, onRecord: (record: JobRecord) => void, onError: (error: unknown) => void) {
    this.#bus = bus;
    this.#onRecord = onRecord;
    this.#onError = onError;
  }

  async open(): Promise<void> {
    this.#live = this.#bus.subscribe(SUBJECT, (payload) => this.#onLive(payload));
    const newest = await this.#bus.last(STREAM, SUBJECT);
    await this.#consume(newest === undefined ? 1 : Number(JobRecord.decode(newest.payload).replayFrom));
    await this.#reached(newest?.sequence ?? 0);
  }

  async #consume(from: number): Promise<void> {
    this.position = from - 1;
    this.#unconfirmed.clear();
    this.#consumer = await this.#bus.consume(STREAM, { fromSequence: from, batch: BATCH }, ({ sequence, payload }) =>
      this.#onStored(sequence, payload),
    );
  }

  #reached(position: number): Promise<void> {
    if (this.position >= position) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = { position, resolve };
    });
  }

  #onLive(payload: Uint8Array): void {
    const record = this.#decode(payload);
    if (record === undefined || record.epoch < this.epoch) return;
    const feed = Number(record.feed);
    if (feed === this.position + 1) {
      this.#unconfirmed.set(feed, record.epoch);
      this.#deliver(feed, record);
    } else if (feed <= this.position && record.epoch > this.epoch) this.#lookForRestart();
    // A gap, or from before the replay: the stream brings it.
  }

  #onStored(sequence: number, payload: Uint8Array): void {
    const record = this.#decode(payload);
    if (record === undefined) return;
    if (Number(record.feed) !== sequence) {
      this.#onError(new BusError('bus-bad-payload', `record ${sequence} of the feed says that it is ${record.feed}`));
      return;
    }
    const live = this.#unconfirmed.get(sequence);
    this.#unconfirmed.delete(sequence);
    if (sequence <= this.position && live === record.epoch) return;
    // What was delivered from here on was on the word of a leader that the stream refused.
    if (sequence <= this.position) this.#unconfirmed.clear();
    this.#deliver(sequence, record);
  }

  #deliver(feed: number, record: JobRecord): void {
    this.position = feed;
    if (record.epoch > this.epoch) this.epoch = record.epoch;
    try {
      this.#onRecord(record);
    } catch (error) {
      this.#onError(error);
    }
    if (this.#waiting !== undefined && feed >= this.#waiting.position) {
      this.#waiting.resolve();
      this.#waiting = undefined;
    }
  }

  #decode(payload: Uint8Array): JobRecord | undefined {
    try {
      return JobRecord.decode(payload);
    } catch (error) {
      this.#onError(error);
      return undefined;
    }
  }

  /** A new leader writes numbers that we have had: either the stream refuses our last records, or it is another stream. */
  #lookForRestart(): void {
    this.#reopening ??= this.#reopenIfLost()
      .catch(this.#onError)
      .finally(() => {
        this.#reopening = undefined;
      });
  }

  async #reopenIfLost(): Promise<void> {
    const newest = await this.#bus.last(STREAM, SUBJECT);
    if (newest === undefined || newest.sequence >= this.position || this.#closed) return;
    await this.#consumer?.close();
    if (!this.#closed) await this.#consume(Number(JobRecord.decode(newest.payload).replayFrom));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#live?.close();
    await this.#reopening;
    await this.#consumer?.close();
  }
}
