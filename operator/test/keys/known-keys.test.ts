import { expect, it } from 'vitest';
import { KnownKeys } from '../../src/keys/known-keys.ts';

const fault = { reason: 'AuthorityKeyLost', message: 'gone' } as const;
const found = { authorityPublicKey: 'key', notValidAfter: 2_000, fault: undefined };

it('is asked again when its time is over, or when it was found for something else', () => {
  const known = new KnownKeys();
  known.set('a', { found, fingerprint: 'one', againAt: 100 });
  expect(known.get('a', 'one', 40)).toEqual({ found, leftMs: 60 });
  expect(known.get('a', 'two', 40)).toBeUndefined();
  expect(known.get('a', 'one', 100)).toBeUndefined();
  expect(known.get('b', 'one', 40)).toBeUndefined();
});

it('tells of the certificate that ends first, and of what is wrong', () => {
  const known = new KnownKeys();
  expect(known.firstExpiry).toBeNaN();
  const rest = { fingerprint: '', againAt: 0 };
  known.set('a', { ...rest, found });
  known.set('b', { ...rest, found: { ...found, notValidAfter: 1_000 } });
  known.set('c', { ...rest, found: { ...found, notValidAfter: undefined, fault } });
  expect([known.firstExpiry, known.faults('AuthorityKeyLost'), known.faults('AuthorityKeyMissing')]).toEqual([
    1_000, 1, 0,
  ]);
  known.forget('b');
  known.forget('c');
  expect([known.firstExpiry, known.faults('AuthorityKeyLost')]).toEqual([2_000, 0]);
  known.clear();
  expect(known.firstExpiry).toBeNaN();
});
