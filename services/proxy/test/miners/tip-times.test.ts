import { describe, expect, it } from 'vitest';
import { TipTimes } from '../../src/miners/tip-times.ts';

const tip = (byte: number) => new Uint8Array(32).fill(byte);

describe('TipTimes', () => {
  it('remember the latest time of each of the last four tips', () => {
    const times = new TipTimes();
    expect([5, 3, 7, 6].map((time) => times.latest(tip(1), time))).toEqual([5, 5, 7, 7]);
    expect(times.latest(tip(0xa1), 2)).toBe(2);
    for (const byte of [2, 3]) times.latest(tip(byte), 1);
    expect(times.latest(tip(1), 1)).toBe(7);
    times.latest(tip(4), 1);
    expect(times.latest(tip(1), 1)).toBe(1);
  });
});
