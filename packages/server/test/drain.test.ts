import { describe, expect, it } from 'vitest';
import { Drain, pacedDeadlineMs } from '../src/drain.ts';

/** Drains so many connections by a clock of its own. @returns the milliseconds at which each went */
async function drained(connections: number, deadlineMs: number, perSecond?: number): Promise<readonly number[]> {
  let nowMs = 0;
  const sleep = async (ms: number) => {
    nowMs += ms;
  };
  const went: number[] = [];
  const open = new Map(Array.from({ length: connections }, (_, index) => [index, { index, stopReading: () => {} }]));
  const drain = new Drain(open, pacedDeadlineMs(connections, deadlineMs, perSecond), {
    clock: { now: () => nowMs, monotonic: () => nowMs },
    random: () => 0.5,
    sleep,
    settle: async () => {},
    sendAway: ({ index }) => {
      went.push(nowMs);
      open.delete(index);
    },
  });
  await drain.done;
  return went;
}
/** The most of any second. */
const busiest = (went: readonly number[]) =>
  Math.max(...went.map((from) => went.filter((ms) => ms >= from && ms < from + 1_000).length));

describe('a drain', () => {
  it('goes over most of its time without a pace', async () => {
    const went = await drained(500, 100_000);
    expect(went.at(-1)).toBeGreaterThan(40_000);
    expect(went.at(-1)).toBeLessThan(80_000);
  });

  it('keeps to its pace, and ends as soon as that lets it', async () => {
    const went = await drained(500, 100_000, 50);
    expect(went.at(-1)).toBeGreaterThan(9_000);
    expect(went.at(-1)).toBeLessThan(10_500);
    expect(busiest(went)).toBeLessThanOrEqual(60);
  });

  it('goes faster than its pace where its time would be over', async () => {
    const went = await drained(5_000, 10_000, 50);
    expect(went).toHaveLength(5_000);
    expect(went.at(-1)).toBeLessThan(8_000);
  });

  it('leaves a moment for the answers of few', () => {
    expect(pacedDeadlineMs(1, 100_000, 50)).toBe(1_000);
    expect(pacedDeadlineMs(1, 200, 50)).toBe(200);
  });
});
