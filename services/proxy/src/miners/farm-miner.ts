// One miner of the farm: what it was given, how hard its shares are, and the way of each of its shares. Nothing is allocated for a share that
// stays here.
import { difficultyOfTarget, MAX_TARGET, meetsTarget } from '@sluice/bitcoin/target';
import { MiningChannel } from '@sluice/mining/channel';
import type { ShareChecker } from '@sluice/mining/share-check';
import { ShareOutcome, shareErrorCodes } from '@sluice/mining/share-outcome';
import { type ShareTarget, shareTarget } from '@sluice/mining/share-target';
import { Vardiff } from '@sluice/mining/vardiff';
import { hashesOfTarget } from '@sluice/mining/vardiff-difficulty';
import type { Clock } from '@sluice/runtime/clock';
import type { ProxyCounters } from '../counters.ts';
import type { ShareErrorCode, WorkerMiner, WorkerStatistics } from '../statistics/worker-statistics.ts';
import type { Workers } from '../statistics/workers.ts';
import type { ShareOwner, UpstreamWork } from '../upstream/upstream-work.ts';
import type { FarmWork } from './farm-work.ts';
import type { FarmJob, Miner, MinerClaim, MinerListener, ShareAnswer } from './miner.ts';
import { hashesOfDifficulty, type MinerTargets } from './miner-target.ts';
import { placeBytes } from './places.ts';
import { workerField, workerOf } from './worker-name.ts';

/** How hard shares may be, in hashes that one takes. */
export interface FarmPolicy {
  /** Bytes that each miner rolls. */
  readonly extranonce2Size: number;
  /** Wanted of each miner. */
  readonly sharesPerMinute: number;
  /** Of a miner that says nothing. */
  readonly firstHashes: number;
  /** No miner gets easier ones, unless its upstream's are. */
  readonly easiestHashes: number;
}

/** What all miners of a farm share. */
export interface FarmMinerModules {
  readonly clock: Clock;
  readonly checker: ShareChecker;
  readonly counters: ProxyCounters;
  readonly workers: Workers;
  readonly targets: MinerTargets;
  readonly policy: FarmPolicy;
  /** What the farm works on. */
  work(): FarmWork | undefined;
  /** The miner is to be told another target, with a job. */
  onRetarget(miner: FarmMiner): void;
  onClosed(miner: FarmMiner): void;
}

/** What the extranonce of a share is put together in. */
const EXTRANONCE_BOUND = 32;
const extranonceBytes = new Uint8Array(EXTRANONCE_BOUND);
/** Of a miner that says nothing of itself. */
const NO_CLAIM: MinerClaim = { nominalHashrate: 0, maxTarget: MAX_TARGET };

export class FarmMiner implements Miner, ShareOwner, WorkerMiner {
  readonly id: number;
  readonly place: number;
  readonly extranonce1: Uint8Array;
  readonly extranonce2Size: number;
  /** Unix milliseconds. */
  readonly openedMs: number;
  sharesAccepted = 0;
  sharesRefused = 0;
  /** From `authorize` on. */
  statistics: WorkerStatistics | undefined;
  readonly #listener: MinerListener;
  readonly #modules: FarmMinerModules;
  /** From `authorize` on. */
  #channel: MiningChannel | undefined;
  #vardiff: Vardiff | undefined;
  #worker: Uint8Array | undefined;
  /** A difficulty of SV1 that the miner wished; 0: none. */
  #suggested = 0;
  #claim = NO_CLAIM;
  #hasShares = false;
  #isClosed = false;
  /** The target that goes with the next job, and what it was made of. */
  #target: ShareTarget | undefined;
  #targetHashes = 0;
  #targetBound = -1n;
  #toldTarget: ShareTarget | undefined;

  constructor(id: number, place: number, listener: MinerListener, modules: FarmMinerModules) {
    this.id = id;
    this.place = place;
    this.openedMs = modules.clock.now();
    this.extranonce1 = placeBytes(place);
    this.extranonce2Size = modules.policy.extranonce2Size;
    this.#listener = listener;
    this.#modules = modules;
  }

  /** Hashes a second, estimated; 0 before it works. */
  get hashrate(): number {
    return this.#vardiff?.hashrate ?? 0;
  }

  get agent(): string {
    return this.#listener.agent;
  }

  get remoteAddress(): string {
    return this.#listener.remoteAddress;
  }

