import { expect, it } from 'vitest';
import { payoutFingerprint } from '../../src/desired/payout-fingerprint.ts';
import { examplePool } from '../defaulted.ts';

const pool = examplePool('regtest');
const of = (...outputs: readonly { readonly descriptor: string; readonly weight: number }[]) =>
  payoutFingerprint({ spec: { ...pool.spec, payout: { ...pool.spec.payout, outputs: [...outputs] } } });

it('is that of outputs and weights, whatever their order', () => {
  const [a, b] = [
    { descriptor: 'raw(51)', weight: 1 },
    { descriptor: 'raw(52)', weight: 2 },
  ] as const;
  expect(of(a, b)).toBe(of(b, a));
  const others = [of(a), of(a, { ...b, weight: 1 }), of({ ...a, weight: 2 }, { ...b, weight: 1 }), of(a, b)];
  expect(new Set(others).size).toBe(others.length);
  for (const each of others) expect(each).toMatch(/^[0-9a-f]{16}$/);
});
