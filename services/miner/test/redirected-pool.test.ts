import { expect, it } from 'vitest';
import { redirectedPool } from '../src/redirected-pool.ts';

it('follows to another host only with an authority key', () => {
  const pool = { host: 'a', port: 1, authorityKey: new Uint8Array(32) };
  expect(redirectedPool(pool, { newHost: 'b', newPort: 2 })).toMatchObject({ host: 'b', port: 2 });
  expect(redirectedPool(pool, { newHost: '', newPort: 0 })).toEqual(pool);
  expect(redirectedPool({ host: 'a', port: 1 }, { newHost: 'b', newPort: 2 })).toEqual({ host: 'a', port: 2 });
});
