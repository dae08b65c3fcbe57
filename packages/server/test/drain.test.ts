import { setImmediate as answers } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Drain, pacedDeadlineMs } from '../src/drain.ts';

/** Drains so many connections by a clock of its own. @returns the milliseconds at which each went */
async function drained(connections: number, deadlineMs: number, perSecond?: number): Promise<readonly number[]> {
  let nowMs = 0;
  const sleep = async (ms: number) => {
    await answers();
    nowMs += ms;
  };
  const went: number[] = [];
  const open = new Map(
    Array.from({ length: connections }, (_, index) => [index, { id: index, stopReading: () => {} }]),
  );
  const drain = new Drain(
    open,
    { keep: 0, deadlineMs: pacedDeadlineMs(connections, deadlineMs, perSecond) },
    {
      clock: { now: () => nowMs, monotonic: () => nowMs },
      random: () => 0.5,
      sleep,
      settle: async () => {},
      sendAway: ({ id }) => {
        went.push(nowMs);
        open.delete(id);
      },
    },
  );
  await drain.done;
  return went;
}
/** Moves ten away by a clock of its own, at one in each of ten steps; `onPause` sees them between two steps. */
async function moved(keep: number, onPause: (open: Map<number, object>, drain: () => Drain<Open>) => void) {
  let nowMs = 0;
  const went: number[] = [];
  const open = new Map(Array.from({ length: 10 }, (_, id) => [id, opened(id)]));
  const drain: Drain<Open> = new Drain(
    open,
    { keep, deadlineMs: 1_250 },
    {
      clock: { now: () => nowMs, monotonic: () => nowMs },
      random: () => 0.5,
      sleep: async (ms) => {
        await answers();
        nowMs += ms;
        onPause(open, () => drain);
      },
      settle: async () => {},
      sendAway: ({ id }) => {
        went.push(id);
        open.delete(id);
      },
    },
  );
  await drain.done;
  return { went, stay: [...open.keys()], left: drain.left };
}
interface Open {
  readonly id: number;
  stopReading(): void;
}
const opened = (id: number): Open => ({ id, stopReading: () => {} });

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

  it('keeps to a pace of less than one in a step', async () => {
    const went = await drained(30, 100_000, 3);
    expect(went.at(-1)).toBeGreaterThan(9_000);
    expect(went.at(-1)).toBeLessThan(10_500);
    expect(busiest(went)).toBeLessThanOrEqual(4);
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

  it('leaves those that are to stay', async () => {
    const { went, stay, left } = await moved(4, () => {});
    expect([went.length, stay.length, left]).toEqual([6, 4, 0]);
  });

  it('with some to keep moves nobody who came later, however many those are', async () => {
    let next = 100;
    const { went, stay, left } = await moved(4, (open) => {
      for (const id of [next++, next++]) open.set(id, opened(id));
    });
    expect(went.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(stay.every((id) => id >= 100)).toBe(true);
    expect([stay.length > 4, left]).toEqual([true, 0]);
  });

  it('with none to keep moves those as well', async () => {
    let isLate = true;
    const { went, stay } = await moved(0, (open) => {
      if (isLate) for (const id of [100, 101]) open.set(id, opened(id));
      isLate = false;
    });
    expect([went.length, stay]).toEqual([12, []]);
  });

  it('counts those that leave by themselves', async () => {
    const { went, stay, left } = await moved(4, (open) => {
      const [id] = [...open.keys()];
      if (open.size > 4) open.delete(id as number);
    });
    expect(went.length).toBeLessThan(6);
    expect([stay.length, left]).toEqual([4, 0]);
  });

  describe('with a clock that goes on', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
    /** Of fifty, whose answers take so long, and of each of them how long it was waited for. */
    const started = (deadlineMs: number, answersMs: number) => {
      const open = new Map(Array.from({ length: 50 }, (_, id) => [id, opened(id)]));
      const heldFor: number[] = [];
      const settle = (batch: readonly Open[], ms: number) => {
        const waitsMs = Math.min(ms, answersMs);
        heldFor.push(...batch.map(() => waitsMs));
        return pause(waitsMs);
      };
      const clock = { now: () => Date.now(), monotonic: () => performance.now() };
      const sendAway = ({ id }: Open) => open.delete(id);
      const modules = { clock, random: () => 0.5, sleep: pause, settle, sendAway };
      const { done } = new Drain(open, { keep: 0, deadlineMs }, modules);
      return { open, heldFor, done };
    };

    it('waits for answers from far away, and keeps its pace meanwhile', async () => {
      const { open, heldFor, done } = started(6_250, 400);
      await vi.advanceTimersByTimeAsync(5_500);
      expect([open.size, heldFor.length, Math.min(...heldFor)]).toEqual([0, 50, 400]);
      await done;
    });

    it('waits for no answer beyond its end', async () => {
      const { open, done } = started(1_000, Number.POSITIVE_INFINITY);
      await vi.advanceTimersByTimeAsync(1_001);
      expect(open.size).toBe(0);
      await done;
    });
  });

  it('ends with the batch in which it is cancelled', async () => {
    const { went, stay, left } = await moved(0, (open, drain) => {
      if (open.size === 7) drain().cancel();
    });
    expect([went.length, stay.length, left]).toEqual([3, 7, 0]);
  });
});
