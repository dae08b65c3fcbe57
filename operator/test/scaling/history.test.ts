import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginHistory, highest, lowest, recorded } from '../../src/scaling/history.ts';
import { formatState, parseState } from '../../src/scaling/scaling-state.ts';

const times = (longestMs: number, restMs = 0) => ({ longestMs, restMs });
const minute = times(60_000);

describe('a history', () => {
  it('knows a window when it is as long as the window', () => {
    const history = beginHistory(3, 1_000);
    expect([lowest(history, 5_000, 5_999), highest(history, 5_000, 5_999)]).toEqual([undefined, undefined]);
    expect([lowest(history, 5_000, 6_000), highest(history, 5_000, 6_000)]).toEqual([3, 3]);
  });

  it('forgets what ended before the window', () => {
    const history = recorded(recorded(beginHistory(9, 0), 2, 10_000, minute), 4, 20_000, minute);
    expect(highest(history, 15_000, 24_999)).toBe(9);
    expect(highest(history, 15_000, 25_000)).toBe(4);
    expect(lowest(history, 15_000, 34_999)).toBe(2);
    expect(lowest(history, 15_000, 35_000)).toBe(4);
  });

  it('is the same object while the value stays, so that nothing is written', () => {
    const history = beginHistory(3, 0);
    expect(recorded(history, 3, 50_000, times(1_000))).toBe(history);
  });

  it('has two changes at most for each rest of a value that goes to and fro, and is no more than that behind', () => {
    const [step, restMs, windowMs] = [1_000, 30_000, 60_000];
    let history = beginHistory(4, 0);
    let changes = 0;
    for (let nowMs = step; nowMs <= 600_000; nowMs += step) {
      const next = recorded(history, nowMs % 2_000 === 0 ? 4 : 5, nowMs, times(900_000, restMs));
      if (next !== history) changes += 1;
      history = next;
      if (nowMs > windowMs)
        expect([lowest(history, windowMs, nowMs), highest(history, windowMs, nowMs)]).toEqual([4, 5]);
    }
    expect(changes).toBeLessThanOrEqual(2 * 20);
    expect(changes).toBeGreaterThan(20);
  });

  it('takes what rises above where it fell from at once', () => {
    const fallen = recorded(beginHistory(5, 0), 4, 10_000, times(60_000, 30_000));
    expect(recorded(fallen, 5, 11_000, times(60_000, 30_000))).toBe(fallen);
    expect(recorded(fallen, 6, 11_000, times(60_000, 30_000)).value).toBe(6);
    expect(recorded(fallen, 5, 40_000, times(60_000, 30_000)).value).toBe(5);
  });

  it('begins anew where the clock that wrote it was ahead, and holds nothing up meanwhile', () => {
    const ahead = recorded(beginHistory(2, 3_600_000), 9, 3_610_000, minute);
    const history = recorded(ahead, 9, 100_000, minute);
    expect(history).toEqual(beginHistory(9, 100_000));
    expect(lowest(history, 30_000, 130_000)).toBe(9);
    expect(recorded(beginHistory(9, 3_600_000), 9, 100_000, minute)).toEqual(beginHistory(9, 100_000));
  });

  it('stays short, and never takes a window for lower than it was', () => {
    const changes = fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 20 })), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(changes, fc.integer({ min: 1, max: 300 }), (steps, windowMs) => {
        let nowMs = 0;
        let history = beginHistory(0, nowMs);
        const values: [number, number][] = [[0, 0]];
        for (const [value, ms] of steps) {
          nowMs += ms;
          history = recorded(history, value, nowMs, times(1_000));
          values.push([value, nowMs]);
        }
        const startMs = nowMs - windowMs;
        const inWindow = values.filter((_, at) => (values[at + 1]?.[1] ?? Number.POSITIVE_INFINITY) > startMs);
        expect(history.past.length).toBeLessThanOrEqual(24);
        if (windowMs <= nowMs)
          expect(highest(history, windowMs, nowMs)).toBeGreaterThanOrEqual(
            Math.max(...inWindow.map(([value]) => value)),
          );
      }),
    );
  });
});

describe('the state of the scaling', () => {
  it('is read as it was written, and nothing else is', () => {
    const state = { desired: 3, needed: recorded(beginHistory(9, 0), 2, 10, times(60)), isUnbalanced: true };
    expect(parseState(formatState(state))).toEqual(state);
    for (const text of [undefined, '', '{', '[]', 'null', '{"desired":-1,"isUnbalanced":true}', '{"desired":2}'])
      expect(parseState(text)).toBeUndefined();
    expect(
      parseState('{"desired":2,"isUnbalanced":false,"needed":{"sinceMs":1,"value":2,"past":[[1]]}}'),
    ).toBeUndefined();
  });
});
