// Verdicts on batches that follow each other closely, as one record: with few shares in each, the append of a credit costs more than
// all else that is done for them.
import type { StreamMessage } from '@sluice/bus/bus';
import type { CreditBatch } from '@sluice/bus/payloads/credit';
import type { Credit } from './credit-table.ts';
import type { Verdict } from './incarnation-audit.ts';
import type { MinerPaid } from './miner-paid-table.ts';
import { workerKey } from './worker-key.ts';

/** With so many workers a record is worth its append; far below the bus's largest payload with the names that workers have. */
const WORKERS_WORTH_AN_APPEND = 4_096;

type Sums<C extends Credit> = Map<string, { -readonly [K in keyof C]: C[K] }>;

export class CreditRun {
  readonly first: StreamMessage;
  readonly #credits: Sums<Credit> = new Map();
  readonly #minerPaid: Sums<MinerPaid> = new Map();
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
    return this.#credits.size + this.#minerPaid.size >= WORKERS_WORTH_AN_APPEND;
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
    for (const credit of verdict.credits) sumUp(this.#credits, workerKey(credit.identity, credit.worker), credit);
    for (const credit of verdict.minerPaid)
      sumUp(this.#minerPaid, `${credit.poolPercent} ${workerKey(credit.identity, credit.worker)}`, credit);
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
      credits: [...this.#credits.values()],
      minerPaid: [...this.#minerPaid.values()],
      findings: findings.list(),
      creditedAtMicros,
    };
  }
}

function sumUp<C extends Credit>(sums: Sums<C>, key: string, credit: C): void {
  const sum = sums.get(key);
  if (sum === undefined) sums.set(key, { ...credit });
  else {
    sum.shares += credit.shares;
    sum.work += credit.work;
  }
}
