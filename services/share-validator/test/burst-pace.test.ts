// When a record waits for the ones behind it.
import { describe, expect, it } from 'vitest';
import { BurstPace, REST_MS } from '../src/burst-pace.ts';

describe('the pace of a validator', () => {
  it('judges a record after a silence at once', () => {
    const pace = new BurstPace(16);
    expect(pace.restBefore(60_000)).toBe(0);
    expect(pace.restBefore(1_000)).toBe(0);
  });

  it('lets records that follow each other come together', () => {
    const pace = new BurstPace(16);
    expect(pace.restBefore(20)).toBe(REST_MS);
    const burst = Array.from({ length: 10 }, () => pace.restBefore(0.01));
    expect(burst.every((rest) => rest === 0)).toBe(true);
    expect(pace.restBefore(20)).toBe(REST_MS);
  });

  it('does not rest with as many records as can wait', () => {
    const pace = new BurstPace(16);
    pace.restBefore(20);
    for (let record = 1; record < 16; record += 1) expect(pace.restBefore(0.01)).toBe(0);
    expect(pace.restBefore(5)).toBe(0);
    expect(pace.restBefore(5)).toBe(REST_MS);
  });
});
