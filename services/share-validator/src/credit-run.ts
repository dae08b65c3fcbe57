// Verdicts on batches that follow each other closely, as one record: with few shares in each, the append of a credit costs more than
// all else that is done for them.
import type { StreamMessage } from '@sluice/bus/bus';
import type { CreditBatch } from '@sluice/bus/payloads/credit';
import { ByPercent } from './by-percent.ts';
import { CreditSums } from './credit-sums.ts';
import type { Verdict } from './incarnation-audit.ts';

/** With so many workers a record is worth its append; far below the bus's largest payload with the names that workers have. */
const WORKERS_WORTH_AN_APPEND = 4_096;

export class CreditRun {
  readonly first: StreamMessage;
  readonly #credits = new CreditSums();
  readonly #minerPaid = new ByPercent(() => new CreditSums());
  #last: Verdict;
  #lastMessage: StreamMessage;
  #shares = 0;
  batches = 0;
  /** Sequence in SHARES up to which everything is done when this is stored: records that repeat others come behind the last one. */
  readTo = 0;

  constructor(verdict: Verdict, message: StreamMessage) {
    this.first = message;
    this.#last = verdict;
    this.#lastMessage = message;
    this.add(verdict, message);
  }

  get isFull(): boolean {
    return this.#credits.list().length + this.#minerPaid.size >= WORKERS_WORTH_AN_APPEND;
  }

  /** When the last record was stored, in Unix milliseconds. */
  get storedAtMs(): number {
    return this.#lastMessage.storedAtMs;
  }

  /** Of the next batch of the incarnation. One with findings stands in a record of its own. */
  add(verdict: Verdict, message: StreamMessage): void {
    this.#last = verdict;
    this.#lastMessage = message;
    this.readTo = message.sequence;
    this.#shares += verdict.shares;
    this.batches += 1;
    for (const { identity, worker, shares, work } of verdict.credits) this.#credits.add(identity, worker, shares, work);
    for (const { poolPercent, identity, worker, shares, work } of verdict.minerPaid)
      this.#minerPaid.of(poolPercent).add(identity, worker, shares, work);
  }

  record(incarnation: bigint, creditedAtMicros: bigint): CreditBatch {
    const { batch, held, replayFrom, floor, findings } = this.#last;
    return {
      incarnation,
      batch,
      sequence: BigInt(this.#lastMessage.sequence),
      held,
      replayFrom: BigInt(replayFrom),
      floor: BigInt(floor),
      shares: this.#shares,
      credits: this.#credits.list(),
      minerPaid: this.#minerPaid.list(),
      findings: findings.list(),
      creditedAtMicros,
    };
  }
}
