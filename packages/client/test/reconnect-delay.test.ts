import { describe, expect, it } from 'vitest';
import { reconnectDelay } from '../src/reconnect-delay.ts';

describe('reconnectDelay', () => {
  it('waits twice as long each time, up to a minute, half of it by chance', () => {
    const least = (failures: number) => reconnectDelay(failures, () => Uint8Array.of(0));
    const most = (failures: number) => reconnectDelay(failures, () => Uint8Array.of(255));
    expect([0, 1, 2, 3, 30].map(least)).toEqual([500, 500, 1_000, 2_000, 30_000]);
    expect(most(2)).toBeGreaterThan(1_900);
    expect(most(1_000)).toBeLessThanOrEqual(60_000);
  });

  it('waits longer after a refusal that lasts, up to ten minutes', () => {
    const least = (failures: number) => reconnectDelay(failures, () => Uint8Array.of(0), true);
    expect([1, 2, 30].map(least)).toEqual([15_000, 30_000, 300_000]);
  });
});
