// Who mines here, by credited work: a bounded table for the home miner's picture, not an account.
import type { CreditBatch } from '@sluice/bus/payloads/credit';
import { Recent } from './recent.ts';
import type { WorkerSeen } from './snapshot.ts';
import { WorkRate } from './work-rate.ts';

/** Workers remembered; the one that was credited longest ago goes. */
const WORKERS_BOUND = 256;
/** A worker without a share for so long is not shown any more. */
const SHOWN_MS = 3_600_000;

interface Worker {
  readonly rate: WorkRate;
  lastShareAtMs: number;
}

/** `account.worker`, as a miner writes it. */
export function workerName({ identity, worker }: { readonly identity: string; readonly worker: string }): string {
  return worker === '' ? identity : `${identity}.${worker}`;
}

export class Workers {
  readonly #workers = new Recent<Worker>(WORKERS_BOUND);
  readonly #startedAtMs: number;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  credit({ credits, minerPaid }: CreditBatch, atMs: number): void {
    for (const credit of [...credits, ...minerPaid]) {
      if (credit.shares === 0) continue;
      const name = workerName(credit);
      const worker = this.#workers.get(name) ?? { rate: new WorkRate(this.#startedAtMs), lastShareAtMs: 0 };
      worker.rate.add(Number(credit.work), atMs);
      worker.lastShareAtMs = atMs;
      this.#workers.set(name, worker);
    }
  }

  /** The fastest first. @param refused shares by worker. */
  seen(nowMs: number, refused: ReadonlyMap<string, number>): readonly WorkerSeen[] {
    return [...this.#workers.entries()]
      .filter(([, { lastShareAtMs }]) => nowMs - lastShareAtMs < SHOWN_MS)
      .map(([name, { rate, lastShareAtMs }]) => {
        return { name, hashrate: rate.perSecond(nowMs), lastShareAtMs, rejected: refused.get(name) ?? 0 };
      })
      .sort((a, b) => b.hashrate - a.hashrate || (a.name < b.name ? -1 : 1));
  }
}