  get difficulty(): number | undefined {
    return this.#toldTarget === undefined ? undefined : difficultyOfTarget(this.#toldTarget.value);
  }

  get isWorking(): boolean {
    return this.#channel !== undefined;
  }

  authorize(user: string): void {
    if (this.#isClosed) return;
    this.#worker = workerField(user);
    this.#joinWorker(workerOf(user));
    if (this.#channel !== undefined) return;
    const { clock, work } = this.#modules;
    const now = work();
    this.#vardiff = this.#newVardiff(now);
    const sizes = { extranoncePrefix: this.extranonce1, extranonceSize: this.extranonce2Size };
    this.#channel = new MiningChannel({ kind: 'extended', ...sizes, target: this.#nextTarget(now) });
    if (now !== undefined) this.take(now, now.newest, true, clock.now(), clock.monotonic());
  }

  suggestDifficulty(difficulty: number): void {
    if (this.#suggested !== 0 || this.#hasShares || this.#isClosed) return;
    this.#suggested = difficulty;
    if (this.#channel === undefined) return;
    this.#vardiff = this.#newVardiff(this.#modules.work());
    this.#modules.onRetarget(this);
  }

  claim(claim: MinerClaim): boolean {
    this.#claim = claim;
    this.#target = undefined;
    if (this.#isClosed || this.#channel === undefined) return false;
    const easiest = this.#easiestHashes;
    const { clock, work } = this.#modules;
    this.#vardiff?.onUpdateChannel(clock.monotonic(), claim.nominalHashrate, easiest, hardestHashes(easiest, work()));
    if (this.isRetargeted) this.#modules.onRetarget(this);
    return this.isRetargeted;
  }

  versionOf(jobId: number): number | undefined {
    const given = this.#channel?.currentJob(jobId) ?? this.#channel?.lastJob(jobId);
    return given?.job.version;
  }

  submit(jobId: number, extranonce2: Uint8Array, ntime: number, nonce: number, version: number, request: string): void {
    const channel = this.#channel;
    if (channel === undefined) {
      this.#refuse(request, ShareOutcome.unknownJob);
      return;
    }
    const { checker, clock, counters } = this.#modules;
    const { length } = extranonce2;
    const outcome = checker.check(channel, jobId, nonce, ntime, version, extranonce2, 0, length, clock.now());
    // All jobs of this channel are the farm's.
    const work = checker.job as FarmWork | undefined;
    if (checker.solution && outcome !== ShareOutcome.duplicate) counters.blocks += 1;
    if (outcome === ShareOutcome.accepted && work !== undefined) {
      counters.sharesGood += 1;
      this.#hasShares = true;
      const hashes = checker.target?.difficulty ?? 0;
      this.#vardiff?.onShare(hashes);
      const upstream = work.upstreamOf(jobId);
      if (!upstream.link.isOpen) {
        this.#answerUnserved(request);
        return;
      }
      this.sharesAccepted += 1;
      this.statistics?.accepted(checker.hash, hashes, clock.monotonic());
      if (checker.solution || meetsTarget(checker.hash, upstream.target.bytes))
        this.#sendUp(upstream, work.padding, extranonce2, ntime, nonce, version, this, request);
      else this.#keep(request);
      return;
    }
    if (work !== undefined && checker.solution && isBlockAs(outcome))
      this.#sendUp(work.upstreamOf(jobId), work.padding, extranonce2, ntime, nonce, version, undefined, '');
    this.#refuse(request, outcome);
  }

  answered(request: string, answer: ShareAnswer): void {
    if (answer !== '') this.statistics?.upstreamRefused(answer);
    if (!this.#isClosed) this.#listener.onAnswer(request, answer);
  }

  refusedLate(code: ShareErrorCode): void {
    this.statistics?.upstreamRefused(code);
  }

  refusedForm(code: ShareErrorCode): void {
    this.#countRefused(code);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel = undefined;
    // Kept for what an upstream says of its shares later.
    if (this.statistics !== undefined) this.#modules.workers.leave(this.statistics, this);
    this.#modules.onClosed(this);
  }

  /**
   * Gives it a job, and with it the target that holds from there on. `clean`: on another tip, or of another upstream. @param nowMs Unix milliseconds. @param monotonicMs of the monotonic clock.
   */
  take(work: FarmWork, job: FarmJob, clean: boolean, nowMs: number, monotonicMs: number): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    this.#followUpstream(work, monotonicMs);
    const target = this.#nextTarget(work);
    if (target !== this.#toldTarget) {
      this.#toldTarget = target;
      channel.setTarget(target);
      this.#modules.counters.targets += 1;
      this.#listener.onTarget(target);
      // A miner that does not read is closed by what is written to it.
      if (this.#isClosed) return;
    }
    if (clean) channel.tipSent(work, work.tip, nowMs);
    if (!clean || job.id !== work.jobId) channel.jobSent(work, job.id, nowMs);
    this.#vardiff?.onJob(monotonicMs);
    this.#listener.onJob(job, clean);
  }

  /** Whether its target would be another one with the next job. */
  get isRetargeted(): boolean {
    const work = this.#modules.work();
    return work !== undefined && this.#channel !== undefined && this.#nextTarget(work) !== this.#toldTarget;
  }

  /** Looks at its shares; about once a second. */
  evaluate(monotonicMs: number): void {
    const vardiff = this.#vardiff;
    if (vardiff === undefined || this.#toldTarget === undefined) return;
    if (vardiff.evaluate(monotonicMs) === undefined) return;
    if (this.isRetargeted) this.#modules.onRetarget(this);
    // The same power of two: the job that it has will do.
    else vardiff.onJob(monotonicMs);
  }

  #joinWorker(name: string): void {
    const { clock, workers } = this.#modules;
    if (this.statistics?.name === name) return;
    if (this.statistics !== undefined) workers.leave(this.statistics, this);
    this.statistics = workers.join(name, this, clock.monotonic());
  }

  #newVardiff(work: FarmWork | undefined): Vardiff {
    const { clock, policy } = this.#modules;
    const { sharesPerMinute, firstHashes } = policy;
    const { nominalHashrate } = this.#claim;
    const expected = nominalHashrate === 0 ? firstHashes : (nominalHashrate * 60) / sharesPerMinute;
    const wanted = this.#suggested === 0 ? expected : hashesOfDifficulty(this.#suggested);
    const easiest = this.#easiestHashes;
    const hardest = hardestHashes(easiest, work);
    this.#targetBound = work?.upstream.target.value ?? -1n;
    this.#target = undefined;
    return new Vardiff(
      {
        sharesPerMinute,
        minDifficulty: easiest,
        maxDifficulty: hardest,
        firstDifficulty: Math.min(Math.max(wanted, easiest), hardest),
        nominalHashrate,
      },
      clock.monotonic(),
    );
  }

  /** The upstream's target bounds the miner's. */
  #followUpstream(work: FarmWork, monotonicMs: number): void {
    const { value } = work.upstream.target;
    if (value === this.#targetBound) return;
    this.#targetBound = value;
    this.#target = undefined;
    const easiest = this.#easiestHashes;
    this.#vardiff?.onUpdateChannel(monotonicMs, 0, easiest, hardestHashes(easiest, work));
  }

  /** Of the easiest share that both the policy and the miner allow. */
  get #easiestHashes(): number {
    return Math.max(this.#modules.policy.easiestHashes, hashesOfTarget(this.#claim.maxTarget));
  }

  #nextTarget(work: FarmWork | undefined): ShareTarget {
    const hashes = this.#vardiff?.announced ?? 0;
    if (this.#target === undefined || this.#targetHashes !== hashes) {
      this.#targetHashes = hashes;
      const target = this.#modules.targets.of(hashes, work?.upstream.target.value ?? 0n);
      const { maxTarget } = this.#claim;
      if (target.value <= maxTarget) this.#target = target;
      else this.#target = this.#toldTarget?.value === maxTarget ? this.#toldTarget : shareTarget(maxTarget);
    }
    return this.#target;
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
    extranonce.set(this.extranonce1, padding);
    extranonce.set(extranonce2, padding + this.extranonce1.length);
    work.link.submit({ work, extranonce, nonce, ntime, version, worker: this.#worker }, owner, request);
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
    this.sharesRefused += 1;
    this.statistics?.refused(code);
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

/** Hashes of the hardest share: those of one for the upstream. */
function hardestHashes(easiestHashes: number, work: FarmWork | undefined): number {
  if (work === undefined) return Number.MAX_VALUE;
  return Math.max(easiestHashes, hashesOfTarget(work.upstream.target.value));
}
