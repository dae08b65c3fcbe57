// Vardiff of one channel: decides when the channel's target is to be changed, and to what. The gateway runs one beside each channel.
// What the device's hashrate is believed to be stands in vardiff-belief.ts; here stand the policy and when a belief is worth a SetTarget.
// Difficulties are expected hashes a share (vardiff-difficulty.ts); times are milliseconds of a monotonic clock. docs/vardiff.md shows
// the idea and how it fares against noise.
import { HashrateBelief } from './vardiff-belief.ts';

/** Bounds and aims, from channel-manager. */
export interface VardiffPolicy {
  /** Wanted rate of shares; positive. */
  readonly sharesPerMinute: number;
  /** Easiest difficulty, >= 1: that of the largest target which both the policy and the miner's max_target allow. */
  readonly minDifficulty: number;
  /** Hardest difficulty, >= minDifficulty. */
  readonly maxDifficulty: number;
  /** Difficulty of the target that the channel was opened with. */
  readonly firstDifficulty: number;
  /** Hashes a second as claimed on opening; only later claims are compared with it. 0: none. */
  readonly nominalHashrate: number;
}

/** A difficulty further off than this from what the shares say is wrong. */
const TOLERANCE = 1.25;
/** Belief that the difficulty is wrong on one side, from which on it is moved, and from which on it is moved all the way at once. */
const LIKELY = 0.52;
const CERTAIN = 0.94;
/** A move on a belief that is not certain yet: at most this factor, and not sooner than this after the last move. */
const GENTLE_FACTOR = 1.24;
const GENTLE_PAUSE_MS = 120_000;
/** A smaller move is not worth a message. */
const LEAST_FACTOR = 1.1;
/** Time without an evaluation counts up to this much as silence of the miner: more means that this process did not run. */
const MAX_GAP_MS = 60_000;
/** So many shares more than were expected are worth a look at once. All else waits for so long: a look costs as much as a share. */
const SURPRISING_SHARES = 3;
const LOOK_MS = 5_000;
/** Less than this many expected shares is not worth one even then. */
const LEAST_EXPECTED_SHARES = 0.2;
/**
 * Silence alone eases no further than by this factor since the last share, so that a device that comes back does not flood the pool
 * until its next job. A single share lifts the bound.
 */
const MAX_SILENT_EASING = 1000;
/** A claim counts only if the claimed hashrate changed by this factor, up to that one, and once in a minute. */
const LEAST_CLAIM = 1.1;
const LARGEST_CLAIM = 10;
const CLAIM_PAUSE_MS = 60_000;

/** For one channel; whoever writes SetTarget asks it what to write, and tells it what was written. */
export class Vardiff {
  readonly #sharesPerSecond: number;
  readonly #belief: HashrateBelief;
  #minDifficulty: number;
  #maxDifficulty: number;
  #announced: number;
  #inForce: number;
  #nominalHashrate: number;
  /** What has not been taken into the belief yet: all at the difficulty in force. */
  #shares = 0;
  #silentMs = 0;
  #lastMs: number;
  #movedMs: number;
  #claimedMs: number;
  /** Hashrate below which silence does not lead. */
  #silenceFloor = 0;

  /** The channel is taken to have its first job, with `firstDifficulty`, from `nowMs` on. */
  constructor(policy: VardiffPolicy, nowMs: number) {
    this.#sharesPerSecond = policy.sharesPerMinute / 60;
    this.#minDifficulty = policy.minDifficulty;
    this.#maxDifficulty = policy.maxDifficulty;
    this.#announced = policy.firstDifficulty;
    this.#inForce = policy.firstDifficulty;
    this.#nominalHashrate = policy.nominalHashrate;
    this.#belief = new HashrateBelief(policy.firstDifficulty * this.#sharesPerSecond);
    this.#lastMs = nowMs;
    this.#movedMs = nowMs;
    this.#claimedMs = nowMs - CLAIM_PAUSE_MS;
  }

  /** Difficulty of the last target written to the miner: the first one, then what `evaluate` or `onUpdateChannel` gave. */
  get announced(): number {
    return this.#announced;
  }

  /** Difficulty of the job that the miner works on: `announced` as it was at the last `onJob`. */
  get inForce(): number {
    return this.#inForce;
  }

  /** Estimated hashes a second. */
  get hashrate(): number {
    return this.#belief.typical;
  }

