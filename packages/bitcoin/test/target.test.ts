import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compactToTarget,
  DIFFICULTY_1_TARGET,
  difficultyOfTarget,
  MAX_TARGET,
  meetsTarget,
  targetForHashrate,
  targetFromBytes,
  targetOfDifficulty,
  targetToBytes,
  targetToCompact,
  workOfTarget,
} from '../src/target.ts';

const target = fc.bigInt({ min: 0n, max: MAX_TARGET });

describe('compact target', () => {
  // Rows of Bitcoin Core's arith_uint256 tests (`bignum_SetCompact`), and of well-known blocks.
  test.each([
    [0x00000000, 0n, 0],
    [0x00123456, 0n, 0],
    [0x01003456, 0n, 0],
    [0x02000056, 0n, 0],
    [0x03000000, 0n, 0],
    // The sign does not count where nothing is left for it.
    [0x00923456, 0n, 0],
    [0x01803456, 0n, 0],
    [0x02800056, 0n, 0],
    [0x03800000, 0n, 0],
    [0x04800000, 0n, 0],
    [0x01123456, 0x12n, 0x01120000],
    [0x02123456, 0x1234n, 0x02123400],
    [0x03123456, 0x123456n, 0x03123456],
    [0x04123456, 0x12345600n, 0x04123456],
    [0x05009234, 0x92340000n, 0x05009234],
    [0x20123456, 0x123456n << 232n, 0x20123456],
    [0x1d00ffff, 0xffffn << 208n, 0x1d00ffff],
    [0x1b0404cb, 0x0404cbn << 192n, 0x1b0404cb],
    [0x207fffff, 0x7fffffn << 232n, 0x207fffff],
    [0x1e0377ae, 0x0377aen << 216n, 0x1e0377ae],
  ])('%i', (compact, expected, again) => {
    expect(compactToTarget(compact)).toBe(expected);
    expect(targetToCompact(expected)).toBe(again);
  });

  test('moves a byte up where the sign would be', () => {
    expect(targetToCompact(0x80n)).toBe(0x02008000);
    expect(targetToCompact(MAX_TARGET)).toBe(0x2100ffff);
  });

  test.each([0x01fedcba, 0x04923456, 0x01810000])('refuses the negative 0x%i', (compact) => {
    expect(() => compactToTarget(compact)).toThrow(expect.objectContaining({ code: 'compact-target-negative' }));
  });

  test.each([0xff123456, 0x23000001, 0x22000100, 0x21010000])('refuses the overflow 0x%i', (compact) => {
    expect(() => compactToTarget(compact)).toThrow(expect.objectContaining({ code: 'compact-target-overflow' }));
  });

  test('rounds down, by less than one part in 2^15, and stays where it landed', () => {
    fc.assert(
      fc.property(target, (value) => {
        const rounded = compactToTarget(targetToCompact(value));
        expect(rounded <= value && value - rounded <= value >> 15n).toBe(true);
        expect(targetToCompact(rounded)).toBe(targetToCompact(value));
      }),
    );
  });
});

describe('bytes and comparison', () => {
  test('round trip, little-endian', () => {
    expect(targetToBytes(0x0102n).slice(0, 3)).toEqual(Uint8Array.of(2, 1, 0));
    fc.assert(
      fc.property(target, (value) => {
        expect(targetFromBytes(targetToBytes(value))).toBe(value);
      }),
    );
  });

  test('compares as integers do, equality included', () => {
    const near = fc.tuple(target, fc.bigInt({ min: -3n, max: 3n })).map(([value, step]) => {
      const other = value + step;
      return [value, other < 0n || other > MAX_TARGET ? value : other] as const;
    });
    fc.assert(
      fc.property(fc.oneof(fc.tuple(target, target), near), ([hash, limit]) => {
        expect(meetsTarget(targetToBytes(hash), targetToBytes(limit))).toBe(hash <= limit);
      }),
    );
  });

  test('refuses what is no 256-bit integer', () => {
    expect(() => targetToBytes(-1n)).toThrow(expect.objectContaining({ code: 'number-out-of-range' }));
    expect(() => targetToCompact(MAX_TARGET + 1n)).toThrow(expect.objectContaining({ code: 'number-out-of-range' }));
    expect(() => targetFromBytes(new Uint8Array(31))).toThrow(expect.objectContaining({ code: 'wrong-length' }));
  });
});

describe('work and difficulty', () => {
  test('of known targets', () => {
    expect(workOfTarget(DIFFICULTY_1_TARGET)).toBe(0x100010001n);
    expect(workOfTarget(MAX_TARGET)).toBe(1n);
    expect(workOfTarget(compactToTarget(0x207fffff))).toBe(2n);
    expect(difficultyOfTarget(DIFFICULTY_1_TARGET)).toBe(1);
    // Block 100,000: difficulty 14484.16236122 as block explorers show it.
    expect(difficultyOfTarget(compactToTarget(0x1b04864c))).toBeCloseTo(14484.16236122, 7);
  });

  test('a target of a difficulty is the largest that has it', () => {
    expect(targetOfDifficulty(1)).toBe(DIFFICULTY_1_TARGET);
    expect(targetOfDifficulty(2 ** -40)).toBe(MAX_TARGET);
    expect(targetOfDifficulty(2 ** 1000)).toBe(1n);
    expect(targetOfDifficulty(0.5)).toBe(DIFFICULTY_1_TARGET * 2n);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.integer({ min: 0, max: 30 }), (n, shift) => {
        // n / 2^shift is an exact double, so that the integer division can be checked exactly.
        const expected = (DIFFICULTY_1_TARGET << BigInt(shift)) / BigInt(n);
        expect(targetOfDifficulty(n / 2 ** shift)).toBe(expected > MAX_TARGET ? MAX_TARGET : expected);
      }),
    );
  });

  test('a device finds shares at the rate asked for', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e3, max: 1e18, noNaN: true }),
        fc.double({ min: 0.1, max: 120, noNaN: true }),
        (rate, shares) => {
          const perMinute = (rate * 60) / Number(workOfTarget(targetForHashrate(rate, shares)));
          expect(Math.abs(perMinute / shares - 1)).toBeLessThan(0.02);
        },
      ),
    );
    expect(targetForHashrate(0, 6)).toBe(MAX_TARGET);
    expect(targetForHashrate(0.01, 6)).toBe(MAX_TARGET);
    expect(targetForHashrate(Number.MAX_VALUE, 0.001)).toBe(1n);
  });

  test.each([0, -1, Number.NaN, Infinity])('refuses difficulty and rates of %d', (value) => {
    const outOfRange = expect.objectContaining({ code: 'number-out-of-range' });
    expect(() => targetOfDifficulty(value)).toThrow(outOfRange);
    expect(() => targetForHashrate(1e12, value)).toThrow(outOfRange);
    if (value !== 0) expect(() => targetForHashrate(value, 6)).toThrow(outOfRange);
  });
});
