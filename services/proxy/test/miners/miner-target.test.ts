import { MAX_TARGET, targetOfDifficulty } from '@sluice/bitcoin/target';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hashesOfDifficulty, MinerTargets } from '../../src/miners/miner-target.ts';

const targets = new MinerTargets();

it('rounds down to a power of two as a difficulty of SV1', () => {
  expect(targets.of(hashesOfDifficulty(1_000), 0n).value).toBe(targetOfDifficulty(512));
  expect(targets.of(hashesOfDifficulty(1_024), 0n).value).toBe(targetOfDifficulty(1_024));
  expect(targets.of(hashesOfDifficulty(0.3), 0n).value).toBe(targetOfDifficulty(0.25));
});

it('is never harder than what was wanted, nor than the upstream, and less than twice as easy', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e3, max: 1e20, noNaN: true }),
      fc.bigInt({ min: 1n << 180n, max: 1n << 246n }),
      (hashes, upstream) => {
        const { value, difficulty } = targets.of(hashes, upstream);
        expect(value >= upstream).toBe(true);
        expect(difficulty).toBeLessThanOrEqual(hashes * (1 + 2e-9));
        const easier = value / 2n - value / 1_000n;
        expect(easier <= upstream || difficulty > hashes / 2.01).toBe(true);
      },
    ),
  );
});

it('makes one object of each', () => {
  expect(targets.of(0.9e9, 0n)).toBe(targets.of(1e9, 0n));
  expect(targets.of(1, MAX_TARGET).value).toBeLessThanOrEqual(MAX_TARGET);
});
