// One miner of the farm: whose it is, and what it is given.
import { difficultyOfTarget } from '@sluice/bitcoin/target';
import { MiningChannel } from '@sluice/mining/channel';
import type { ShareErrorCode, WorkerMiner, WorkerStatistics } from '../statistics/worker-statistics.ts';
import type { Workers } from '../statistics/workers.ts';
import type { MinerOfChannel } from '../upstream/session.ts';
import type { FarmWork } from './farm-work.ts';
import type { Feed } from './feed.ts';
import type { FarmJob, Miner, MinerClaim, MinerListener } from './miner.ts';
import { type DifficultyPolicy, MinerDifficulty, type MinerDifficultyModules } from './miner-difficulty.ts';
import { MinerShares, type MinerSharesModules } from './miner-shares.ts';
import { OwnChannel, type OwnChannelModules } from './own-channel.ts';
import { placeBytes } from './places.ts';
import { workerField, workerOf } from './worker-name.ts';

export interface FarmPolicy extends DifficultyPolicy {
  /** Bytes that each miner rolls. */
  readonly extranonce2Size: number;
}

/** What all miners of a farm share. */
export interface FarmMinerModules extends MinerDifficultyModules, MinerSharesModules {
  readonly workers: Workers;
  readonly policy: FarmPolicy;
  /** Of a miner that nothing is known of, hashes a second. */
  readonly expectedHashrate: number;
  /** `undefined`: all work on one channel of their upstream. */
  readonly ownChannels: OwnChannelModules | undefined;
  onClosed(miner: FarmMiner): void;
}

export class FarmMiner implements Miner, WorkerMiner {
  readonly id: number;
  readonly place: number;
  readonly extranonce1: Uint8Array;
  readonly extranonce2Size: number;
  /** Unix milliseconds. */
  readonly openedMs: number;
  readonly shares: MinerShares;
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
    this.shares = new MinerShares(this.extranonce1, listener, this.#difficulty, modules);
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

  /** Whose its shares are, from `authorize` on. */
  get worker(): WorkerStatistics | undefined {
    return this.shares.worker;
  }

  /** For whom a channel of its own is opened. */
  get ofChannel(): MinerOfChannel {
    const { expectedHashrate } = this.#modules;
    const hashrate = () => this.hashrate || expectedHashrate;
    return { name: this.worker?.name ?? '', field: this.shares.workerField, hashrate };
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
    this.#joinWorker(user);
    if (this.#channel !== undefined) return;
    const { clock } = this.#modules;
    const { work } = this.feed;
    this.#difficulty.start(work);
    const sizes = { extranoncePrefix: this.extranonce1, extranonceSize: this.extranonce2Size };
    this.#channel = new MiningChannel({ kind: 'extended', ...sizes, target: this.#difficulty.next(work) });
    this.shares.start(this.#channel);
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
    this.shares.submit(jobId, extranonce2, ntime, nonce, version, request);
  }

  refusedForm(code: ShareErrorCode): void {
    this.shares.refusedForm(code);
  }

  close(): void {
    this.#modules.lanes.flush();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel = undefined;
    this.shares.close();
    if (this.worker !== undefined) this.#modules.workers.leave(this.worker, this);
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

  #joinWorker(user: string): void {
    const name = workerOf(user);
    // The same name is the same field: a channel of the miner's own knows it by that.
    if (name === this.worker?.name) return;
    const { clock, workers } = this.#modules;
    if (this.worker !== undefined) workers.leave(this.worker, this);
    this.shares.belongTo(workers.join(name, this, clock.monotonic()), workerField(user));
  }
}
