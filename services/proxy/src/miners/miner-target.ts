// Targets that a miner can be told: those of powers of two as difficulties of SV1, never harder than what was wanted nor than the upstream's.
import { targetOfDifficulty } from '@sluice/bitcoin/target';
import { type ShareTarget, shareTarget } from '@sluice/mining/share-target';
import { hashesOfTarget, targetOfHashes } from '@sluice/mining/vardiff-difficulty';
import { powerOfTwoDifficulty } from '@sluice/sv1/difficulty';

/** A power of two that has gone through doubles is to be the same one again. */
const ROUNDING = 1 + 1e-9;

/** A few dozen for all miners. */
export class MinerTargets {
  readonly #byDifficulty = new Map<number, ShareTarget>();

  /**
   * @param hashes that a share shall take.
   * @param upstream what a share for the upstream has to meet: a miner with a harder target would keep work to itself that is paid.
   */
  of(hashes: number, upstream: bigint): ShareTarget {
    const wanted = targetOfHashes(hashes * ROUNDING);
    const difficulty = powerOfTwoDifficulty(wanted > upstream ? wanted : upstream);
    let target = this.#byDifficulty.get(difficulty);
    if (target === undefined) {
      target = shareTarget(targetOfDifficulty(difficulty));
      this.#byDifficulty.set(difficulty, target);
    }
    return target;
  }
}

/** Hashes that a share of this difficulty of SV1 takes. */
export function hashesOfDifficulty(difficulty: number): number {
  return hashesOfTarget(targetOfDifficulty(difficulty));
}
