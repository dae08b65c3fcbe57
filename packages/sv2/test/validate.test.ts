import { expect, test } from 'vitest';
import { isHashRate } from '../src/validate.ts';

test('a hash rate is finite and not negative', () => {
  for (const good of [0, 1e-38, 1, 3.4e38]) expect(isHashRate(good)).toBe(true);
  for (const bad of [Number.NaN, Infinity, -Infinity, -1, -0]) expect(isHashRate(bad)).toBe(false);
});
