import { DIFFICULTY_1_TARGET, MAX_TARGET, targetOfDifficulty } from '@sluice/bitcoin/target';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDifficulty, largestDifficulty, powerOfTwoDifficulty } from '../src/difficulty.ts';

const anyTarget = fc
  .tuple(fc.bigInt({ min: 2n, max: MAX_TARGET }), fc.integer({ min: 0, max: 254 }))
  .map(([target, shift]) => target >> BigInt(shift))
  .filter((target) => target >= 2n);

test.each([
  ['difficulty 1', DIFFICULTY_1_TARGET, 1],
  ['a little harder than 1', DIFFICULTY_1_TARGET - 1n, 1],
  ['a little easier than 1', DIFFICULTY_1_TARGET + 1n, 0.5],
  ['1,024 to the bit', targetOfDifficulty(1024), 1024],
  ['1,023', targetOfDifficulty(1023), 512],
  ['the easiest', MAX_TARGET, 2 ** -33],
])('%s is rounded down to a power of two', (_, target, expected) => {
  expect(powerOfTwoDifficulty(target)).toBe(expected);
});

test('a power of two is never harder than the target, and twice as much always is', () => {
  fc.assert(
    fc.property(anyTarget, (target) => {
      const difficulty = powerOfTwoDifficulty(target);
      expect(Math.log2(difficulty) % 1).toBeCloseTo(0, 15);
      expect(targetOfDifficulty(difficulty) >= target).toBe(true);
      expect(targetOfDifficulty(2 * difficulty) < target).toBe(true);
    }),
  );
});

test('the largest difficulty is never harder than the target, and the next double always is', () => {
  fc.assert(
    fc.property(anyTarget, (target) => {
      const difficulty = largestDifficulty(target);
      expect(targetOfDifficulty(difficulty) >= target).toBe(true);
      expect(targetOfDifficulty(difficulty * (1 + 2 ** -52)) < target).toBe(true);
      expect(difficulty).toBeGreaterThanOrEqual(powerOfTwoDifficulty(target));
    }),
  );
});

test('targets that no share meets end as well', () => {
  expect(powerOfTwoDifficulty(0n)).toBe(powerOfTwoDifficulty(2n));
  expect(largestDifficulty(1n)).toBe(largestDifficulty(2n));
});

test.each([
  [1, '1'],
  [0.000_15, '0.00015'],
  [0.5, '0.5'],
  [1e-7, '0.0000001'],
  [1.25e-9, '0.00000000125'],
  [2 ** -33, '0.00000000011641532182693481'],
  [1e21, '1000000000000000000000'],
  [2 ** 80, '1208925819614629174706176'],
  [1.1e3, '1100'],
])('%d is written as %s', (difficulty, text) => {
  expect(formatDifficulty(difficulty)).toBe(text);
});

test('what is written is what was meant, without an exponent', () => {
  fc.assert(
    fc.property(fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true }), (difficulty) => {
      const text = formatDifficulty(difficulty);
      expect(text).toMatch(/^\d+(\.\d+)?$/);
      expect(Number(text)).toBe(difficulty);
    }),
  );
});

test.each([0, -1, Number.NaN, Infinity])('%d is no difficulty', (difficulty) => {
  expect(() => formatDifficulty(difficulty)).toThrow(expect.objectContaining({ code: 'value-out-of-range' }));
});
