import { describe, expect, it } from 'vitest';
import { ManualClock, systemClock, unixMicros, unixSeconds } from '../src/clock.ts';
import { randomBytes, randomFraction } from '../src/random.ts';

describe('clock', () => {
  it('moves by hand, and its monotonic side ignores a set host clock', () => {
    const clock = new ManualClock(1_700_000_000_999);
    clock.advance(1.5);
    clock.set(1_000_000);
    expect(clock.monotonic()).toBe(1.5);
    expect(clock.now()).toBe(1_000_000);
  });

  it('converts to the units of news and headers', () => {
    const clock = new ManualClock(1_700_000_000_999);
    expect(unixMicros(clock)).toBe(1_700_000_000_999_000n);
    expect(unixSeconds(clock)).toBe(1_700_000_000);
  });

  it('of the system agrees with the host', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
    expect(systemClock.monotonic()).toBeLessThanOrEqual(systemClock.monotonic());
  });
});

describe('random', () => {
  it('gives bytes of their own and fractions below one', () => {
    const bytes = randomBytes(32);
    expect(bytes.buffer.byteLength).toBe(32);
    expect(bytes).not.toEqual(randomBytes(32));
    const fractions = Array.from({ length: 100 }, randomFraction);
    expect(Math.max(...fractions)).toBeLessThan(1);
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0);
  });
});
