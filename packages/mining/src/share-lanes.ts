// Shares that wait for others of the same job, so that the merkle roots of up to four are hashed together: until there are four, until one of another
// job comes, or until all sockets that have something were read. Then each is judged, in the order in which they came.
import { LANES } from '@sluice/bitcoin/lane-code';
import { type CoinbaseJob, RootLanes } from '@sluice/bitcoin/root-lanes';

/** What a share is written into while it waits; used again and again. */
export interface WaitingShare {
  /** Called once each time that it was added. @param root 32 bytes, where it is known already; valid during the call. */
  judge(root: Uint8Array | undefined): void;
}

/** For all shares of a thread. */
export class ShareLanes<Share extends WaitingShare> {
  readonly #later: (task: () => void) => void;
  readonly #roots = new RootLanes();
  readonly #root = new Uint8Array(32);
  readonly #shares: readonly Share[];
  /** Of those that wait, or waited last. */
  #job: CoinbaseJob | undefined;
  #extranonceSize = 0;
  /** Of the share before. */
  #lastJob: CoinbaseJob | undefined;
  #waiting = 0;
  #isFlushDue = false;
  readonly #flushDue = () => {
    this.#isFlushDue = false;
    this.flush();
  };

  /** @param later runs a task when all sockets that have something were read. */
  constructor(create: () => Share, later: (task: () => void) => void) {
    this.#shares = Array.from({ length: LANES }, create);
    this.#later = later;
  }

  /**
   * Where a share of this job can wait: it is to be written there and then `add`ed. `undefined`: it is to be judged now, the plain way, and none waits any
   * more. @param extranonceSize bytes of the whole extranonce, 1 or more.
   */
  place(job: CoinbaseJob, extranonceSize: number): Share | undefined {
    return this.#isReadyFor(job, extranonceSize) ? this.#shares[this.#waiting] : undefined;
  }

  /** Has the share that was written into the last place judged, now or soon. Its extranonce: `prefix`, and what stands in `source` from `offset` on. */
  add(prefix: Uint8Array, source: Uint8Array, offset: number): void {
    this.#roots.set(this.#waiting, prefix, source, offset);
    this.#waiting += 1;
    if (this.#waiting === LANES) this.flush();
    else if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      this.#later(this.#flushDue);
    }
  }

  /** Whether shares of this job can wait. To take up a job costs as much as a share, so that it must be that of two in a row. */
  #isReadyFor(job: CoinbaseJob, extranonceSize: number): boolean {
    const isAgain = job === this.#lastJob;
    this.#lastJob = job;
    if (job === this.#job && extranonceSize === this.#extranonceSize) return true;
    this.flush();
    this.#job = isAgain && this.#roots.begin(job, extranonceSize) ? job : undefined;
    this.#extranonceSize = extranonceSize;
    return this.#job !== undefined;
  }

  /** Has all that wait judged: before anything changes that they are judged by, or is told behind them. */
  flush(): void {
    const count = this.#waiting;
    if (count === 0) return;
    // What is judged may bring another flush.
    this.#waiting = 0;
    // One alone is hashed as fast the plain way, which is less code to come back into the caches where shares are few.
    if (count > 1) this.#roots.run();
    for (let index = 0; index < count; index++) {
      if (count > 1) this.#roots.root(index, this.#root);
      this.#shares[index]!.judge(count > 1 ? this.#root : undefined);
    }
  }
}
