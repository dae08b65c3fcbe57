/** How long to wait before the next of several attempts that failed. */
export interface BackoffBounds {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Part of the wait that is left to chance, so that many who failed at once do not come back at once. */
const JITTER = 0.5;

/**
 * Doubles with each failure up to the longest wait, of which half is left to chance.
 * @param failures in a row, from 1 @param random a fraction in [0, 1)
 */
export function backoffMs({ firstMs, longestMs }: BackoffBounds, failures: number, random: number): number {
  const whole = Math.min(longestMs, firstMs * 2 ** (failures - 1));
  return whole * (1 - JITTER * random);
}
