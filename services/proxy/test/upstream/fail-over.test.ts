import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FailOver, FIRST_WAIT_MS } from '../../src/upstream/fail-over.ts';

const RETURN_MS = 60_000;

/** A list of so many upstreams, at time 0. */
const listOf = (count: number) => new FailOver(count, { returnAfterMs: RETURN_MS }, 0);
const wanted = (failOver: FailOver, count: number) =>
  Array.from({ length: count }, (_, place) => place).filter((place) => failOver.wants(place));

/** The first is in use and the second is warm. */
function inUse(count = 2): FailOver {
  const failOver = listOf(count);
  failOver.up(0, 0);
  expect(failOver.choose(0)).toBe(0);
  failOver.up(1, 0);
  return failOver;
}

describe('FailOver', () => {
  it('takes the first of the list, although a later one is there sooner', () => {
    const failOver = listOf(2);
    expect(failOver.choose(0)).toBeUndefined();
    failOver.up(1, 10);
    expect(failOver.choose(10)).toBeUndefined();
    failOver.up(0, 20);
    expect(failOver.choose(20)).toBe(0);
  });

  it('does not wait for one that is known to be down, nor for long', () => {
    const refused = listOf(2);
    refused.down(0, 5);
    refused.up(1, 10);
    expect(refused.choose(10)).toBe(1);
    const slow = listOf(2);
    slow.up(1, 10);
    expect(slow.choose(FIRST_WAIT_MS - 1)).toBeUndefined();
    expect(slow.choose(FIRST_WAIT_MS)).toBe(1);
  });

  it('goes to the next one at once, and back when the first has been up for long enough', () => {
    const failOver = inUse();
    failOver.down(0, 1_000);
    expect(failOver.choose(1_000)).toBe(1);
    failOver.up(0, 5_000);
    expect(failOver.choose(5_000)).toBe(1);
    expect(failOver.choose(5_000 + RETURN_MS - 1)).toBe(1);
    expect(failOver.choose(5_000 + RETURN_MS)).toBe(0);
  });

  it('begins the waiting anew when the preferred one fails meanwhile', () => {
    const failOver = inUse();
    failOver.down(0, 0);
    failOver.choose(0);
    failOver.up(0, 1_000);
    failOver.down(0, 30_000);
    expect(failOver.choose(30_000)).toBe(1);
    failOver.up(0, 31_000);
    expect(failOver.choose(1_000 + RETURN_MS)).toBe(1);
    expect(failOver.choose(31_000 + RETURN_MS)).toBe(0);
  });

  it('waits twice as long after each return that was too soon, up to sixteen times, and not after one that held', () => {
    const failOver = inUse();
    let now = 0;
    const failAndReturn = (heldMs: number): number => {
      now += heldMs;
      failOver.down(0, now);
      expect(failOver.choose(now)).toBe(1);
      failOver.up(0, now);
      const from = now;
      while (failOver.choose(now) !== 0) now += 1_000;
      return (now - from) / RETURN_MS;
    };
    // The first time it had not come back from anything.
    expect([1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000].map(failAndReturn)).toEqual([1, 2, 4, 8, 16, 16, 16]);
    expect(failAndReturn(10 * RETURN_MS)).toBe(1);
  });

  it('takes what there is when the one in use fails, however short it has been up', () => {
    const failOver = inUse();
    failOver.down(0, 0);
    failOver.choose(0);
    failOver.up(0, 1_000);
    failOver.down(1, 1_001);
    expect(failOver.choose(1_001)).toBe(0);
    failOver.down(0, 1_002);
    expect(failOver.choose(1_002)).toBeUndefined();
    failOver.up(1, 1_003);
    expect(failOver.choose(1_003)).toBe(1);
  });

  it('keeps the one in use and the next that works connected, and tries all before them', () => {
    const failOver = listOf(4);
    expect(wanted(failOver, 4)).toEqual([0, 1, 2, 3]);
    failOver.up(0, 0);
    failOver.choose(0);
    expect(wanted(failOver, 4)).toEqual([0, 1, 2, 3]);
    failOver.up(1, 0);
    expect(wanted(failOver, 4)).toEqual([0, 1]);
    failOver.down(1, 1);
    failOver.up(2, 1);
    expect(wanted(failOver, 4)).toEqual([0, 1, 2]);
    failOver.down(0, 2);
    expect(failOver.choose(2)).toBe(2);
    expect(wanted(failOver, 4)).toEqual([0, 1, 2, 3]);
    failOver.up(0, 3);
    failOver.up(1, 3);
    // In use, although two before it are up.
    expect(wanted(failOver, 4)).toEqual([0, 1, 2]);
  });

  it('never uses one that is down, nor none when one is up', () => {
    const events = fc.array(
      fc.record({
        place: fc.nat(2),
        isUp: fc.boolean(),
        ms: fc.nat(200_000),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(events, (list) => {
        const failOver = listOf(3);
        const up = new Set<number>();
        let now = FIRST_WAIT_MS;
        for (const { place, isUp, ms } of list) {
          now += ms;
          if (isUp) up.add(place);
          else up.delete(place);
          failOver[isUp ? 'up' : 'down'](place, now);
          const active = failOver.choose(now);
          expect(active === undefined ? up.size === 0 : up.has(active)).toBe(true);
        }
      }),
    );
  });
});
