// Time rules of a chain of headers.
import { type Network, retargetInterval } from './network.ts';

/** Blocks whose times count for the median. */
export const MEDIAN_TIME_SPAN = 11;
/** BIP94: the first block of a retarget period is at most this many seconds older than its parent. */
const MAX_TIMEWARP_SECONDS = 600;
/** A node refuses a block this many seconds ahead of its own clock (`MAX_FUTURE_BLOCK_TIME`). */
export const MAX_FUTURE_SECONDS = 7200;

/**
 * Median of the last eleven of these block times, in Unix seconds, oldest block first; fewer are all taken, as at the start of a
 * chain. Of an even number the upper middle, as Bitcoin Core; 0 of none.
 */
export function medianTimePast(times: readonly number[]): number {
  const sorted = times.slice(-MEDIAN_TIME_SPAN).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

/**
 * Smallest header time, in Unix seconds, of the block at `height` on a parent of this time and median time past.
 * The rule of BIP94 for a period's first block is kept on every network, as Bitcoin Core does for its own templates.
 */
export function minimumTime(height: number, parentTime: number, parentMedianTime: number, network: Network): number {
  const afterMedian = parentMedianTime + 1;
  if (height % retargetInterval(network) !== 0) return afterMedian;
  return Math.max(afterMedian, parentTime - MAX_TIMEWARP_SECONDS);
}
