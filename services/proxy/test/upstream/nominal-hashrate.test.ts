import { expect, it } from 'vitest';
import { NominalHashrate } from '../../src/upstream/nominal-hashrate.ts';

it('is news when it changed by a quarter, and not more often than every five seconds', () => {
  const nominal = new NominalHashrate(1_000, 0);
  expect(nominal.isNews(1_240, 10_000)).toBe(false);
  expect(nominal.isNews(1_300, 4_999)).toBe(false);
  expect(nominal.isNews(1_300, 5_000)).toBe(true);
  expect(nominal.isNews(2_600, 9_999)).toBe(false);
  expect(nominal.isNews(1_100, 10_000)).toBe(false);
  expect(nominal.isNews(1_000, 10_000)).toBe(true);
});
