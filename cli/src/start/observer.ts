// Follows the bus for the live view: what was credited and to whom, which blocks were found, how hard the next one is.
import { compactToTarget } from '@sluice/bitcoin/target';
import type { Bus, Consumer, Subscription } from '@sluice/bus/bus';
import { CreditBatch } from '@sluice/bus/payloads/credit';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { subjectName, subjectPattern } from '@sluice/bus/subjects';
import { Blocks } from './blocks.ts';
import type { BlockSeen, WorkerSeen } from './snapshot.ts';
import { WorkRate } from './work-rate.ts';
import { Workers } from './workers.ts';

const AHEAD = 256;

export class Observer {
  readonly #bus: Bus;
  readonly #now: () => number;
  readonly #startedAtMs: number;
  readonly #rate: WorkRate;
  readonly #workers: Workers;
  readonly #blocks: Blocks;
  readonly #consumers: Consumer[] = [];
  #jobs: Subscription | undefined;
  /** Of the tip; 0 while it is not known. */
  height = 0;
  /** Of the next block; `undefined` while it is not known. */
  networkTarget: bigint | undefined;
  creditedEver = 0;
  /** Credited before this run. */
  readBack = 0;

  /** @param onBlock called for each block that becomes known in this run. */
  constructor(bus: Bus, now: () => number, onBlock: (block: BlockSeen) => void = () => undefined) {
    this.#bus = bus;
    this.#now = now;
    this.#startedAtMs = now();
    this.#rate = new WorkRate(this.#startedAtMs);
    this.#workers = new Workers(this.#startedAtMs);
    this.#blocks = new Blocks(this.#startedAtMs, onBlock);
  }

  async start(): Promise<void> {
    this.#jobs = this.#bus.subscribe(subjectName('jobs'), (payload) => this.#onJob(JobRecord.decode(payload)));
    await this.#readLastTip();
    this.#consumers.push(
      await this.#bus.consume('CREDITS', { filter: subjectPattern('credit'), batch: AHEAD }, ({ payload }) =>
        this.#onCredit(CreditBatch.decode(payload)),
      ),
      await this.#bus.consume('SOLUTIONS', { batch: AHEAD }, (message) => this.#blocks.take(message)),
    );
  }

  async stop(): Promise<void> {
    this.#jobs?.close();
    for (const consumer of this.#consumers) await consumer.close();
  }

  /** Hashes a second of the last minutes. */
  hashrate(): number {
    return this.#rate.perSecond(this.#now());
  }

  /** Blocks that a node has taken, earlier runs included. */
  get blocks(): number {
    return this.#blocks.accepted;
  }

  /** The last candidates that were answered, the newest first. */
  get latestBlocks(): readonly BlockSeen[] {
    return this.#blocks.latest;
  }

  /** @param refused shares by worker. */
  workers(refused: ReadonlyMap<string, number>): readonly WorkerSeen[] {
    return this.#workers.seen(this.#now(), refused);
  }

  /** After a restart the tip is mostly the same, and nothing is told of it until there is another job. */
  async #readLastTip(): Promise<void> {
    const last = await this.#bus.last('JOBS', subjectName('jobs'));
    if (last === undefined) return;
    const { replayFrom } = JobRecord.decode(last.payload);
    const records = await this.#bus.read('JOBS', Number(replayFrom), AHEAD);
    for (const { payload } of records) this.#onJob(JobRecord.decode(payload));
  }

  #onJob(record: JobRecord): void {
    if (record.kind === 'newJob' && record.future) return;
    this.height = record.height - 1;
    this.networkTarget = compactToTarget(record.nbits);
  }

  #onCredit(batch: CreditBatch): void {
    const atMs = Number(batch.creditedAtMicros / 1_000n);
    const good = [...batch.credits, ...batch.minerPaid];
    const shares = good.reduce((total, credit) => total + credit.shares, 0);
    this.creditedEver += shares;
    if (atMs < this.#startedAtMs) {
      this.readBack += shares;
      return;
    }
    this.#rate.add(Number(good.reduce((total, { work }) => total + work, 0n)), atMs);
    this.#workers.credit(batch, atMs);
  }
}
