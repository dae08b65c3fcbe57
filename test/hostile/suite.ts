// How a case is tried in short: what honest miners feel is bearable, memory stays, they stay connected, and the cause is counted.
import { expect, onTestFailed } from 'vitest';
import type { HostileCase } from './cases.ts';
import { FEWEST_SAMPLES, isBearable, runCase } from './hostile-run.ts';
import type { HostileTarget } from './hostile-target.ts';

/** Buffers and compiled code have their size only after a while; of thousands of peers or channels more would stay than this. */
const GROWTH_MIB = 8;
const PACE = { windowMs: 1_200, windowsBefore: 1, windows: 8, floorMs: 400, countedMs: 40_000, isLong: false };

export async function attack(target: HostileTarget, one: HostileCase): Promise<void> {
  onTestFailed(() => console.log(target.logs()));
  const { before, during, ...rest } = await runCase(target, one, PACE);
  console.info(one.name, { before, during }, rest);
  expect(before.samples).toBeGreaterThanOrEqual(FEWEST_SAMPLES);
  expect(during.filter((felt) => isBearable(before, felt, PACE.floorMs))).not.toEqual([]);
  expect(rest.memory.after - rest.memory.before).toBeLessThan(GROWTH_MIB);
  expect(rest.missing).toEqual([]);
  expect(target.lost).toBe(0);
}
