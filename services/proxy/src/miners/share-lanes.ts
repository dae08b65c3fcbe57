// Shares that wait for others of the same job, so that the merkle roots of up to four are hashed together: until there are four, until one of another
// job comes, or until all sockets that have something were read. Then each is judged, in the order in which they came.
import { type CoinbaseJob, RootLanes } from '@sluice/bitcoin/root-lanes';
import { LANES } from '@sluice/bitcoin/simd-module';

/** Whose shares they are. */
export interface JudgedMiner {
  /** Its part of the extranonce. */
  readonly extranonce1: Uint8Array;

  /** @param extranonce2 valid during the call, as `root` is: 32 bytes, where it is known. */
  judge(
    jobId: number,
    extranonce2: Uint8Array,
    ntime: number,
    nonce: number,
    version: number,
    request: string,
    root?: Uint8Array,
  ): void;
}

/** A share that waits; used again and again. */
interface Lane {
  miner: JudgedMiner | undefined;
  jobId: number;
  /** As long as all miners' is. */
  extranonce2: Uint8Array;
  ntime: number;
  nonce: number;
  version: number;
  request: string;
}

/** For all miners of a farm. */
export class ShareLanes {
  readonly #later: (task: () => void) => void;
  readonly #roots = new RootLanes();
  readonly #root = new Uint8Array(32);
  readonly #lanes: readonly Lane[] = Array.from({ length: LANES }, () => ({
    ...{ miner: undefined, jobId: 0, extranonce2: new Uint8Array(0), ntime: 0, nonce: 0, version: 0, request: '' },
  }));
  /** Of those that wait, or waited last. */
  #job: CoinbaseJob | undefined;
  /** Of the share before. */
  #lastJob: CoinbaseJob | undefined;
  #waiting = 0;
  #isFlushDue = false;
  readonly #flushDue = () => {
    this.#isFlushDue = false;
    this.flush();
  };

  /** @param later runs a task when all sockets that have something were read. */
  constructor(later: (task: () => void) => void) {
    this.#later = later;
  }

  /** `miner.judge` is called for it, now or soon. @param extranonce2 of the length that all shares of the farm have; valid during the call. */
  add(
    miner: JudgedMiner,
    job: CoinbaseJob,
    jobId: number,
    extranonce2: Uint8Array,
    ntime: number,
    nonce: number,
    version: number,
    request: string,
  ): void {
    if (!this.#isReadyFor(job, miner.extranonce1.length + extranonce2.length)) {
      miner.judge(jobId, extranonce2, ntime, nonce, version, request);
      return;
    }
    const lane = this.#lanes[this.#waiting]!;
    lane.miner = miner;
    lane.jobId = jobId;
    if (lane.extranonce2.length !== extranonce2.length) lane.extranonce2 = new Uint8Array(extranonce2.length);
    lane.extranonce2.set(extranonce2);
    lane.ntime = ntime;
    lane.nonce = nonce;
    lane.version = version;
    lane.request = request;
    this.#roots.set(this.#waiting, miner.extranonce1, extranonce2, 0);
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
    if (job === this.#job) return true;
    this.flush();
    this.#job = isAgain && this.#roots.begin(job, extranonceSize) ? job : undefined;
    return this.#job !== undefined;
  }

  /** Has all that wait judged: before anything changes that they are judged by. */
  flush(): void {
    const count = this.#waiting;
    if (count === 0) return;
    // What is judged may bring another flush.
    this.#waiting = 0;
    // One alone is hashed as fast the plain way, which is less code to come back into the caches where shares are few.
    if (count > 1) this.#roots.run();
    for (let index = 0; index < count; index++) {
      const { miner, jobId, extranonce2, ntime, nonce, version, request } = this.#lanes[index]!;
      this.#lanes[index]!.miner = undefined;
      if (count > 1) this.#roots.root(index, this.#root);
      miner?.judge(jobId, extranonce2, ntime, nonce, version, request, count > 1 ? this.#root : undefined);
    }
  }
}
