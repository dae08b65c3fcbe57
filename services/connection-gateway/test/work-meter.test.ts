import { expect, test } from 'vitest';
import { WorkMeter } from '../src/work-meter.ts';

test('a work meter forgets after ten minutes', () => {
  const meter = new WorkMeter(0);
  meter.add(5, 0);
  meter.add(7, 60_000);
  expect(meter.total(599_999)).toBe(12);
  expect(meter.total(600_000)).toBe(7);
  expect(meter.total(10_000_000)).toBe(0);
});
