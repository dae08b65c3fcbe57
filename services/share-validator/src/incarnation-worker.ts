// Works one incarnation: takes its lease, reads its shares from where the last credit says, judges them record by record and credits
// what came together, until it is told to stop or the lease is lost. Whatever fails in between ends the turn, and the next one begins from
// the stream.
import type { Network } from '@sluice/bitcoin/network';
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
import type { CreditRun } from './credit-run.ts';
import { Crediting } from './crediting.ts';
import { findingNames } from './findings.ts';
import { type AuditModules, IncarnationAudit, type Verdict } from './incarnation-audit.ts';
import type { WorkerStatistics } from './worker-statistics.ts';

/** Records fetched ahead of the judge. */
const RECORDS_AHEAD = 16;
/**
 * With few shares in each record it is the waking up that costs, and everything that has left the processor's caches meanwhile: they are judged in
 * one go. Large ones are spread over this time: what judges them may share its core with the gateway. Nobody waits for a credit.
 */
const GATHER_MS = 250;
const APPEND_TIMEOUT_MS = 2_000;
/** Between two attempts at an append, or two turns. */
const RETRY_PAUSE_MS = 250;

export interface WorkerOptions {
  /** Names this validator in leases. */
  readonly instance: string;
  readonly leaseTtlMs: number;
  /** Network of the addresses by which channels may have their blocks paid to the miner; absent: none may. */
  readonly payoutNetwork?: Network;
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
  /** The same, unless its credit was stored before: each turn judges some of those again. */
  #uncredited: StreamMessage | undefined;
  #crediting: Crediting | undefined;
  #idleSince: number;
  /** Since when nothing is read of what may have come; undefined: it is read. */
  #waitsSince: number | undefined;

  constructor(incarnation: bigint, options: WorkerOptions, modules: WorkerModules) {
    this.incarnation = incarnation;
    this.#options = options;
    this.#modules = modules;
    this.#log = modules.log.child({ incarnation: String(incarnation) });
    this.#outage = new OutageLog(() => modules.clock.monotonic());
    this.#idleSince = modules.clock.monotonic();
    this.#waitsSince = this.#idleSince;
  }

  /** How old the first record is that is not credited yet, or for how long nothing could be read; 0: all that came is credited. */
  get behindMs(): number {
    const { clock } = this.#modules;
    const first = this.#crediting?.oldest ?? this.#uncredited;
    if (first !== undefined) return Math.max(0, clock.now() - first.storedAtMs);
    return this.#waitsSince === undefined ? 0 : clock.monotonic() - this.#waitsSince;
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
    const { instance: holder, leaseTtlMs: ttlMs } = this.#options;
    const lease = await acquireLease(
      { key: `shares-${this.incarnation}`, holder, ttlMs },
      { bus, clock, sleep },
      signal,
    );
    try {
      const credits = await CreditLog.open(bus, this.incarnation);
      const audit = new IncarnationAudit(this.incarnation, credits.start, this.#options, this.#modules.audit(signal));
      this.held = audit.held;
      this.#log.debug({ ...credits.start, batch: String(credits.start.batch) }, 'works this incarnation');
      await this.#follow({ lease, credits, audit, signal });
    } finally {
      this.#busyWith = undefined;
      this.#uncredited = undefined;
      await lease.release();
    }
  }

  async #follow(turn: Turn): Promise<void> {
    const { promise: failed, reject } = Promise.withResolvers<never>();
    failed.catch(() => undefined);
    let over = false;
    const fail = (error: unknown) => {
      over = true;
      reject(error);
    };
    const crediting = new Crediting({ ...this.#modules, store: (run) => this.#store(run, turn), onFailure: fail });
    this.#crediting = crediting;
    const filter = subjectName('shares', this.incarnation);
    const fromSequence = turn.credits.replayFrom;
    const options = { filter, fromSequence, batch: RECORDS_AHEAD, gatherMs: GATHER_MS };
    const consumer = await this.#modules.bus.consume('SHARES', options, async (message) => {
      // A record must never be judged twice by one audit, so a failure ends the turn instead of asking for the record again.
      if (!over) await this.#handle(message, turn, crediting).catch(fail);
    });
    this.#waitsSince = undefined;
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
    const onAbort = () => abort();
    turn.signal.addEventListener('abort', onAbort);
    if (turn.signal.aborted) abort();
    try {
      await Promise.race([failed, turn.lease.lost, aborted]);
    } finally {
      turn.signal.removeEventListener('abort', onAbort);
      // What was behind goes on to be.
      this.#waitsSince = this.#modules.clock.monotonic() - this.behindMs;
      const inOrder = !over && turn.lease.isHeld();
      over = true;
      await consumer.close();
      if (inOrder) await crediting.flush();
      crediting.close();
      this.#crediting = undefined;
    }
  }

