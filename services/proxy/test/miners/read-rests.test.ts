import { ManualClock } from '@sluice/runtime/clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { ReadRests } from '../../src/miners/read-rests.ts';

const REST_MS = 4;

describe('rests behind turns of the event loop that read few shares', () => {
  let clock: ManualClock;
  let tasks: (() => void)[];
  let stood: number[];
  let counters: { readRests: number };
  let rests: ReadRests;

  const create = (restMs: number) =>
    new ReadRests(restMs, {
      clock,
      counters,
      later: (task) => void tasks.push(task),
      standStill: (ms) => {
        stood.push(ms);
        clock.advance(ms);
      },
    });

  beforeEach(() => {
    clock = new ManualClock();
    tasks = [];
    stood = [];
    counters = { readRests: 0 };
    rests = create(REST_MS);
  });

  /** A turn that reads so many shares, and takes so long. */
  function turn(shares = 1, ms = 0.1): void {
    for (let share = 0; share < shares; share++) rests.onShare();
    clock.advance(ms);
    expect(tasks.length).toBeLessThanOrEqual(1);
    tasks.pop()?.();
  }

  it('stands still when a turn follows the one before closely', () => {
    turn();
    expect(stood).toEqual([]);
    clock.advance(REST_MS);
    turn(3);
    expect(stood).toEqual([REST_MS]);
    clock.advance(1);
    turn();
    expect(stood).toEqual([REST_MS, REST_MS]);
    expect(counters.readRests).toBe(2);
  });

  it('does not where the next share is far, however often', () => {
    for (let times = 0; times < 10; times++) {
      turn();
      clock.advance(REST_MS + 0.1);
    }
    expect(stood).toEqual([]);
  });

  it('counts how far turns are apart from the end of a rest', () => {
    turn();
    turn();
    expect(stood).toEqual([REST_MS]);
    clock.advance(REST_MS + 0.1);
    turn();
    expect(stood).toEqual([REST_MS]);
  });

  it('does not behind a turn that had enough to do', () => {
    turn();
    turn(200, 1.1);
    expect(stood).toEqual([]);
  });

  it('asks for the end of a turn once, whatever was read in it, and never does where it must not rest', () => {
    for (let share = 0; share < 5; share++) rests.onShare();
    expect(tasks).toHaveLength(1);
    tasks = [];
    const never = create(0);
    never.onShare();
    expect(tasks).toEqual([]);
  });
});
