// The edge between a channel's target and the difficulty that vardiff counts in: expected hashes a share, as a double.
import { MAX_TARGET, targetForHashrate } from '@sluice/bitcoin/target';

/** Expected number of hashes to meet a target, 2^256 / (target + 1), to the precision of a double; at least 1. */
export function hashesOfTarget(target: bigint): number {
  return (Number(MAX_TARGET) + 1) / (Number(target) + 1);
}

/** The target that takes this many hashes on average, within [1, 2^256 - 1]. Throws `number-out-of-range` unless finite and not negative. */
export function targetOfHashes(hashes: number): bigint {
  // One share of `hashes` a second: 60 a minute.
  return targetForHashrate(hashes, 60);
}
