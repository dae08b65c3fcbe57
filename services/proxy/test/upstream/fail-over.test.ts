import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FailOver, FIRST_WAIT_MS, ranksOf } from '../../src/upstream/fail-over.ts';

const RETURN_MS = 60_000;

/** A list of so many upstreams, at time 0. */
const listOf = (count: number) => splitOf(Array(count).fill(undefined));
/** A list of upstreams with these weights, at time 0. */
const splitOf = (weights: readonly (number | undefined)[]) =>
  new FailOver(ranksOf(weights), { returnAfterMs: RETURN_MS }, 0);
const wanted = (failOver: FailOver, count: number) =>
  Array.from({ length: count }, (_, place) => place).filter((place) => failOver.wants(place));

/** The first is in use and the second is warm. */
function inUse(count = 2): FailOver {
  const failOver = listOf(count);
  failOver.up(0, 0);
  expect(failOver.choose(0)).toEqual([0]);
  failOver.up(1, 0);
  return failOver;
}

describe('FailOver', () => {
  it('takes the first of the list, although a later one is there sooner', () => {
    const failOver = listOf(2);
    expect(failOver.choose(0)).toEqual([]);
    failOver.up(1, 10);
    expect(failOver.choose(10)).toEqual([]);
    failOver.up(0, 20);
    expect(failOver.choose(20)).toEqual([0]);
  });

  it('does not wait for one that is known to be down, nor for long', () => {
    const refused = listOf(2);
    refused.down(0, 5);
    refused.up(1, 10);
    expect(refused.choose(10)).toEqual([1]);
    const slow = listOf(2);
    slow.up(1, 10);
    expect(slow.choose(FIRST_WAIT_MS - 1)).toEqual([]);
    expect(slow.choose(FIRST_WAIT_MS)).toEqual([1]);
  });

  it('goes to the next one at once, and back when the first has been up for long enough', () => {
    const failOver = inUse();
    failOver.down(0, 1_000);
    expect(failOver.choose(1_000)).toEqual([1]);
    failOver.up(0, 5_000);
    expect(failOver.choose(5_000)).toEqual([1]);
    expect(failOver.choose(5_000 + RETURN_MS - 1)).toEqual([1]);
    expect(failOver.choose(5_000 + RETURN_MS)).toEqual([0]);
  });

  it('begins the waiting anew when the preferred one fails meanwhile', () => {
    const failOver = inUse();
    failOver.down(0, 0);
    failOver.choose(0);
    failOver.up(0, 1_000);
    failOver.down(0, 30_000);
    expect(failOver.choose(30_000)).toEqual([1]);
    failOver.up(0, 31_000);
    expect(failOver.choose(1_000 + RETURN_MS)).toEqual([1]);
    expect(failOver.choose(31_000 + RETURN_MS)).toEqual([0]);
  });

  it('waits twice as long after each return that was too soon, up to sixteen times, and not after one that held', () => {
    const failOver = inUse();
    let now = 0;
    const failAndReturn = (heldMs: number): number => {
      now += heldMs;
      failOver.down(0, now);
      expect(failOver.choose(now)).toEqual([1]);
      failOver.up(0, now);
      const from = now;
      while (failOver.choose(now)[0] !== 0) now += 1_000;
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
    expect(failOver.choose(1_001)).toEqual([0]);
    failOver.down(0, 1_002);
    expect(failOver.choose(1_002)).toEqual([]);
    failOver.up(1, 1_003);
    expect(failOver.choose(1_003)).toEqual([1]);
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
    expect(failOver.choose(2)).toEqual([2]);
    expect(wanted(failOver, 4)).toEqual([0, 1, 2, 3]);
    failOver.up(0, 3);
    failOver.up(1, 3);
    // In use, although two before it are up.
    expect(wanted(failOver, 4)).toEqual([0, 1, 2]);
  });

  it('uses those with a weight together, before all others, and begins when each of them is known', () => {
    const failOver = splitOf([undefined, 70, 30]);
    failOver.up(0, 0);
    failOver.up(1, 10);
    expect(failOver.choose(10)).toEqual([]);
    failOver.up(2, 20);
    expect(failOver.choose(20)).toEqual([1, 2]);
    expect(wanted(failOver, 3)).toEqual([1, 2]);
    // The same array, so that a change is seen at once.
    expect(failOver.choose(30)).toBe(failOver.choose(40));
    const slow = splitOf([70, 30]);
    slow.up(0, 0);
    expect(slow.choose(FIRST_WAIT_MS - 1)).toEqual([]);
    expect(slow.choose(FIRST_WAIT_MS)).toEqual([0]);
  });

  it('goes on with the others of them when one fails, and has it again when it has been up for long enough', () => {
    const failOver = splitOf([70, 30, undefined]);
    failOver.up(0, 0);
    failOver.up(1, 0);
    failOver.choose(0);
    failOver.down(1, 1_000);
    expect(failOver.choose(1_000)).toEqual([0]);
    // The next is to be there when this one fails too.
    expect(wanted(failOver, 3)).toEqual([0, 1, 2]);
    failOver.up(1, 2_000);
    expect(failOver.choose(2_000 + RETURN_MS - 1)).toEqual([0]);
    expect(failOver.choose(2_000 + RETURN_MS)).toEqual([0, 1]);
    // It came back too soon.
    failOver.down(1, 70_000);
    failOver.up(1, 70_000);
    expect(failOver.choose(70_000 + 2 * RETURN_MS - 1)).toEqual([0]);
    expect(failOver.choose(70_000 + 2 * RETURN_MS)).toEqual([0, 1]);
  });

  it('falls back on those without a weight, one at a time, when none with one works, and returns to each of these by itself', () => {
    const failOver = splitOf([70, 30, undefined, undefined]);
    for (const place of [0, 1, 2, 3]) failOver.up(place, 0);
    expect(failOver.choose(0)).toEqual([0, 1]);
    failOver.down(0, 1_000);
    failOver.down(1, 1_000);
    expect(failOver.choose(1_000)).toEqual([2]);
    failOver.up(1, 5_000);
    failOver.up(0, 6_000);
    expect(failOver.choose(5_000 + RETURN_MS)).toEqual([1]);
    expect(failOver.choose(6_000 + RETURN_MS)).toEqual([0, 1]);
  });

  it('never uses one that is down, nor none when one is up', () => {
    const weight = fc.option(fc.constant(1), { nil: undefined });
    const events = fc.array(
      fc.record({
        place: fc.nat(2),
        isUp: fc.boolean(),
        ms: fc.nat(200_000),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(fc.array(weight, { minLength: 3, maxLength: 3 }), events, (weights, list) => {
        const failOver = splitOf(weights);
        const up = new Set<number>();
        let now = FIRST_WAIT_MS;
        for (const { place, isUp, ms } of list) {
          now += ms;
          if (isUp) up.add(place);
          else up.delete(place);
          failOver[isUp ? 'up' : 'down'](place, now);
          const inUse = failOver.choose(now);
          expect(inUse.every((active) => up.has(active))).toBe(true);
          expect(inUse.length === 0).toBe(up.size === 0);
        }
      }),
    );
  });
});
