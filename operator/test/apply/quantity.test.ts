import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantityNanos } from '../../src/apply/quantity.ts';

describe('a quantity', () => {
  it.each<[string | number, string | number]>([
    ['0.5', '500m'],
    [1, '1'],
    ['1Gi', '1024Mi'],
    ['1.5Gi', '1536Mi'],
    ['2e3', '2k'],
    ['1E', '1000P'],
    ['100n', '0.0000001'],
    ['0.1n', '1n'],
    ['-1', '-1000m'],
  ])('%s is %s', (one, other) => {
    expect(quantityNanos(one)).toBe(quantityNanos(other));
    expect(quantityNanos(one)).toBeTypeOf('bigint');
  });

  it.each<[string, string]>([
    ['1', '1001m'],
    ['1G', '1Gi'],
    ['1M', '1m'],
  ])('%s is not %s', (one, other) => {
    expect(quantityNanos(one)).not.toBe(quantityNanos(other));
  });

  it.each(['', 'm', '1 Gi', '1Xi', 'abc', true, undefined, {}])('is not %j', (value) => {
    expect(quantityNanos(value)).toBe(undefined);
  });

  it('is the same in thousandths', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (amount) => {
        expect(quantityNanos(`${amount}m`)).toBe(
          quantityNanos(`${Math.floor(amount / 1000)}.${String(amount % 1000).padStart(3, '0')}`),
        );
        expect(quantityNanos(`${amount}m`)).toBe(BigInt(amount) * 1_000_000n);
      }),
    );
  });
});
