// The reserves that templates are prepared for. What clients ask for is rounded up to one of a few, so that however many clients there
// are and whatever they ask, there are never more variants of a template than reserves.
import type { CoinbaseReserve } from '../prepare-template.ts';

/** Consensus limits of a block [BIP141], and what of its weight is neither transaction nor output of the client [sv2 7.1]. */
const BLOCK_WEIGHT_LIMIT = 4_000_000;
const FIXED_WEIGHT = 1_168;
const BLOCK_SIGOPS_COST_LIMIT = 80_000;
const LEGACY_SIGOP_COST = 4;

/** What a block has room for when it holds the coinbase alone. */
export const LARGEST_RESERVE: CoinbaseReserve = {
  outputsSize: Math.floor((BLOCK_WEIGHT_LIMIT - FIXED_WEIGHT) / 4),
  outputsSigops: BLOCK_SIGOPS_COST_LIMIT / LEGACY_SIGOP_COST,
};

/** The smallest of the ladder; an output that pays to a key hash has 34 bytes and one operation. */
const FIRST_SIZE = 1_024;
const FIRST_SIGOPS = 32;
const STEPS = 10;

/** In the order in which they are tried: the pool's own, then powers of two, then all that a block has. */
export function reserveLadder(own: CoinbaseReserve): readonly CoinbaseReserve[] {
  const steps = Array.from({ length: STEPS }, (_, step) => ({
    outputsSize: FIRST_SIZE * 2 ** step,
    outputsSigops: FIRST_SIGOPS * 2 ** step,
  }));
  return [own, ...steps, LARGEST_RESERVE];
}

/** Index of the first reserve that holds what a client asks for; `undefined`: no block holds it. */
export function reserveFor(ladder: readonly CoinbaseReserve[], size: number, sigops: number): number | undefined {
  const index = ladder.findIndex(({ outputsSize, outputsSigops }) => size <= outputsSize && sigops <= outputsSigops);
  return index < 0 ? undefined : index;
}
