import { describe, expect, it } from 'vitest';
import { formatPoolUrl, parsePoolUrl } from '../src/pool-url.ts';
import { reconnectDelay, redirectedPool } from '../src/reconnection.ts';

/** The key of the specification's own example [sv2 4.7.1]. */
const KEY = '9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh';

describe('pool URLs', () => {
  it('carry host, port and authority key', () => {
    const pool = parsePoolUrl(`stratum2+tcp://thepool.com:34254/${KEY}`);
    expect(pool).toMatchObject({ host: 'thepool.com', port: 34254 });
    expect([...pool!.authorityKey!.subarray(0, 4)]).toEqual([118, 99, 112, 0]);
    expect(formatPoolUrl(pool!)).toBe(`stratum2+tcp://thepool.com:34254/${KEY}`);
  });

  it('may name an IPv6 address, and leave the key out', () => {
    expect(parsePoolUrl('stratum2+tcp://[::1]:3333')).toEqual({ host: '::1', port: 3333 });
    expect(formatPoolUrl({ host: '::1', port: 3333 })).toBe('stratum2+tcp://[::1]:3333');
  });

  it('are refused when anything is wrong with them', () => {
    const damaged = `${KEY.slice(0, -1)}j`;
    for (const text of [
      `stratum2+tcp://thepool.com:34254/${damaged}`,
      `stratum+tcp://thepool.com:34254/${KEY}`,
      'stratum2+tcp://thepool.com',
      'stratum2+tcp://thepool.com:0',
      'stratum2+tcp://thepool.com:70000',
      'stratum2+tcp://:3333',
      `stratum2+tcp://thepool.com:1/${KEY}/more`,
    ])
      expect([text, parsePoolUrl(text)]).toEqual([text, undefined]);
  });
});

describe('reconnection', () => {
  const pool = { host: 'a', port: 1, authorityKey: new Uint8Array(32) };

  it('follows to another host only with an authority key', () => {
    expect(redirectedPool(pool, { newHost: 'b', newPort: 2 })).toMatchObject({ host: 'b', port: 2 });
    expect(redirectedPool(pool, { newHost: '', newPort: 0 })).toEqual(pool);
    expect(redirectedPool({ host: 'a', port: 1 }, { newHost: 'b', newPort: 2 })).toEqual({ host: 'a', port: 2 });
  });

  it('waits twice as long each time, up to a minute, half of it by chance', () => {
    const least = (failures: number) => reconnectDelay(failures, () => Uint8Array.of(0));
    const most = (failures: number) => reconnectDelay(failures, () => Uint8Array.of(255));
    expect([0, 1, 2, 3, 30].map(least)).toEqual([500, 500, 1_000, 2_000, 30_000]);
    expect(most(2)).toBeGreaterThan(1_900);
    expect(most(1_000)).toBeLessThanOrEqual(60_000);
  });

  it('waits longer after a refusal that lasts, up to ten minutes', () => {
    const least = (failures: number) => reconnectDelay(failures, () => Uint8Array.of(0), true);
    expect([1, 2, 30].map(least)).toEqual([15_000, 30_000, 300_000]);
  });
});
