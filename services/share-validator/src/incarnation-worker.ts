// Works one incarnation: takes its lease, reads its shares from where the last credit says, judges and credits record by record, until it
// is told to stop or the lease is lost. Whatever fails in between ends the turn, and the next one begins from the stream.
import type { Bus, StreamMessage } from '@sluice/bus/bus';
import { acquireLease, type Lease } from '@sluice/bus/lease';
import { CreditBatch, type FindingReport } from '@sluice/bus/payloads/credit';
import { subjectName } from '@sluice/bus/subjects';
import type { Clock } from '@sluice/runtime/clock';
import { unixMicros } from '@sluice/runtime/clock';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { ValidatorCounters } from './counters.ts';
import { type AppendOutcome, CreditLog } from './credit-log.ts';
import { findingNames } from './findings.ts';
import { type AuditModules, IncarnationAudit, type Verdict } from './incarnation-audit.ts';
import type { WorkerStatistics } from './worker-statistics.ts';

/** Records fetched ahead of the judge. */
const RECORDS_AHEAD = 16;
const APPEND_TIMEOUT_MS = 2_000;
/** Between two attempts at an append, or two turns. */
const RETRY_PAUSE_MS = 250;

export interface WorkerOptions {
  /** Names this validator in leases. */
  readonly instance: string;
  readonly leaseTtlMs: number;
  /** Seconds that ntime may be ahead of the receipt. */
  readonly ntimeAhead: number;
}

export type Sleep = (ms: number, value?: undefined, options?: { signal?: AbortSignal }) => Promise<unknown>;

export interface WorkerModules {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sleep: Sleep;
  readonly counters: ValidatorCounters;
  readonly statistics: WorkerStatistics;
  /** Made for each turn; `signal` ends what it waits for. */
  readonly audit: (signal: AbortSignal) => AuditModules;
}

export class IncarnationWorker {
  readonly incarnation: bigint;
  /** The incarnation's credit is held, as far as this worker has read. */
  held = false;
  /** Last sequence of SHARES that is done; 0: none yet. */
  position = 0;
  readonly #options: WorkerOptions;
  readonly #modules: WorkerModules;
  readonly #log: Logger;
  readonly #outage: OutageLog;
  readonly #abort = new AbortController();
  #done: Promise<void> | undefined;
  #busyWith: StreamMessage | undefined;
  #idleSince: number;

  constructor(incarnation: bigint, options: WorkerOptions, modules: WorkerModules) {
    this.incarnation = incarnation;
    this.#options = options;
    this.#modules = modules;
    this.#log = modules.log.child({ incarnation: String(incarnation) });
    this.#outage = new OutageLog(() => modules.clock.monotonic());
    this.#idleSince = modules.clock.monotonic();
  }

  /** How old the record is that is being judged; 0: none is. */
  get behindMs(): number {
    return this.#busyWith === undefined ? 0 : Math.max(0, this.#modules.clock.now() - this.#busyWith.storedAtMs);
  }

  /** Milliseconds without a record. */
  get idleMs(): number {
    return this.#busyWith === undefined ? this.#modules.clock.monotonic() - this.#idleSince : 0;
  }

  start(): void {
    this.#done ??= this.#run();
  }

  /** Resolves when nothing more is written and the lease is given up. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#turn(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#modules.counters.failedTurns += 1;
        const facts = { code: codeOf(error), reason: messageOf(error) };
        this.#log[this.#outage.level()](facts, 'begins again from the last credit');
      }
      await this.#modules.sleep(RETRY_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** From the taking of the lease to its loss or the order to stop. Rejects when a record could not be judged. */
  async #turn(signal: AbortSignal): Promise<void> {
    const { bus, clock, sleep } = this.#modules;
    const { instance: holder, leaseTtlMs: ttlMs, ntimeAhead } = this.#options;
    const lease = await acquireLease(
      { key: `shares-${this.incarnation}`, holder, ttlMs },
      { bus, clock, sleep },
      signal,
    );
    try {
      const credits = await CreditLog.open(bus, this.incarnation);
      const audit = new IncarnationAudit(this.incarnation, credits.start, { ntimeAhead }, this.#modules.audit(signal));
      this.held = audit.held;
      this.#log.debug({ ...credits.start, batch: String(credits.start.batch) }, 'works this incarnation');
      await this.#follow({ lease, credits, audit, signal });
    } finally {
      this.#busyWith = undefined;
      await lease.release();
    }
  }

