// How hard the shares of one miner are: what its vardiff says, within what the miner claims and the policy allows, and never harder than
// its upstream's.
import { MAX_TARGET } from '@sluice/bitcoin/target';
import { type ShareTarget, shareTarget } from '@sluice/mining/share-target';
import { Vardiff } from '@sluice/mining/vardiff';
import { hashesOfTarget } from '@sluice/mining/vardiff-difficulty';
import type { Clock } from '@sluice/runtime/clock';
import type { FarmWork } from './farm-work.ts';
import type { MinerClaim } from './miner.ts';
import { hashesOfDifficulty, type MinerTargets } from './miner-target.ts';

/** How hard shares may be, in hashes that one takes. */
export interface DifficultyPolicy {
  /** Wanted of each miner. */
  readonly sharesPerMinute: number;
  /** Of a miner that says nothing. */
  readonly firstHashes: number;
  /** No miner gets easier ones, unless its upstream's are. */
  readonly easiestHashes: number;
}

export interface MinerDifficultyModules {
  readonly clock: Clock;
  readonly targets: MinerTargets;
  readonly policy: DifficultyPolicy;
}

/** Of a miner that says nothing of itself. */
const NO_CLAIM: MinerClaim = { nominalHashrate: 0, maxTarget: MAX_TARGET };

export class MinerDifficulty {
  readonly #modules: MinerDifficultyModules;
  /** From `start` on. */
  #vardiff: Vardiff | undefined;
  /** A difficulty of SV1 that the miner wished; 0: none. */
  #suggested = 0;
  #claim = NO_CLAIM;
  #hasShares = false;
  /** The target that goes with the next job, and what it was made of. */
  #target: ShareTarget | undefined;
  #targetHashes = 0;
  #targetBound = -1n;
  #told: ShareTarget | undefined;

  constructor(modules: MinerDifficultyModules) {
    this.#modules = modules;
  }

  /** Hashes a second, estimated; 0 before it works. */
  get hashrate(): number {
    return this.#vardiff?.hashrate ?? 0;
  }

  /** What the miner was told last. */
  get told(): ShareTarget | undefined {
    return this.#told;
  }

  /** Begins anew with what is known of the miner. */
  start(work: FarmWork | undefined): void {
    const { clock, policy } = this.#modules;
    const { sharesPerMinute, firstHashes } = policy;
    const { nominalHashrate } = this.#claim;
    const expected = nominalHashrate === 0 ? firstHashes : (nominalHashrate * 60) / sharesPerMinute;
    const wanted = this.#suggested === 0 ? expected : hashesOfDifficulty(this.#suggested);
    const easiest = this.#easiestHashes;
    const hardest = hardestHashes(easiest, work);
    this.#targetBound = work?.upstream.target.value ?? -1n;
    this.#target = undefined;
    this.#vardiff = new Vardiff(
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

  /** Takes the first wish of a miner that has no shares yet; false: it is not taken. */
  suggest(difficulty: number): boolean {
    if (this.#suggested !== 0 || this.#hasShares) return false;
    this.#suggested = difficulty;
    return true;
  }

  claim(claim: MinerClaim): void {
    this.#claim = claim;
    this.#target = undefined;
  }

  /** What was claimed holds for a miner at work as well. */
  applyClaim(work: FarmWork | undefined): void {
    const easiest = this.#easiestHashes;
    const { nominalHashrate } = this.#claim;
    const now = this.#modules.clock.monotonic();
    this.#vardiff?.onUpdateChannel(now, nominalHashrate, easiest, hardestHashes(easiest, work));
  }

  onShare(hashes: number): void {
    this.#hasShares = true;
    this.#vardiff?.onShare(hashes);
  }

  onJob(monotonicMs: number): void {
    this.#vardiff?.onJob(monotonicMs);
  }

  /** Looks at the shares; true: another difficulty is wanted. */
  evaluate(monotonicMs: number): boolean {
    return this.#told !== undefined && this.#vardiff?.evaluate(monotonicMs) !== undefined;
  }

  /** The upstream's target bounds the miner's. */
  followUpstream(work: FarmWork, monotonicMs: number): void {
    const { value } = work.upstream.target;
    if (value === this.#targetBound) return;
    this.#targetBound = value;
    this.#target = undefined;
    const easiest = this.#easiestHashes;
    this.#vardiff?.onUpdateChannel(monotonicMs, 0, easiest, hardestHashes(easiest, work));
  }

  /** What holds from the next job on. */
  next(work: FarmWork | undefined): ShareTarget {
    const hashes = this.#vardiff?.announced ?? 0;
    if (this.#target === undefined || this.#targetHashes !== hashes) {
      this.#targetHashes = hashes;
      const target = this.#modules.targets.of(hashes, work?.upstream.target.value ?? 0n);
      const { maxTarget } = this.#claim;
      if (target.value <= maxTarget) this.#target = target;
      else this.#target = this.#told?.value === maxTarget ? this.#told : shareTarget(maxTarget);
    }
    return this.#target;
  }

  tell(target: ShareTarget): void {
    this.#told = target;
  }

  /** Of the easiest share that both the policy and the miner allow. */
  get #easiestHashes(): number {
    return Math.max(this.#modules.policy.easiestHashes, hashesOfTarget(this.#claim.maxTarget));
  }
}

/** Hashes of the hardest share: those of one for the upstream. */
function hardestHashes(easiestHashes: number, work: FarmWork | undefined): number {
  if (work === undefined) return Number.MAX_VALUE;
  return Math.max(easiestHashes, hashesOfTarget(work.upstream.target.value));
}
