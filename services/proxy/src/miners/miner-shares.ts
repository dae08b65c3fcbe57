// The way of one miner's shares: judged here, kept here or sent up, answered and counted. Nothing is allocated for a share that stays here.
import type { HashedHeader } from '@sluice/bitcoin/header-lanes';
import { meetsTarget } from '@sluice/bitcoin/target';
import type { MiningChannel } from '@sluice/mining/channel';
import type { ShareChecker } from '@sluice/mining/share-check';
import type { ShareLanes } from '@sluice/mining/share-lanes';
import { ShareOutcome, shareErrorCodes } from '@sluice/mining/share-outcome';
import type { Clock } from '@sluice/runtime/clock';
import type { ProxyCounters } from '../counters.ts';
import type { ShareErrorCode, WorkerStatistics } from '../statistics/worker-statistics.ts';
import type { ShareOwner, UpstreamWork } from '../upstream/upstream-work.ts';
import type { FarmWork } from './farm-work.ts';
import type { MinerListener, ShareAnswer } from './miner.ts';
import type { MinerDifficulty } from './miner-difficulty.ts';
import type { ReadRests } from './read-rests.ts';
import type { WaitingMinerShare } from './waiting-share.ts';

/** What the shares of all miners of a farm go through. */
export interface MinerSharesModules {
  readonly clock: Clock;
  readonly checker: ShareChecker;
  readonly lanes: ShareLanes<WaitingMinerShare>;
  readonly rests: Pick<ReadRests, 'onShare'>;
  readonly counters: ProxyCounters;
}

/** What the extranonce of a share is put together in. */
const EXTRANONCE_BOUND = 32;
const extranonceBytes = new Uint8Array(EXTRANONCE_BOUND);

export class MinerShares implements ShareOwner {
  accepted = 0;
  /** Here, for their form too. */
  refused = 0;
  readonly #extranonce1: Uint8Array;
  readonly #listener: MinerListener;
  readonly #difficulty: MinerDifficulty;
  readonly #modules: MinerSharesModules;
  #worker: WorkerStatistics | undefined;
  #workerField: Uint8Array | undefined;
  /** While it works. */
  #channel: MiningChannel | undefined;
  #isClosed = false;

  constructor(
    extranonce1: Uint8Array,
    listener: MinerListener,
    difficulty: MinerDifficulty,
    modules: MinerSharesModules,
  ) {
    this.#extranonce1 = extranonce1;
    this.#listener = listener;
    this.#difficulty = difficulty;
    this.#modules = modules;
  }

  /** Whose they are; kept when it is closed, for what an upstream says of them later. */
  get worker(): WorkerStatistics | undefined {
    return this.#worker;
  }

  /** The same as an upstream is told it; `undefined`: it is told none. */
  get workerField(): Uint8Array | undefined {
    return this.#workerField;
  }

  belongTo(worker: WorkerStatistics, workerField: Uint8Array | undefined): void {
    this.#worker = worker;
    this.#workerField = workerField;
  }

  /** @param channel whose jobs they are for from now on. */
  start(channel: MiningChannel): void {
    this.#channel = channel;
  }

  /** Answers none any more; what an upstream says of them later is still counted. */
  close(): void {
    this.#isClosed = true;
    this.#channel = undefined;
  }

  /** As `Miner.submit`. */
  submit(jobId: number, extranonce2: Uint8Array, ntime: number, nonce: number, version: number, request: string): void {
    const share = this.#channel && this.#modules.lanes.place(this.#channel, jobId, extranonce2.length);
    if (share === undefined) {
      this.judge(jobId, extranonce2, ntime, nonce, version, request);
    } else {
      share.write(this, jobId, extranonce2, ntime, nonce, version, request);
      this.#modules.lanes.add(nonce, ntime, version, this.#extranonce1, extranonce2, 0);
    }
    this.#modules.rests.onShare();
  }

