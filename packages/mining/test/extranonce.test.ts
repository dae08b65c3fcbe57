import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHANNELS_PER_RANGE,
  EXTENDED_EXTRANONCE_SIZE,
  ExtranonceRange,
  FULL_EXTRANONCE_SIZE,
  LAST_EXTRANONCE_RANGE,
  standardPrefix,
} from '../src/extranonce.ts';

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex');

describe('ExtranonceRange', () => {
  it('never gives one prefix twice, over ranges and channels, padded or not', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: LAST_EXTRANONCE_RANGE }), { maxLength: 8 }),
        fc.nat(300),
        (ranges, count) => {
          const seen = new Set<string>();
          for (const range of ranges) {
            const space = new ExtranonceRange(range);
            for (let index = 0; index < count; index += 1)
              seen.add(hex(standardPrefix(space.next() ?? new Uint8Array())));
          }
          expect(seen.size).toBe(ranges.length * count);
        },
      ),
    );
  });

  it('ends instead of wrapping', () => {
    const range = new ExtranonceRange(LAST_EXTRANONCE_RANGE);
    let last: Uint8Array | undefined;
    for (let count = 0; count < CHANNELS_PER_RANGE; count += 1) last = range.next();
    expect(hex(last)).toBe('ffffffffffffff');
    expect(range.left).toBe(0);
    expect(range.next()).toBeUndefined();
  });

  it('refuses a range that is no u32', () => {
    for (const range of [0, -1, 1.5, LAST_EXTRANONCE_RANGE + 1])
      expect(() => new ExtranonceRange(range)).toThrow(RangeError);
  });

  it('leaves the same full size to both kinds of channels', () => {
    const prefix = new ExtranonceRange(1).next() ?? new Uint8Array();
    expect(prefix.length + EXTENDED_EXTRANONCE_SIZE).toBe(FULL_EXTRANONCE_SIZE);
    expect(standardPrefix(prefix).length).toBe(FULL_EXTRANONCE_SIZE);
  });
});
