// The share-validator: finds the incarnations that have shares to be judged, works those that are its own, and tells what it saw.
import type { Network } from '@sluice/bitcoin/network';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import type { Bus } from '@sluice/bus/bus';
import { Statistics } from '@sluice/bus/payloads/credit';
import { subjectName, subjectPattern } from '@sluice/bus/subjects';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Health } from '@sluice/runtime/health';
import type { Logger } from '@sluice/runtime/logger';
import { createMetrics, type MetricsRegistry } from '@sluice/runtime/metrics';
import type { Service } from '@sluice/runtime/run-service';
import { ValidatorCounters } from './counters.ts';
import { CreditLog } from './credit-log.ts';
import type { AuditModules } from './incarnation-audit.ts';
import { incarnationOf } from './incarnation-subject.ts';
import { IncarnationWorker, type Sleep } from './incarnation-worker.ts';
import { JobHistory } from './job-history.ts';
import { followValidator, shareValidatorMetrics } from './metrics.ts';
import { patientJobs } from './patient-jobs.ts';
import { ShareRetention } from './share-retention.ts';
import { SolutionRescue } from './solution-rescue.ts';
import { Validators } from './validators.ts';
import { WorkerStatistics } from './worker-statistics.ts';

/** Incarnations worked at once; others wait for one to fall silent. */
const WORKERS_BOUND = 1_024;
/** Between two beats, and two looks for incarnations to work. */
const TICK_MS = 2_000;
/** An incarnation without shares for so long is left until there are new ones. */
const IDLE_MS = 60_000;
const DEFAULT_SHARE_RETENTION_MS = 7 * 86_400_000;
/** A record that waits for longer makes the validator say that it is behind. */
const BEHIND_MS = 60_000;

export interface ShareValidatorOptions {
  /** Unique among validators: letters, digits, `-` and `_`. */
  readonly instance: string;
  /** Network of the addresses by which channels may have their blocks paid to the miner, as at the channel-manager; absent: none may. */
  readonly payoutNetwork?: Network;
  readonly leaseTtlMs: number;
  readonly statisticsEveryMs: number;
  /** How long credited shares are kept, a day at least; 0: for ever. Default seven days. */
  readonly shareRetentionMs?: number;
}

export interface ShareValidatorModules {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly health: Health;
  readonly sleep: Sleep;
  /** Resolves when the process has looked after its sockets. */
  readonly yieldNow: () => Promise<unknown>;
}

export function createShareValidatorService(options: ShareValidatorOptions, modules: ShareValidatorModules): Service {
  return new ShareValidator(options, modules);
}

class ShareValidator implements Service {
  readonly #options: ShareValidatorOptions;
  readonly #modules: ShareValidatorModules;
  readonly #counters = new ValidatorCounters();
  readonly #validators: Validators;
  readonly #history: JobHistory;
  readonly #rescue: SolutionRescue;
  readonly #statistics: WorkerStatistics;
  readonly #retention: ShareRetention | undefined;
  readonly #workers = new Map<bigint, IncarnationWorker>();
  /** Subjects whose shares are all credited, with the mark that they had then. */
  readonly #settled = new Map<string, number>();
  readonly #abort = new AbortController();
  #waiting = 0;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: ShareValidatorOptions, modules: ShareValidatorModules) {
    const { bus, clock, log } = modules;
    const counters = this.#counters;
    this.#options = options;
    this.#modules = modules;
    this.#validators = new Validators(options.instance, modules);
    this.#history = new JobHistory(bus);
    this.#rescue = new SolutionRescue({ bus, clock, log, counters });
    this.#statistics = new WorkerStatistics(clock.now());
    const { shareRetentionMs: retentionMs = DEFAULT_SHARE_RETENTION_MS } = options;
    this.#retention = retentionMs === 0 ? undefined : new ShareRetention({ ...options, retentionMs }, modules);
    followValidator(createMetrics(modules.metrics, shareValidatorMetrics), counters, {
      incarnations: () => this.#workers.size,
      waiting: () => this.#waiting,
      held: () => [...this.#workers.values()].filter((worker) => worker.held).length,
      behindMs: () => this.#behindMs(),
      oldestShareMs: () => this.#retention?.oldestMs ?? Number.NaN,
      tips: () => this.#history.size,
      workers: () => this.#statistics.size,
      workersEvicted: () => this.#statistics.evicted,
    });
  }

