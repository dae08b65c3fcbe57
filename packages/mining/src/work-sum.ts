// What `new_shares_sum` of SubmitShares.Success says: the sum of the difficulties of the acknowledged shares [sv2 5.3.13], as
// an integer. Work is exact; the part below one difficulty is carried to the next acknowledgement of the channel.
import { DIFFICULTY_1_TARGET, workOfTarget } from '@sluice/bitcoin/target';

/** Expected hashes of difficulty 1. */
export const DIFFICULTY_1_WORK: bigint = workOfTarget(DIFFICULTY_1_TARGET);
const U64_MAX = (1n << 64n) - 1n;

/** For one channel. */
export class WorkSum {
  #work = 0n;

  /** `work`: expected hashes of the shares, see `ShareTarget.work`. */
  add(work: bigint): void {
    this.#work += work;
  }

  /** Whole difficulties since the last call; the rest, and what exceeds a u64, stays. */
  take(): bigint {
    const whole = this.#work / DIFFICULTY_1_WORK;
    const taken = whole > U64_MAX ? U64_MAX : whole;
    this.#work -= taken * DIFFICULTY_1_WORK;
    return taken;
  }
}
