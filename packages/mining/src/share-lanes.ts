// Shares that wait for others, so that up to four are hashed together: their headers, and on extended channels, where they are of one job, the merkle
// roots before. They wait until there are four, until one of an extended channel has another job, or until all sockets that have something were read.
// Then each is judged, in the order in which they came.
import { writeHeader } from '@sluice/bitcoin/header';
import { type HashedHeader, HeaderLanes } from '@sluice/bitcoin/header-lanes';
import { LANES } from '@sluice/bitcoin/lane-code';
import { type CoinbaseJob, RootLanes } from '@sluice/bitcoin/root-lanes';
import type { MiningChannel } from './channel.ts';
import type { GivenJob } from './given-jobs.ts';
import type { Tip } from './job.ts';

/** What a share is written into while it waits; used again and again. */
export interface WaitingShare {
  /** Called once each time that it was added. @param ahead its header and hash, where they are known already; valid during the call. */
  judge(ahead: HashedHeader | undefined): void;
}

/** For all shares of a thread. */
export class ShareLanes<Share extends WaitingShare> {
  readonly #later: (task: () => void) => void;
  readonly #roots = new RootLanes();
  readonly #headers = new HeaderLanes(LANES);
  readonly #shares: readonly Share[];
  /** By lane: its merkle root is still to be made. */
  readonly #needsRoot: boolean[] = Array.from({ length: LANES }, () => false);
  /** How many of those that wait need theirs. */
  #rootsNeeded = 0;
  /** Of those of extended channels that wait, or waited last. */
  #job: CoinbaseJob | undefined;
  #extranonceSize = 0;
  /** Of the share of an extended channel before. */
  #lastJob: CoinbaseJob | undefined;
  /** Of the share that a place was given for. */
  #tip: Tip | undefined;
  #root: Uint8Array | undefined;
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
   * Where a share for this job of a channel can wait: it is to be written there and then `add`ed. `undefined`: it is to be judged now, the plain way,
   * and none waits any more. @param length bytes of its extranonce; 0 on a standard channel.
   */
  place(channel: MiningChannel, jobId: number, length: number): Share | undefined {
    const current = channel.currentJob(jobId);
    const given = current ?? channel.lastJob(jobId);
    const tip = current === undefined ? channel.lastTip : channel.tip;
    const isJudgeable = given !== undefined && tip !== undefined && length === channel.extranonceSize;
    if (!isJudgeable || !this.#isReadyFor(channel, given)) {
      this.flush();
      return undefined;
    }
    this.#tip = tip;
    this.#root = channel.kind === 'standard' ? given.root : undefined;
    return this.#shares[this.#waiting];
  }

  /**
   * Has the share that was written into the last place judged, now or soon. `version` is the full header version, `ntime` Unix seconds. Its extranonce:
   * `prefix`, and what stands in `source` from `offset` on.
   */
  add(nonce: number, ntime: number, version: number, prefix: Uint8Array, source: Uint8Array, offset: number): void {
    const lane = this.#waiting;
    const { header, root } = this.#headers.places[lane]!;
    const tip = this.#tip!;
    const needsRoot = this.#root === undefined;
    this.#needsRoot[lane] = needsRoot;
    if (needsRoot) {
      this.#roots.set(lane, prefix, source, offset);
      this.#rootsNeeded += 1;
    }
    writeHeader(header, version, tip.prevHash, this.#root ?? root, ntime, tip.nbits, nonce);
    this.#waiting += 1;
    if (this.#waiting === LANES) this.flush();
    else if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      this.#later(this.#flushDue);
    }
  }

  /** Whether a share can wait: its root is known, or is made with those of its job. */
  #isReadyFor(channel: MiningChannel, given: GivenJob): boolean {
    if (channel.kind === 'standard') return given.root !== undefined;
    return this.#isReadyForJob(given.job, channel.extranoncePrefix.length + channel.extranonceSize);
  }

  /** To take up a job costs as much as a share, so that it must be that of two in a row. */
  #isReadyForJob(job: CoinbaseJob, extranonceSize: number): boolean {
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
    if (count > 1) this.#hash(count);
    this.#rootsNeeded = 0;
    for (let index = 0; index < count; index++)
      this.#shares[index]!.judge(count > 1 ? this.#headers.places[index] : undefined);
  }

  #hash(count: number): void {
    const { places } = this.#headers;
    if (this.#rootsNeeded > 0) this.#roots.run();
    for (let lane = 0; lane < count; lane++) if (this.#needsRoot[lane]) this.#roots.root(lane, places[lane]!.root);
    this.#headers.run(0, 1, 2, 3);
  }
}
