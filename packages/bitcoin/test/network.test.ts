import { describe, expect, test } from 'vitest';
import { medianTimePast, minimumTime } from '../src/chain.ts';
import { mayChangeBits, subsidy } from '../src/network.ts';

describe('subsidy', () => {
  test.each([
    [0, 'mainnet', 5_000_000_000n],
    [209_999, 'mainnet', 5_000_000_000n],
    [210_000, 'mainnet', 2_500_000_000n],
    [840_000, 'mainnet', 312_500_000n],
    [6_929_999, 'mainnet', 1n],
    [6_930_000, 'mainnet', 0n],
    [100_000_000, 'mainnet', 0n],
    [149, 'regtest', 5_000_000_000n],
    [150, 'regtest', 2_500_000_000n],
    [210_000, 'testnet4', 2_500_000_000n],
  ] as const)('of block %i on %s', (height, network, value) => {
    expect(subsidy(height, network)).toBe(value);
  });

  test('adds up to all coins there will be', () => {
    let all = 0n;
    for (let era = 0; era < 40; era += 1) all += 210_000n * subsidy(era * 210_000, 'mainnet');
    expect(all).toBe(2_099_999_997_690_000n);
  });

  test('of no height is refused', () => {
    expect(() => subsidy(-1, 'mainnet')).toThrow(expect.objectContaining({ code: 'number-out-of-range' }));
  });
});

test('only some blocks may have another target than their parent', () => {
  expect(mayChangeBits(2016, 'mainnet')).toBe(true);
  expect(mayChangeBits(2017, 'mainnet')).toBe(false);
  expect(mayChangeBits(4032, 'signet')).toBe(true);
  expect(mayChangeBits(2017, 'testnet4')).toBe(true);
  expect(mayChangeBits(2016, 'regtest')).toBe(false);
});

describe('time', () => {
  test('median of the last eleven', () => {
    expect(medianTimePast([5])).toBe(5);
    expect(medianTimePast([1, 9])).toBe(9);
    expect(medianTimePast([3, 1, 2])).toBe(2);
    expect(medianTimePast([1000, 11, 1, 10, 2, 9, 3, 8, 4, 7, 5, 6])).toBe(6);
  });

  test('a block comes after the median, and the first of a period at most ten minutes before its parent', () => {
    expect(minimumTime(2017, 50_000, 1000, 'mainnet')).toBe(1001);
    expect(minimumTime(2016, 50_000, 1000, 'mainnet')).toBe(49_400);
    expect(minimumTime(2016, 1200, 1000, 'mainnet')).toBe(1001);
    expect(minimumTime(288, 50_000, 1000, 'regtest')).toBe(49_400);
  });
});
