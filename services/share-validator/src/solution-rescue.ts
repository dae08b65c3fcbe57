// A share that is a block is put into the stream of solutions once more, under the id that the gateway gave it: where the gateway did so
// nothing is stored, and where it died in between the block is saved.
import { witnessCoinbase } from '@sluice/bitcoin/coinbase';
import type { Bus } from '@sluice/bus/bus';
import { Solution } from '@sluice/bus/payloads/solution';
import { subjectName } from '@sluice/bus/subjects';
import { coinbaseOf } from '@sluice/mining/share-check';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { ValidatorCounters } from './counters.ts';
import type { SolvedShare } from './incarnation-audit.ts';

/** Solutions that wait for their append; more are dropped, oldest first. */
export const SOLUTIONS_BOUND = 1_024;
/** Older ones have long been decided by the chain. */
const OLDEST_MS = 3_600_000;
const NOTHING = new Uint8Array();

interface RescueModules {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: ValidatorCounters;
}

export class SolutionRescue {
  readonly #modules: RescueModules;
  readonly #waiting: (SolvedShare & { readonly incarnation: bigint })[] = [];
  #working: Promise<void> | undefined;

  constructor(modules: RescueModules) {
    this.#modules = modules;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Returns at once. */
  add(incarnation: bigint, share: SolvedShare): void {
    const { clock, counters } = this.#modules;
    if (clock.now() - share.storedAtMs > OLDEST_MS) return;
    this.#waiting.push({ incarnation, ...share });
    if (this.#waiting.length > SOLUTIONS_BOUND) {
      this.#waiting.shift();
      counters.solutionsDropped += 1;
    }
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Resolves when nothing is being appended. */
  async settled(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    const { bus, log, counters } = this.#modules;
    for (let share = this.#waiting.shift(); share !== undefined; share = this.#waiting.shift()) {
      try {
        const messageId = `solution-${Buffer.from(share.hash).toString('hex')}`;
        const { duplicate } = await bus.append('SOLUTIONS', subjectName('solution'), encode(share), { messageId });
        if (!duplicate) counters.solutions += 1;
      } catch (error) {
        counters.solutionsDropped += 1;
        log.warn({ reason: messageOf(error) }, 'a block seen among the shares could not be stored again');
      }
    }
  }
}

function encode({
  known,
  header,
  hash,
  extranonce,
  channel,
  storedAtMs,
  incarnation,
}: SolvedShare & { incarnation: bigint }) {
  const { job } = known;
  return Solution.encode({
    hash,
    jobId: job.jobId,
    provider: job.provider,
    templateId: job.templateId,
    header,
    coinbase: witnessCoinbase(coinbaseOf(job, extranonce, NOTHING)),
    identity: channel.identity,
    worker: channel.worker,
    incarnation,
    foundAtMicros: BigInt(Math.round(storedAtMs)) * 1_000n,
  });
}
