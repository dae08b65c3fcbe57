// The target of a channel with all that is derived from it, made once when the target is set and shared by every job it applies to.
import { MAX_TARGET, targetFromBytes, targetToBytes, workOfTarget } from '@sluice/bitcoin/target';

/** A hash that is not above it, read as a little-endian integer, is a share. */
export interface ShareTarget {
  readonly value: bigint;
  /** 32 bytes, little-endian. */
  readonly bytes: Uint8Array;
  /** Expected hashes of one share, exact: floor(2^256 / (target + 1)). */
  readonly work: bigint;
  /** The same as a double, for rates. */
  readonly difficulty: number;
}

/** A target from 0 to 2^256 - 1. */
export function shareTarget(value: bigint): ShareTarget {
  const work = workOfTarget(value);
  return { value, bytes: targetToBytes(value), work, difficulty: Number(work) };
}

/** The same from 32 bytes, little-endian. */
export function shareTargetFromBytes(bytes: Uint8Array): ShareTarget {
  return shareTarget(targetFromBytes(bytes));
}

/** Holds a wanted target within what the pool gives out and what the device takes: never easier than `maxTarget`. */
export function clampTarget(value: bigint, hardest: bigint, maxTarget: bigint = MAX_TARGET): bigint {
  const held = value < hardest ? hardest : value;
  return held > maxTarget ? maxTarget : held;
}
