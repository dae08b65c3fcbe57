import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { secondsOf } from '../../src/desired/duration.ts';

describe('a duration', () => {
  it.each([
    ['30s', 30],
    ['15m', 900],
    ['720h', 2_592_000],
    ['1h30m', 5_400],
    ['300s', 300],
    ['0s', 0],
  ])('of %s has %i seconds', (text, seconds) => {
    expect(secondsOf(text)).toBe(seconds);
  });

  it('is the sum of its hours, minutes and seconds', () => {
    const part = fc.nat(999_999);
    fc.assert(
      fc.property(part, part, part, (h, m, s) => {
        expect(secondsOf(`${h}h${m}m${s}s`)).toBe(h * 3_600 + m * 60 + s);
      }),
    );
  });
});
