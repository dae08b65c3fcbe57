import fc from 'fast-check';
import { expect, it } from 'vitest';
import { signed, unsigned } from '../src/leb128.ts';

it.each([
  [0, [0x00]],
  [127, [0x7f]],
  [128, [0x80, 0x01]],
  // DWARF 4, 7.6.
  [12_857, [0xb9, 0x64]],
  [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
])('writes %i without a sign', (value, bytes) => {
  expect(unsigned(value)).toEqual(bytes);
});

it.each([
  [0, [0x00]],
  [63, [0x3f]],
  [64, [0xc0, 0x00]],
  [-1, [0x7f]],
  [-64, [0x40]],
  [-65, [0xbf, 0x7f]],
  // DWARF 4, 7.6.
  [-129, [0xff, 0x7e]],
  [2 ** 31 - 1, [0xff, 0xff, 0xff, 0xff, 0x07]],
  [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
])('writes %i with its sign', (value, bytes) => {
  expect(signed(value)).toEqual(bytes);
});

it('writes what comes back, sevens of bits, the lowest first', () => {
  const read = (bytes: readonly number[]) => bytes.reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 0x7f), 0n);
  const isWhole = (bytes: readonly number[]) => bytes.every((byte, index) => byte >= 0x80 === index < bytes.length - 1);
  fc.assert(
    fc.property(fc.integer(), (value) => {
      expect(read(unsigned(value >>> 0))).toBe(BigInt(value >>> 0));
      expect(isWhole(unsigned(value >>> 0))).toBe(true);
      const bytes = signed(value);
      expect(BigInt.asIntN(7 * bytes.length, read(bytes))).toBe(BigInt(value));
      expect(isWhole(bytes)).toBe(true);
    }),
  );
});
