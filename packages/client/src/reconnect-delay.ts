// When to connect again.
import type { RandomBytes } from '@sluice/noise/ec';

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;
/** After a refusal that the next attempt will meet again: whoever corrects it starts the client anew. */
const REFUSED_FIRST_MS = 30_000;
const REFUSED_MAX_MS = 600_000;

/** Milliseconds. Doubles with every failure, and half of it is chance, so that not all clients of a server come back in one second. */
export function reconnectDelay(failures: number, random: RandomBytes, refused = false): number {
  const [first, longest] = refused ? [REFUSED_FIRST_MS, REFUSED_MAX_MS] : [FIRST_DELAY_MS, MAX_DELAY_MS];
  const full = Math.min(longest, first * 2 ** Math.max(0, failures - 1));
  return Math.round(full / 2 + (full / 2) * (random(1)[0]! / 256));
}
