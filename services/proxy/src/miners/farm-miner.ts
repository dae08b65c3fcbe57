// One miner of the farm: what it was given, and the way of each of its shares. Nothing is allocated for a share that
// stays here.
import type { HashedHeader } from '@sluice/bitcoin/header-lanes';
import { difficultyOfTarget, meetsTarget } from '@sluice/bitcoin/target';
import { MiningChannel } from '@sluice/mining/channel';
import type { ShareChecker } from '@sluice/mining/share-check';
import type { ShareLanes } from '@sluice/mining/share-lanes';
import { ShareOutcome, shareErrorCodes } from '@sluice/mining/share-outcome';
import type { ProxyCounters } from '../counters.ts';
import type { ShareErrorCode, WorkerMiner, WorkerStatistics } from '../statistics/worker-statistics.ts';
import type { Workers } from '../statistics/workers.ts';
import type { MinerOfChannel } from '../upstream/session.ts';
import type { ShareOwner, UpstreamWork } from '../upstream/upstream-work.ts';
import type { FarmWork } from './farm-work.ts';
import type { Feed } from './feed.ts';
import type { FarmJob, Miner, MinerClaim, MinerListener, ShareAnswer } from './miner.ts';
import { type DifficultyPolicy, MinerDifficulty, type MinerDifficultyModules } from './miner-difficulty.ts';
import { OwnChannel, type OwnChannelModules } from './own-channel.ts';
import { placeBytes } from './places.ts';
import type { ReadRests } from './read-rests.ts';
import type { WaitingMinerShare } from './waiting-share.ts';
import { workerField, workerOf } from './worker-name.ts';

export interface FarmPolicy extends DifficultyPolicy {
  /** Bytes that each miner rolls. */
  readonly extranonce2Size: number;
}

/** What all miners of a farm share. */
export interface FarmMinerModules extends MinerDifficultyModules {
  readonly checker: ShareChecker;
  readonly lanes: ShareLanes<WaitingMinerShare>;
  readonly rests: Pick<ReadRests, 'onShare'>;
  readonly counters: ProxyCounters;
  readonly workers: Workers;
  readonly policy: FarmPolicy;
  /** Of a miner that nothing is known of, hashes a second. */
  readonly expectedHashrate: number;
  /** `undefined`: all work on one channel of their upstream. */
  readonly ownChannels: OwnChannelModules | undefined;
  onClosed(miner: FarmMiner): void;
}

