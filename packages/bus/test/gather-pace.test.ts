import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatherPace } from '../src/gather-pace.ts';

const GATHER_MS = 250;
const LARGE = 65_536;

describe('the pace of a consumer that gathers', () => {
  it('gives small records in one go, then none for the whole time', () => {
    const pace = new GatherPace(GATHER_MS);
    const rests = [2, 1, 0].map((left) => {
      pace.begin(1_000, 0);
      return pace.restMs(left, 0);
    });
    expect(rests).toEqual([0, 0, GATHER_MS]);
  });

  it('spreads large records over the time, less what each took', () => {
    const pace = new GatherPace(GATHER_MS);
    const rests: number[] = [];
    let nowMs = 1_000;
    for (const left of [4, 4, 4]) {
      pace.begin(LARGE, nowMs);
      nowMs += 20;
      const restMs = pace.restMs(left, nowMs);
      rests.push(restMs);
      nowMs += restMs;
    }
    expect(rests).toEqual([30, 30, 30]);
  });

  it('rests after several records as long as their part of all is', () => {
    const pace = new GatherPace(GATHER_MS);
    pace.begin(LARGE / 2, 0);
    expect(pace.restMs(9, 10)).toBe(0);
    pace.begin(LARGE / 2, 10);
    expect(pace.restMs(8, 20)).toBe(GATHER_MS / 5 - 20);
  });

  it('gives without a rest what has piled up in long', () => {
    const pace = new GatherPace(GATHER_MS);
    for (let left = 1_000; left > GATHER_MS / 2; left--) {
      pace.begin(LARGE, 0);
      expect(pace.restMs(left, 0)).toBe(0);
    }
  });

  it('has no rest for records that took longer, nor without a record, nor where nothing is to be gathered', () => {
    const pace = new GatherPace(GATHER_MS);
    expect(pace.restMs(0, 0)).toBe(0);
    pace.begin(LARGE, 0);
    expect(pace.restMs(0, GATHER_MS)).toBe(0);
    expect(pace.restMs(0, GATHER_MS)).toBe(0);
    const none = new GatherPace(0);
    none.begin(LARGE, 0);
    expect(none.restMs(0, 0)).toBe(0);
  });

  it('keeps up with a steady rate that takes its handler up to four fifths of the time, at a distance of not much more than the time for which it gathers', () => {
    const perSecond = fc.integer({ min: 1, max: 400 });
    const workMs = fc.double({ min: 0.1, max: 2, noNaN: true });
    fc.assert(
      fc.property(perSecond, workMs, (rate, work) => {
        const pace = new GatherPace(GATHER_MS);
        let handled = 0;
        let nowMs = 0;
        let furthestMs = 0;
        const came = () => Math.floor((nowMs * rate) / 1_000);
        while (nowMs < 20_000) {
          if (came() === handled) {
            nowMs = ((handled + 1) * 1_000) / rate + 1e-6;
            continue;
          }
          if (nowMs > 5_000) furthestMs = Math.max(furthestMs, nowMs - ((handled + 1) * 1_000) / rate);
          pace.begin(LARGE, nowMs);
          nowMs += work;
          handled += 1;
          nowMs += pace.restMs(came() - handled, nowMs);
        }
        expect(furthestMs).toBeLessThan(GATHER_MS + 2 * work + 10);
      }),
    );
  });
});