  async start(): Promise<void> {
    this.#validators.listen();
    this.#loops = Promise.all([
      this.#every(TICK_MS, async () => this.#beat()),
      this.#every(TICK_MS, () => this.#lookAround()),
      this.#every(this.#options.statisticsEveryMs, async () => this.#publishStatistics()),
      this.#retention?.run(this.#abort.signal),
    ]);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#validators.beat({ ready: false, incarnations: 0, troubles: ['stopping'] });
    this.#validators.close();
    await this.#loops;
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()));
    await this.#rescue.settled();
  }

  async #every(ms: number, work: () => Promise<void>): Promise<void> {
    const { sleep, log } = this.#modules;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        log.debug({ reason: messageOf(error) }, 'tried again later');
      }
      await sleep(ms, undefined, { signal }).catch(() => undefined);
    }
  }

  #beat(): void {
    const behindMs = this.#behindMs();
    const troubles = behindMs > BEHIND_MS ? [`${Math.round(behindMs / 1_000)} s behind`] : [];
    this.#validators.beat({ ready: true, incarnations: this.#workers.size, troubles });
  }

  async #lookAround(): Promise<void> {
    const marks = await this.#modules.bus.subjects('SHARES', subjectPattern('shares'));
    for (const subject of this.#settled.keys()) if (!marks.has(subject)) this.#settled.delete(subject);
    this.#waiting = 0;
    for (const [subject, mark] of marks) {
      if (this.#abort.signal.aborted) return;
      const incarnation = incarnationOf(subject);
      if (incarnation !== undefined) await this.#look(incarnation, subject, mark);
    }
  }

  async #look(incarnation: bigint, subject: string, mark: number): Promise<void> {
    const worker = this.#workers.get(incarnation);
    if (!this.#validators.isOurs(incarnation)) {
      if (worker !== undefined) await this.#end(worker);
    } else if (worker !== undefined) {
      if (worker.idleMs < IDLE_MS || !(await this.#hasRead(worker, subject))) return;
      await this.#end(worker);
      this.#settled.set(subject, mark);
    } else if (this.#settled.get(subject) !== mark) {
      if (await this.#isCredited(incarnation, subject)) this.#settled.set(subject, mark);
      else this.#begin(incarnation);
    }
  }

  #begin(incarnation: bigint): void {
    if (this.#workers.size >= WORKERS_BOUND) {
      this.#waiting += 1;
      return;
    }
    const { bus, clock, log, sleep, yieldNow } = this.#modules;
    const counters = this.#counters;
    const audit = (signal: AbortSignal): AuditModules => ({
      backend: wasmSha256d,
      jobs: patientJobs(this.#history, { clock, sleep, counters }, signal),
      yieldNow,
      onSolution: (share) => this.#rescue.add(incarnation, share),
    });
    const worker = new IncarnationWorker(incarnation, this.#options, {
      bus,
      clock,
      log,
      sleep,
      counters,
      statistics: this.#statistics,
      audit,
    });
    this.#workers.set(incarnation, worker);
    worker.start();
  }

  async #end(worker: IncarnationWorker): Promise<void> {
    await worker.stop();
    this.#workers.delete(worker.incarnation);
  }

  async #hasRead(worker: IncarnationWorker, subject: string): Promise<boolean> {
    const last = await this.#modules.bus.last('SHARES', subject);
    return last === undefined || last.sequence <= worker.position;
  }

  /** Whether the last record is credited: then nobody has to work the incarnation. */
  async #isCredited(incarnation: bigint, subject: string): Promise<boolean> {
    const { bus } = this.#modules;
    const last = await bus.last('SHARES', subject);
    if (last === undefined) return true;
    const { start } = await CreditLog.open(bus, incarnation);
    return start.sequence >= last.sequence;
  }

  #behindMs(): number {
    let behind = 0;
    for (const worker of this.#workers.values()) behind = Math.max(behind, worker.behindMs);
    return behind;
  }

  #publishStatistics(): void {
    const { bus, clock } = this.#modules;
    for (const message of this.#statistics.report(this.#options.instance, clock.now()))
      bus.publish(subjectName('statistics'), Statistics.encode(message));
  }
}
