import { expect, test } from 'vitest';
import { OutageLog } from '../src/outage-log.ts';

test('a trouble is told once, then at longer and longer intervals, and anew after it was over', () => {
  let now = 0;
  const outage = new OutageLog(() => now);
  const told = (): number[] => {
    const minutes: number[] = [];
    const began = now;
    for (let second = 0; second < 8 * 60; second++, now += 1_000) {
      if (outage.level() === 'warn') minutes.push((now - began) / 60_000);
    }
    return minutes;
  };
  expect(told()).toEqual([0, 1, 3, 7]);
  outage.over();
  expect(told()).toEqual([0, 1, 3, 7]);
});