  /** An active job was written to the miner, or a future job activated: it has the last announced target. */
  onJob(nowMs: number): void {
    if (this.#inForce === this.#announced) return;
    this.#pass(nowMs);
    this.#absorb();
    this.#inForce = this.#announced;
  }

  /** An accepted share; `difficulty` is that of the target of the job it was found on. Constant time, no allocation. */
  onShare(difficulty: number): void {
    // A late share of an easier job would mostly not have been one at the difficulty in force.
    this.#shares += difficulty < this.#inForce ? difficulty / this.#inForce : 1;
  }

  /**
   * Called every second or so. Returns the difficulty of a target that is to be written now (SetTarget), or undefined; it counts as
   * announced. When it is below `inForce` the caller sends a new active job at once and calls `onJob`.
   */
  evaluate(nowMs: number): number | undefined {
    this.#pass(nowMs);
    const expected = (this.#silentMs / 1000 / this.#inForce) * this.#belief.typical;
    if (this.#silentMs < LOOK_MS && this.#shares < expected + SURPRISING_SHARES) return undefined;
    if (this.#shares === 0 && expected < LEAST_EXPECTED_SHARES) return undefined;
    this.#absorb();
    return this.#decide();
  }

  /**
   * UpdateChannel: a claimed hashrate (a hint, believed only as far as shares bear it out; 0 or nonsense: none) and new bounds. Returns a
   * difficulty, as `evaluate` does, if the announced one is outside the bounds.
   */
  onUpdateChannel(
    nowMs: number,
    nominalHashrate: number,
    minDifficulty: number,
    maxDifficulty: number,
  ): number | undefined {
    this.#pass(nowMs);
    this.#minDifficulty = minDifficulty;
    this.#maxDifficulty = maxDifficulty;
    this.#takeClaim(nominalHashrate);
    const bounded = this.#bound(this.#announced);
    return bounded === this.#announced ? undefined : this.#move(bounded);
  }

  #takeClaim(nominalHashrate: number): void {
    if (!(nominalHashrate > 0 && nominalHashrate < Number.POSITIVE_INFINITY)) return;
    const factor = this.#nominalHashrate > 0 ? nominalHashrate / this.#nominalHashrate : 1;
    if (factor < LEAST_CLAIM && factor > 1 / LEAST_CLAIM) {
      if (this.#nominalHashrate === 0) this.#nominalHashrate = nominalHashrate;
      return;
    }
    // A claim within the pause is not lost: the next one is compared with the last that counted.
    if (this.#lastMs - this.#claimedMs < CLAIM_PAUSE_MS) return;
    this.#claimedMs = this.#lastMs;
    this.#nominalHashrate = nominalHashrate;
    this.#absorb();
    this.#belief.claim(clamp(factor, 1 / LARGEST_CLAIM, LARGEST_CLAIM));
  }

  /** A clock that goes back counts as standing still. */
  #pass(nowMs: number): void {
    if (!(nowMs > this.#lastMs)) return;
    this.#silentMs += Math.min(nowMs - this.#lastMs, MAX_GAP_MS);
    this.#lastMs = nowMs;
  }

  #absorb(): void {
    if (this.#shares === 0 && this.#silentMs === 0) return;
    this.#belief.observe(this.#shares, this.#silentMs / 1000, this.#inForce);
    if (this.#shares > 0) this.#silenceFloor = this.#belief.typical / MAX_SILENT_EASING;
    this.#shares = 0;
    this.#silentMs = 0;
  }

  #decide(): number | undefined {
    const aimedAt = this.#announced * this.#sharesPerSecond;
    const tooHard = this.#belief.probabilityBelow(aimedAt / TOLERANCE);
    const tooEasy = 1 - this.#belief.probabilityBelow(aimedAt * TOLERANCE);
    const belief = Math.max(tooHard, tooEasy);
    if (belief < LIKELY) return undefined;
    const certain = belief >= CERTAIN;
    if (!certain && this.#lastMs - this.#movedMs < GENTLE_PAUSE_MS) return undefined;
    const wanted = Math.max(this.#belief.typical, this.#silenceFloor) / this.#sharesPerSecond;
    const factor = wanted / this.#announced;
    const difficulty = this.#bound(
      this.#announced * (certain ? factor : clamp(factor, 1 / GENTLE_FACTOR, GENTLE_FACTOR)),
    );
    const taken = difficulty / this.#announced;
    return taken > LEAST_FACTOR || taken < 1 / LEAST_FACTOR ? this.#move(difficulty) : undefined;
  }

  #move(difficulty: number): number {
    this.#announced = difficulty;
    this.#movedMs = this.#lastMs;
    return difficulty;
  }

  #bound(difficulty: number): number {
    return clamp(difficulty, this.#minDifficulty, this.#maxDifficulty);
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
