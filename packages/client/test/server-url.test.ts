import { describe, expect, it } from 'vitest';
import { formatServerUrl, parseServerUrl } from '../src/server-url.ts';

/** The key of the specification's own example [sv2 4.7.1]. */
const KEY = '9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh';

describe('server URLs', () => {
  it('carry host, port and authority key', () => {
    const pool = parseServerUrl(`stratum2+tcp://thepool.com:34254/${KEY}`);
    expect(pool).toMatchObject({ host: 'thepool.com', port: 34254 });
    expect([...pool!.authorityKey!.subarray(0, 4)]).toEqual([118, 99, 112, 0]);
    expect(formatServerUrl(pool!)).toBe(`stratum2+tcp://thepool.com:34254/${KEY}`);
  });

  it('may name an IPv6 address, and leave the key out', () => {
    expect(parseServerUrl('stratum2+tcp://[::1]:3333')).toEqual({ host: '::1', port: 3333 });
    expect(formatServerUrl({ host: '::1', port: 3333 })).toBe('stratum2+tcp://[::1]:3333');
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
      expect([text, parseServerUrl(text)]).toEqual([text, undefined]);
  });
});