/** What the extranonce of a share is put together in. */
const EXTRANONCE_BOUND = 32;
const extranonceBytes = new Uint8Array(EXTRANONCE_BOUND);

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
  readonly #difficulty: MinerDifficulty;
  #base: Feed;
  /** Of its own channel, once that has work. */
  #own: Feed | undefined;
  readonly #ownChannel: OwnChannel | undefined;
  #work: FarmWork | undefined;
  #worker: Uint8Array | undefined;
  #isClosed = false;

  constructor(id: number, place: number, feed: Feed, listener: MinerListener, modules: FarmMinerModules) {
    this.id = id;
    this.place = place;
    this.openedMs = modules.clock.now();
    this.extranonce1 = placeBytes(place);
    this.extranonce2Size = modules.policy.extranonce2Size;
    this.#listener = listener;
    this.#modules = modules;
    this.#difficulty = new MinerDifficulty(modules);
    this.#base = feed;
    feed.join(this);
    this.#ownChannel = modules.ownChannels && new OwnChannel(this, modules.ownChannels);
  }

  /** That of the upstream which it works for, and of all others who work for it. */
  get base(): Feed {
    return this.#base;
  }

  /** Where it takes its work from. */
  get feed(): Feed {
    return this.#own ?? this.#base;
  }

  /** `undefined`: miners have none of their own. */
  get ownChannel(): OwnChannel | undefined {
    return this.#ownChannel;
  }

  /** For whom a channel of its own is opened. */
  get ofChannel(): MinerOfChannel {
    const { expectedHashrate } = this.#modules;
    const hashrate = () => this.hashrate || expectedHashrate;
    return { name: this.statistics?.name ?? '', field: this.#worker, hashrate };
  }

  /** What it was given last; of another feed when it has just come to this one. */
  get work(): FarmWork | undefined {
    return this.#work;
  }

  /** Hashes a second, estimated; 0 before it works. */
  get hashrate(): number {
    return this.#difficulty.hashrate;
  }

  get agent(): string {
    return this.#listener.agent;
  }

  get remoteAddress(): string {
    return this.#listener.remoteAddress;
  }

  get difficulty(): number | undefined {
    const { told } = this.#difficulty;
    return told === undefined ? undefined : difficultyOfTarget(told.value);
  }

  get isWorking(): boolean {
    return this.#channel !== undefined;
  }

  authorize(user: string): void {
    this.#modules.lanes.flush();
    // What was answered may have closed it.
    if (this.#isClosed) return;
    const name = workerOf(user);
    // The same name is the same field: a channel of the miner's own knows it by that.
    if (name !== this.statistics?.name) this.#worker = workerField(user);
    this.#joinWorker(name);
    if (this.#channel !== undefined) return;
    const { clock } = this.#modules;
    const { work } = this.feed;
    this.#difficulty.start(work);
    const sizes = { extranoncePrefix: this.extranonce1, extranonceSize: this.extranonce2Size };
    this.#channel = new MiningChannel({ kind: 'extended', ...sizes, target: this.#difficulty.next(work) });
    if (work !== undefined) this.take(work, work.newest, true, clock.now(), clock.monotonic());
    this.#ownChannel?.settle();
  }

  suggestDifficulty(difficulty: number): void {
    this.#modules.lanes.flush();
    if (this.#isClosed || !this.#difficulty.suggest(difficulty) || this.#channel === undefined) return;
    this.#difficulty.start(this.feed.work);
    this.feed.expect(this);
  }

  claim(claim: MinerClaim): boolean {
    this.#difficulty.claim(claim);
    if (this.#isClosed || this.#channel === undefined) return false;
    this.#difficulty.applyClaim(this.feed.work);
    if (this.#isRetargeted) this.feed.expect(this);
    return this.#isRetargeted;
  }

  versionOf(jobId: number): number | undefined {
    const given = this.#channel?.currentJob(jobId) ?? this.#channel?.lastJob(jobId);
    return given?.job.version;
  }

  submit(jobId: number, extranonce2: Uint8Array, ntime: number, nonce: number, version: number, request: string): void {
    const share = this.#channel && this.#modules.lanes.place(this.#channel, jobId, extranonce2.length);
    if (share === undefined) {
      this.judge(jobId, extranonce2, ntime, nonce, version, request);
    } else {
      share.write(this, jobId, extranonce2, ntime, nonce, version, request);
      this.#modules.lanes.add(nonce, ntime, version, this.extranonce1, extranonce2, 0);
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
      this.sharesAccepted += 1;
      this.statistics?.accepted(checker.hash, hashes, clock.monotonic());
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
    this.#modules.lanes.flush();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel = undefined;
    // Kept for what an upstream says of its shares later.
    if (this.statistics !== undefined) this.#modules.workers.leave(this.statistics, this);
    this.#ownChannel?.leave();
    this.#own?.leave(this);
    this.#base.leave(this);
    this.#modules.onClosed(this);
  }

  /** Works for another upstream from now on; `giveDue` of that feed gives it the first job. */
  moveTo(base: Feed): void {
    if (this.#isClosed || base === this.#base) return;
    this.#own?.leave(this);
    this.#own = undefined;
    this.#base.leave(this);
    this.#base = base;
    base.join(this);
    if (this.isWorking) this.#ownChannel?.settle();
  }

  /** Takes its work from a channel of its own; `undefined`: from that of all again, whose `giveDue` gives it a job. */
  takeFrom(own: Feed | undefined): void {
    if (this.#isClosed || own === this.#own) return;
    this.#own?.leave(this);
    this.#own = own;
    if (own === undefined) this.#base.expect(this);
    else own.join(this);
  }

  /**
   * Gives it a job, and with it the target that holds from there on. `clean`: on another tip, or of another upstream. @param nowMs Unix milliseconds. @param monotonicMs of the monotonic clock.
   */
  take(work: FarmWork, job: FarmJob, clean: boolean, nowMs: number, monotonicMs: number): void {
    this.#modules.lanes.flush();
    const channel = this.#channel;
    if (channel === undefined) return;
    this.#work = work;
    this.#difficulty.followUpstream(work, monotonicMs);
    const target = this.#difficulty.next(work);
    if (target !== this.#difficulty.told) {
      this.#difficulty.tell(target);
      channel.setTarget(target);
      this.#modules.counters.targets += 1;
      this.#listener.onTarget(target);
      // A miner that does not read is closed by what is written to it.
      if (this.#isClosed) return;
    }
    if (clean) channel.tipSent(work, work.tip, nowMs);
    if (!clean || job.id !== work.jobId) channel.jobSent(work, job.id, nowMs);
    this.#difficulty.onJob(monotonicMs);
    this.#listener.onJob(job, clean);
  }

  /** Whether a job would tell it something: it has none of its feed, or would have another target with the next one. */
  get isDue(): boolean {
    const { work } = this.feed;
    const isNew = work !== this.#work && work?.upstream.link.isOpen === true;
    return (isNew && this.#channel !== undefined) || this.#isRetargeted;
  }

  /** Looks at its shares; about once a second. */
  evaluate(monotonicMs: number): void {
    if (this.isWorking) this.#ownChannel?.settle();
    if (this.#difficulty.evaluate(monotonicMs)) {
      if (this.#isRetargeted) this.feed.expect(this);
      // The same power of two: the job that it has will do.
      else this.#difficulty.onJob(monotonicMs);
    }
    // Nobody else has work from there.
    this.#own?.giveDue();
  }

  get #isRetargeted(): boolean {
    const { work } = this.feed;
    return work !== undefined && this.#channel !== undefined && this.#difficulty.next(work) !== this.#difficulty.told;
  }

  #joinWorker(name: string): void {
    const { clock, workers } = this.#modules;
    if (this.statistics?.name === name) return;
    if (this.statistics !== undefined) workers.leave(this.statistics, this);
    this.statistics = workers.join(name, this, clock.monotonic());
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
