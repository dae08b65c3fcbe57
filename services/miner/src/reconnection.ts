// Where and when to connect next.
import type { RandomBytes } from '@sluice/noise/ec';
import type { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import type { PoolUrl } from './pool-url.ts';

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;
/** After a refusal that the next attempt will meet again: whoever corrects it starts the miner anew. */
const REFUSED_FIRST_MS = 30_000;
const REFUSED_MAX_MS = 600_000;

/** Doubles with every failure, and half of it is chance, so that a farm does not come back in one second. */
export function reconnectDelay(failures: number, random: RandomBytes, refused = false): number {
  const [first, longest] = refused ? [REFUSED_FIRST_MS, REFUSED_MAX_MS] : [FIRST_DELAY_MS, MAX_DELAY_MS];
  const full = Math.min(longest, first * 2 ** Math.max(0, failures - 1));
  return Math.round(full / 2 + (full / 2) * (random(1)[0]! / 256));
}

/**
 * The server that a Reconnect names; the same authority must vouch for it [sv2 3.6.5]. Without an authority key nothing
 * could vouch for another host, so that one is not followed.
 */
export function redirectedPool(pool: PoolUrl, { newHost, newPort }: Reconnect): PoolUrl {
  const host = newHost === '' || pool.authorityKey === undefined ? pool.host : newHost;
  return { ...pool, host, port: newPort === 0 ? pool.port : newPort };
}
