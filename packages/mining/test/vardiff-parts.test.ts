import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { logGamma, logRisingFactorial } from '../src/log-gamma.ts';
import { hashesOfTarget, targetOfHashes } from '../src/vardiff-difficulty.ts';

describe('difficulty and target', () => {
  test('the ends of the scale', () => {
    expect(hashesOfTarget(2n ** 256n - 1n)).toBe(1);
    expect(hashesOfTarget(0n)).toBe(2 ** 256);
    expect(targetOfHashes(1)).toBe(2n ** 256n - 1n);
    expect(targetOfHashes(2)).toBe(2n ** 255n - 1n);
    expect(targetOfHashes(2 ** 256)).toBe(1n);
    // Difficulty 1 of Bitcoin: 2^32 hashes, nearly.
    expect(hashesOfTarget(0xffffn << 208n)).toBeCloseTo(2 ** 48 / 0xffff, -3);
  });

  test('there and back', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e60, noNaN: true }), (hashes) => {
        expect(hashesOfTarget(targetOfHashes(hashes)) / hashes).toBeCloseTo(1, 12);
      }),
    );
  });
});

describe('log gamma', () => {
  test('factorials and halves', () => {
    expect(logGamma(1)).toBeCloseTo(0, 11);
    expect(logGamma(0.5)).toBeCloseTo(0.5 * Math.log(Math.PI), 11);
    let factorial = 1;
    for (let n = 2; n < 100; n += 1) {
      factorial *= n;
      expect(logGamma(n + 1) / Math.log(factorial)).toBeCloseTo(1, 11);
    }
  });

  test('the product and the series agree', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 500, noNaN: true }), fc.integer({ min: 0, max: 8 }), (x, n) => {
        expect(logRisingFactorial(x, n)).toBeCloseTo(logGamma(x + n) - logGamma(x), 9);
      }),
    );
  });
});
