// Which of two chains to work on, where not everybody who tells of a tip knows how much work it holds.

/** As far as it is known of a chain's last block. */
export interface ChainTip {
  /** Expected hashes to reproduce the chain up to and with this block; 0: unknown. */
  readonly chainwork: bigint;
  readonly height: number;
}

/**
 * Whether to leave `current` for `candidate`: for more work where both are known, else for a greater height, which says little of the
 * work at a reorganisation only. Ties stay.
 */
export function isBetterTip(candidate: ChainTip, current: ChainTip): boolean {
  const known = candidate.chainwork !== 0n && current.chainwork !== 0n;
  return known ? candidate.chainwork > current.chainwork : candidate.height > current.height;
}
