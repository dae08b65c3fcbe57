import { expect, it } from 'vitest';
import { bytesOf } from '../../src/desired/quantity.ts';

it.each([
  ['10Gi', 10_737_418_240],
  ['1.5Gi', 1_610_612_736],
  ['100G', 100_000_000_000],
  ['1Ti', 1_099_511_627_776],
  ['64k', 64_000],
  ['4096', 4_096],
])('%s is %i bytes', (size, bytes) => {
  expect(bytesOf(size)).toBe(bytes);
});