  async #handle(message: StreamMessage, turn: Turn, crediting: Crediting): Promise<void> {
    const { clock, counters } = this.#modules;
    this.#busyWith = message;
    if (message.sequence > turn.credits.start.sequence) this.#uncredited = message;
    const verdict = await turn.audit.judge(message);
    if (verdict === undefined) {
      counters.recordsAgain += 1;
      if (await crediting.pass(message)) this.position = message.sequence;
    } else if (verdict.findings.list().length === 0) await crediting.add(verdict, message);
    else await this.#withFindings(verdict, message, turn, crediting);
    this.#busyWith = undefined;
    this.#uncredited = undefined;
    this.#idleSince = clock.monotonic();
  }

  /** A report, and a credit of its own. */
  async #withFindings(verdict: Verdict, message: StreamMessage, turn: Turn, crediting: Crediting): Promise<void> {
    await crediting.flush();
    const { batch, held } = verdict;
    const report: FindingReport = {
      incarnation: this.incarnation,
      batch,
      sequence: BigInt(message.sequence),
      held,
      findings: verdict.findings.list(),
      atMicros: unixMicros(this.#modules.clock),
    };
    await this.#append(turn, () => turn.credits.appendReport(report, APPEND_TIMEOUT_MS));
    this.#tell(verdict);
    this.held = held;
    if (verdict.counts) {
      await crediting.add(verdict, message);
      await crediting.flush();
    } else this.position = message.sequence;
  }

  async #store(run: CreditRun, turn: Turn): Promise<void> {
    const credit = run.record(this.incarnation, unixMicros(this.#modules.clock));
    const payload = CreditBatch.encode(credit);
    await this.#append(turn, () => turn.credits.appendCredit(credit, payload, APPEND_TIMEOUT_MS));
    this.#count(credit, run);
    this.position = run.readTo;
  }

  /** Until it is stored; rejects when it is not ours to store any more, and at the first failure after the order to stop. */
  async #append({ lease, signal }: Turn, append: () => Promise<AppendOutcome>): Promise<void> {
    const { counters, sleep, clock } = this.#modules;
    for (;;) {
      if (!lease.isHeld()) throw new WorkedByAnother(this.incarnation);
      const from = clock.monotonic();
      try {
        const outcome = await append();
        counters.onAppend((clock.monotonic() - from) / 1_000);
        this.#outage.over();
        if (outcome === 'stored') return;
      } catch (error) {
        signal.throwIfAborted();
        counters.failedAppends += 1;
        const facts = { code: codeOf(error), reason: messageOf(error) };
        this.#log[this.#outage.level()](facts, 'a credit is not stored yet');
        await sleep(RETRY_PAUSE_MS, undefined, { signal });
        continue;
      }
      throw new WorkedByAnother(this.incarnation);
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

  #count({ credits, minerPaid, shares }: CreditBatch, { batches, storedAtMs }: CreditRun): void {
    const { counters, statistics } = this.#modules;
    counters.batches += batches;
    counters.shares += shares;
    for (const credit of credits) {
      counters.creditedShares += credit.shares;
      counters.creditedWork += Number(credit.work);
      statistics.add(credit, storedAtMs);
    }
    for (const paid of minerPaid) {
      counters.minerPaidShares += paid.shares;
      counters.minerPaidWork += Number(paid.work);
      statistics.add(paid, storedAtMs);
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
