// The workers of a farm by name. One with a miner is kept whatever happens, so these are no more than there are places; of the others those
// that left last are kept.
import { type WorkerMiner, WorkerStatistics } from './worker-statistics.ts';

/** Workers without a miner. At one more the one that left first is forgotten. */
export const ABSENT_WORKERS_BOUND = 16_384;

export class Workers {
  forgotten = 0;
  readonly #byName = new Map<string, WorkerStatistics>();
  /** Without a miner, in the order in which they left. */
  readonly #absent = new Set<WorkerStatistics>();
  #lastId = 0;

  get size(): number {
    return this.#byName.size;
  }

  /** In the order of their ids. */
  all(): Iterable<WorkerStatistics> {
    return this.#byName.values();
  }

  /** The worker of a miner that has come. @param nowMs of the monotonic clock. */
  join(name: string, miner: WorkerMiner, nowMs: number): WorkerStatistics {
    let worker = this.#byName.get(name);
    if (worker === undefined) {
      this.#lastId += 1;
      worker = new WorkerStatistics(this.#lastId, name, nowMs);
      this.#byName.set(name, worker);
    }
    this.#absent.delete(worker);
    worker.miners.add(miner);
    return worker;
  }

  /** The miner is gone, or has another name. */
  leave(worker: WorkerStatistics, miner: WorkerMiner): void {
    worker.miners.delete(miner);
    if (worker.miners.size > 0) return;
    this.#absent.add(worker);
    if (this.#absent.size <= ABSENT_WORKERS_BOUND) return;
    for (const first of this.#absent) {
      this.#absent.delete(first);
      this.#byName.delete(first.name);
      this.forgotten += 1;
      break;
    }
  }
}