  /** Judges what was submitted, at once or after it has waited. @param extranonce2 valid during the call, as `ahead` is: its header and hash, where they are known. */
  judge(
    jobId: number,
    extranonce2: Uint8Array,
    ntime: number,
    nonce: number,
    version: number,
    request: string,
    ahead?: HashedHeader,
  ): void {
    const channel = this.#channel;
    if (channel === undefined) {
      this.#refuse(request, ShareOutcome.unknownJob);
      return;
    }
    const { checker, clock, counters } = this.#modules;
    const { length } = extranonce2;
    const now = clock.now();
    const outcome = checker.check(channel, jobId, nonce, ntime, version, extranonce2, 0, length, now, true, ahead);
    // All jobs of this channel are the farm's.
    const work = checker.job as FarmWork | undefined;
    if (checker.solution && outcome !== ShareOutcome.duplicate) counters.blocks += 1;
    if (outcome === ShareOutcome.accepted && work !== undefined) {
      counters.sharesGood += 1;
      const hashes = checker.target?.difficulty ?? 0;
      this.#difficulty.onShare(hashes);
      const upstream = work.upstreamOf(jobId);
      const { isOpen, keepsBlocks } = upstream.link;
      if (!isOpen && !(checker.solution && keepsBlocks)) {
        this.#answerUnserved(request);
        return;
      }
      this.accepted += 1;
      this.#worker?.accepted(checker.hash, hashes, clock.monotonic());
      if (meetsTarget(checker.hash, upstream.target.bytes)) {
        this.#sendUp(upstream, work.padding, extranonce2, ntime, nonce, version, this, request);
        return;
      }
      // The network's target is the easier one: a block, and no share of the upstream's.
      if (checker.solution) this.#sendUp(upstream, work.padding, extranonce2, ntime, nonce, version, undefined, '');
      this.#keep(request);
      return;
    }
    if (work !== undefined && checker.solution && isBlockAs(outcome))
      this.#sendUp(work.upstreamOf(jobId), work.padding, extranonce2, ntime, nonce, version, undefined, '');
    this.#refuse(request, outcome);
  }

  answered(request: string, answer: ShareAnswer): void {
    if (answer !== '') this.#worker?.upstreamRefused(answer);
    if (!this.#isClosed) this.#listener.onAnswer(request, answer);
  }

  refusedLate(code: ShareErrorCode): void {
    this.#worker?.upstreamRefused(code);
  }

  refusedForm(code: ShareErrorCode): void {
    this.#countRefused(code);
  }

  #sendUp(
    work: UpstreamWork,
    padding: number,
    extranonce2: Uint8Array,
    ntime: number,
    nonce: number,
    version: number,
    owner: ShareOwner | undefined,
    request: string,
  ): void {
    const extranonce = extranonceBytes.subarray(0, work.extranonceSize).fill(0, 0, padding);
    extranonce.set(this.#extranonce1, padding);
    extranonce.set(extranonce2, padding + this.#extranonce1.length);
    work.link.submit({ work, extranonce, nonce, ntime, version, worker: this.#workerField }, owner, request);
  }

  /** Good, and below what the upstream wants. */
  #keep(request: string): void {
    this.#modules.counters.sharesKept += 1;
    this.#listener.onAnswer(request, '');
  }

  /** Good, and there is nobody who would pay for it. */
  #answerUnserved(request: string): void {
    this.#modules.counters.sharesUnserved += 1;
    this.#countRefused('share-not-stored');
    this.#listener.onAnswer(request, 'share-not-stored');
  }

  #countRefused(code: ShareErrorCode): void {
    this.refused += 1;
    this.#worker?.refused(code);
  }

  #refuse(request: string, outcome: ShareOutcome): void {
    // Never accepted: the caller has looked.
    const code = shareErrorCodes[outcome] || 'invalid-job-id';
    this.#modules.counters.sharesRefused[code] += 1;
    this.#countRefused(code);
    if (!this.#isClosed) this.#listener.onAnswer(request, code);
  }
}

/** Whether a block is one although it is refused as a share: it is late, its job has expired, or the network's target is the easier one. */
function isBlockAs(outcome: ShareOutcome): boolean {
  return (
    outcome === ShareOutcome.stale || outcome === ShareOutcome.unknownJob || outcome === ShareOutcome.difficultyTooLow
  );
}