  async #follow(turn: Turn): Promise<void> {
    const { promise: failed, reject } = Promise.withResolvers<never>();
    failed.catch(() => undefined);
    let over = false;
    const filter = subjectName('shares', this.incarnation);
    const options = { filter, fromSequence: turn.credits.replayFrom, batch: RECORDS_AHEAD };
    const consumer = await this.#modules.bus.consume('SHARES', options, async (message) => {
      // A record must never be judged twice by one audit, so a failure ends the turn instead of asking for the record again.
      if (over) return;
      try {
        over = !(await this.#handle(message, turn));
        if (over) reject(new WorkedByAnother(this.incarnation));
      } catch (error) {
        over = true;
        reject(error);
      }
    });
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
    const onAbort = () => abort();
    turn.signal.addEventListener('abort', onAbort);
    if (turn.signal.aborted) abort();
    try {
      await Promise.race([failed, turn.lease.lost, aborted]);
    } finally {
      turn.signal.removeEventListener('abort', onAbort);
      over = true;
      await consumer.close();
    }
  }

  /** False: somebody else works this incarnation. */
  async #handle(message: StreamMessage, turn: Turn): Promise<boolean> {
    const { clock, counters } = this.#modules;
    this.#busyWith = message;
    const verdict = await turn.audit.judge(message);
    if (verdict !== undefined) {
      const outcome = await this.#conclude(verdict, message, turn);
      if (outcome === 'other') return false;
    } else counters.recordsAgain += 1;
    this.position = message.sequence;
    this.#busyWith = undefined;
    this.#idleSince = clock.monotonic();
    return true;
  }

  async #conclude(verdict: Verdict, message: StreamMessage, turn: Turn): Promise<AppendOutcome> {
    const { clock } = this.#modules;
    const findings = verdict.findings.list();
    const atMicros = unixMicros(clock);
    const { incarnation } = this;
    const { batch, held } = verdict;
    const sequence = BigInt(message.sequence);
    if (findings.length > 0) {
      const report: FindingReport = { incarnation, batch, sequence, held, findings, atMicros };
      const outcome = await this.#append(turn, () => turn.credits.appendReport(report, APPEND_TIMEOUT_MS));
      if (outcome === 'other') return outcome;
      this.#tell(verdict);
    }
    this.held = held;
    if (!verdict.counts) return 'stored';
    const credit: CreditBatch = {
      incarnation,
      batch,
      sequence,
      held,
      replayFrom: BigInt(verdict.replayFrom),
      floor: BigInt(verdict.floor),
      shares: verdict.shares,
      credits: verdict.credits,
      findings,
      creditedAtMicros: atMicros,
    };
    const payload = CreditBatch.encode(credit);
    const outcome = await this.#append(turn, () => turn.credits.appendCredit(credit, payload, APPEND_TIMEOUT_MS));
    if (outcome === 'stored') this.#count(verdict, message);
    return outcome;
  }

  /** Until it is stored, or it is not ours to store any more. */
  async #append({ lease, signal }: Turn, append: () => Promise<AppendOutcome>): Promise<AppendOutcome> {
    const { counters, sleep, clock } = this.#modules;
    for (;;) {
      signal.throwIfAborted();
      if (!lease.isHeld()) return 'other';
      const from = clock.monotonic();
      try {
        const outcome = await append();
        counters.onAppend((clock.monotonic() - from) / 1_000);
        this.#outage.over();
        return outcome;
      } catch (error) {
        counters.failedAppends += 1;
        const facts = { code: codeOf(error), reason: messageOf(error) };
        this.#log[this.#outage.level()](facts, 'a credit is not stored yet');
        await sleep(RETRY_PAUSE_MS, undefined, { signal });
      }
    }
  }

  #tell({ batch, held, findings }: Verdict): void {
    const { counters } = this.#modules;
    for (const name of findingNames) counters.findings[name] += findings.count(name);
    const details = { batch: String(batch), findings: findings.list().map(({ detail }) => detail) };
    if (held && !this.held)
      this.#log.error(details, 'records that no honest gateway makes: its credit is held from now on');
    else this.#log.warn(details, 'findings');
  }

  #count({ credits, shares }: Verdict, { storedAtMs }: StreamMessage): void {
    const { counters, statistics } = this.#modules;
    counters.batches += 1;
    counters.shares += shares;
    for (const credit of credits) {
      counters.creditedShares += credit.shares;
      counters.creditedWork += Number(credit.work);
      statistics.add(credit, storedAtMs);
    }
  }
}

interface Turn {
  readonly lease: Lease;
  readonly credits: CreditLog;
  readonly audit: IncarnationAudit;
  readonly signal: AbortSignal;
}

class WorkedByAnother extends Error {
  constructor(incarnation: bigint) {
    super(`incarnation ${incarnation} is worked by another validator`);
  }
}
