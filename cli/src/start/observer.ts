// Follows the bus for the live view: what was credited, who found a block, what the node said to it.
import type { Bus, Consumer, Subscription } from '@sluice/bus/bus';
import { CreditBatch } from '@sluice/bus/payloads/credit';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { Solution, SolutionResult } from '@sluice/bus/payloads/solution';
import { subjectName, subjectPattern } from '@sluice/bus/subjects';
import type { BlockSeen } from './snapshot.ts';

/** Jobs and candidates remembered until the node has answered. */
const REMEMBERED_BOUND = 256;
/** Hashrate is that of the last minute. */
const RATE_WINDOW_MS = 60_000;
const CREDITS_AHEAD = 256;

const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');
const displayHex = (hash: Uint8Array): string => Buffer.from(hash).reverse().toString('hex');

/** A map that forgets its oldest entry at a bound. */
class Recent<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.set(key, value);
    if (this.#entries.size <= REMEMBERED_BOUND) return;
    const [oldest = ''] = this.#entries.keys();
    this.#entries.delete(oldest);
  }
}

export class Observer {
  readonly #bus: Bus;
  readonly #now: () => number;
  readonly #startedAtMs: number;
  readonly #heights = new Recent<number>();
  readonly #candidates = new Recent<Solution>();
  readonly #counted = new Recent<true>();
  /** Work credited in this run, by time. */
  #recentWork: { readonly atMs: number; readonly work: number }[] = [];
  readonly #subscriptions: Subscription[] = [];
  #credits: Consumer | undefined;
  height = 0;
  creditedEver = 0;
  /** Credited before this run. */
  readBack = 0;
  blocks = 0;
  lastBlock: BlockSeen | undefined;

  constructor(bus: Bus, now: () => number) {
    this.#bus = bus;
    this.#now = now;
    this.#startedAtMs = now();
  }

  async start(): Promise<void> {
    this.#subscriptions.push(
      this.#bus.subscribe(subjectName('jobs'), (payload) => this.#onJob(JobRecord.decode(payload))),
      this.#bus.subscribe(subjectName('solutionNow'), (payload) => this.#onSolution(Solution.decode(payload))),
      this.#bus.subscribe(subjectName('solutionResult'), (payload) => this.#onResult(SolutionResult.decode(payload))),
    );
    const options = { filter: subjectPattern('credit'), batch: CREDITS_AHEAD };
    this.#credits = await this.#bus.consume('CREDITS', options, ({ payload }) =>
      this.#onCredit(CreditBatch.decode(payload)),
    );
  }

  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close();
    await this.#credits?.close();
  }

  /** Hashes a second of the last minute, or of the time since the start while that is shorter. */
  hashrate(): number {
    const now = this.#now();
    this.#recentWork = this.#recentWork.filter(({ atMs }) => atMs > now - RATE_WINDOW_MS);
    const work = this.#recentWork.reduce((total, entry) => total + entry.work, 0);
    return work / (Math.min(RATE_WINDOW_MS, Math.max(1_000, now - this.#startedAtMs)) / 1_000);
  }

  #onJob(record: JobRecord): void {
    if (record.kind === 'newJob') this.#heights.set(String(record.jobId), record.height);
    if (record.kind === 'activate' || !record.future) this.height = record.height - 1;
  }

  #onCredit({ credits, creditedAtMicros }: CreditBatch): void {
    const atMs = Number(creditedAtMicros / 1_000n);
    const shares = credits.reduce((total, credit) => total + credit.shares, 0);
    this.creditedEver += shares;
    if (atMs < this.#startedAtMs) this.readBack += shares;
    else this.#recentWork.push({ atMs, work: Number(credits.reduce((total, { work }) => total + work, 0n)) });
  }

  #onSolution(solution: Solution): void {
    this.#candidates.set(hex(solution.hash), solution);
  }

  #onResult({ hash, answer }: SolutionResult): void {
    const key = hex(hash);
    const solution = this.#candidates.get(key);
    if (solution === undefined || this.#counted.get(key) === true) return;
    if (answer === '') {
      this.blocks += 1;
      this.#counted.set(key, true);
    }
    this.lastBlock = {
      height: this.#heights.get(String(solution.jobId)) ?? 0,
      hash: displayHex(hash),
      worker: [solution.identity, solution.worker].filter((part) => part !== '').join('.'),
      answer: answer === '' ? 'accepted' : answer,
      atMs: this.#now(),
    };
  }
}
