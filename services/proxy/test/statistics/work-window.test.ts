import { describe, expect, it } from 'vitest';
import { WorkWindow } from '../../src/statistics/work-window.ts';

const MINUTE_MS = 60_000;

describe('WorkWindow', () => {
  it('is the rate of a steady worker, from the first minute to hours later', () => {
    const window = new WorkWindow(12_345);
    let now = 12_345;
    for (let minute = 1; minute <= 120; minute += 1) {
      for (let share = 0; share < 60; share += 1) {
        now += 1_000;
        window.add(5_000, now);
      }
      expect(window.hashrate(now) / 5_000).toBeGreaterThan(0.99);
      expect(window.hashrate(now) / 5_000).toBeLessThan(1.01);
    }
  });

  it('forgets what is older than ten minutes and a half', () => {
    const window = new WorkWindow(0);
    window.add(600_000, 0);
    expect(window.hashrate(10 * MINUTE_MS)).toBe(1_000);
    expect(window.hashrate(10.5 * MINUTE_MS)).toBe(0);
    window.add(600_000, 1_000 * MINUTE_MS);
    expect(window.hashrate(1_000 * MINUTE_MS)).toBe(1_000);
  });

  it('makes no giant of who is lucky at once', () => {
    const window = new WorkWindow(0);
    window.add(30_000, 10);
    expect(window.hashrate(10)).toBe(1_000);
  });
});
