// The output of one incarnation, and with it the validator's only memory: its last record says where to go on. Each append expects the
// last sequence of the subject, so of two validators that both believe to be the one only one writes, and a repetition writes nothing.
import type { Bus } from '@sluice/bus/bus';
import { isBusError } from '@sluice/bus/errors';
import { CreditBatch, FindingReport } from '@sluice/bus/payloads/credit';
import { subjectName } from '@sluice/bus/subjects';
import { bytesEqual } from './bytes-equal.ts';
import type { AuditStart } from './incarnation-audit.ts';

const RESTATE_TIMEOUT_MS = 5_000;

export type Restatement = Partial<Pick<CreditBatch, 'held' | 'replayFrom' | 'floor'>>;

/** What became of an append: `other`: somebody else works this incarnation. */
export type AppendOutcome = 'stored' | 'other';

export class CreditLog {
  readonly #bus: Bus;
  readonly #creditSubject: string;
  readonly #findingSubject: string;
  #last: CreditBatch | undefined;
  /** Sequence in CREDITS of the last record of each subject. */
  #creditSequence = 0;
  #findingSequence = 0;
  /** Sequence in SHARES that the last report is about. */
  #reported = '';

  private constructor(bus: Bus, incarnation: bigint) {
    this.#bus = bus;
    this.#creditSubject = subjectName('credit', incarnation);
    this.#findingSubject = subjectName('findings', incarnation);
  }

  static async open(bus: Bus, incarnation: bigint): Promise<CreditLog> {
    const log = new CreditLog(bus, incarnation);
    const credit = await bus.last('CREDITS', log.#creditSubject);
    if (credit !== undefined) {
      log.#last = CreditBatch.decode(credit.payload);
      log.#creditSequence = credit.sequence;
    }
    const report = await bus.last('CREDITS', log.#findingSubject);
    if (report !== undefined) {
      log.#findingSequence = report.sequence;
      log.#reported = reportKey(FindingReport.decode(report.payload));
    }
    return log;
  }

  /** Where an audit begins. */
  get start(): AuditStart {
    const last = this.#last;
    if (last === undefined) return { batch: 0n, sequence: 0, floor: 0, held: false };
    return { batch: last.batch, sequence: Number(last.sequence), floor: Number(last.floor), held: last.held };
  }

  /** Sequence in SHARES from which to read. */
  get replayFrom(): number {
    return this.#last === undefined ? 1 : Number(this.#last.replayFrom);
  }

  /** Rejects with the errors of `Bus.append`, but for a sequence that is not the expected one: that is an outcome. */
  async appendCredit(credit: CreditBatch, payload: Uint8Array, timeoutMs: number): Promise<AppendOutcome> {
    try {
      const { sequence } = await this.#bus.append('CREDITS', this.#creditSubject, payload, {
        expectedLastSubjectSequence: this.#creditSequence,
        timeoutMs,
      });
      this.#creditSequence = sequence;
    } catch (error) {
      if (!isBusError(error, 'bus-wrong-sequence')) throw error;
      const stored = await this.#bus.last('CREDITS', this.#creditSubject);
      if (stored === undefined || !bytesEqual(stored.payload, payload)) return 'other';
      this.#creditSequence = stored.sequence;
    }
    this.#last = credit;
    return 'stored';
  }

  /**
   * Says anew what the last record said, with no shares and but for `changes`: the next validator begins with that, and one that works
   * this incarnation gives up its turn and begins again. False: somebody has written since `open`, or nothing was credited yet.
   */
  async restate(changes: Restatement, atMicros: bigint): Promise<boolean> {
    if (this.#last === undefined) return false;
    const record = {
      ...this.#last,
      ...changes,
      shares: 0,
      credits: [],
      minerPaid: [],
      findings: [],
      creditedAtMicros: atMicros,
    };
    return (await this.appendCredit(record, CreditBatch.encode(record), RESTATE_TIMEOUT_MS)) === 'stored';
  }

  /** Ahead of the credit: a crash between the two finds the report there and leaves it. */
  async appendReport(report: FindingReport, timeoutMs: number): Promise<AppendOutcome> {
    const key = reportKey(report);
    if (key === this.#reported) return 'stored';
    try {
      const { sequence } = await this.#bus.append('CREDITS', this.#findingSubject, FindingReport.encode(report), {
        expectedLastSubjectSequence: this.#findingSequence,
        timeoutMs,
      });
      this.#findingSequence = sequence;
    } catch (error) {
      if (!isBusError(error, 'bus-wrong-sequence')) throw error;
      const stored = await this.#bus.last('CREDITS', this.#findingSubject);
      if (stored === undefined || reportKey(FindingReport.decode(stored.payload)) !== key) return 'other';
      this.#findingSequence = stored.sequence;
    }
    this.#reported = key;
    return 'stored';
  }
}

/** Tells reports apart: a batch number may be used twice by a gateway that is broken. */
function reportKey({ batch, sequence }: FindingReport): string {
  return `${batch} ${sequence}`;
}
