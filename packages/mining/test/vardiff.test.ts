import { describe, expect, test } from 'vitest';
import { SHARES_PER_MINUTE, sluice } from '../simulation/channel-model.ts';
import { mean, measureSteady, measureStep, quantile } from '../simulation/measures.ts';
import { seededRandom } from '../simulation/random.ts';
import { Vardiff, type VardiffPolicy } from '../src/vardiff.ts';

const HASHRATE = 1e14;
const RIGHT_DIFFICULTY = (HASHRATE * 60) / SHARES_PER_MINUTE;
const policy: VardiffPolicy = {
  sharesPerMinute: SHARES_PER_MINUTE,
  minDifficulty: 1e6,
  maxDifficulty: 1e20,
  firstDifficulty: RIGHT_DIFFICULTY,
  nominalHashrate: 1e12,
};

/** Seconds of a device that sends its shares at an even pace; every announced target gets its job at once. Returns the last difficulty. */
function work(vardiff: Vardiff, hashrate: number, fromS: number, seconds: number): number {
  let due = 0;
  for (let second = fromS + 1; second <= fromS + seconds; second += 1) {
    due += hashrate / vardiff.inForce;
    for (; due >= 1; due -= 1) vardiff.onShare(vardiff.inForce);
    if (vardiff.evaluate(second * 1000) !== undefined) vardiff.onJob(second * 1000);
  }
  return vardiff.inForce;
}

describe('against share noise (reduced runs; npm run simulate:vardiff for all)', () => {
  test.each([0.01, 0.1, 0.2, 0.5, 0.6, 1.6, 2, 10, 100])('a step of the hashrate by %f', (factor) => {
    const { back, within } = measureStep(sluice, factor, 120);
    expect(quantile(back, 0.5)).toBeLessThan(5);
    // The bound is for 95 of 100; of so few runs twice as many may miss it by chance.
    expect(quantile(back, 0.9)).toBeLessThan(10);
    expect(within).toBeGreaterThan(0.95);
  });

  test.each([100, 0.01])('a first target that is wrong by a factor of %f', (factor) => {
    const { back } = measureStep(sluice, factor, 60, true);
    expect(quantile(back, 0.5)).toBeLessThan(5);
    expect(quantile(back, 0.95)).toBeLessThan(10);
  });

  test('sits still for eight hours', () => {
    const steady = measureSteady(sluice, 10, 25);
    expect(quantile(steady.setTargetsPerHour, 0.95)).toBeLessThanOrEqual(6);
    expect(mean(steady.setTargetsPerHour)).toBeLessThan(5);
    expect(mean(steady.bigMovesPer40Minutes)).toBeLessThan(0.5);
    expect(steady.windowsWithMoreBigMoves).toBeLessThan(0.06);
    expect(quantile(steady.within, 0.05)).toBeGreaterThan(0.95);
  });

  test('the same seed gives the same run', () => {
    const [first, second] = [1, 2].map(() => measureStep(sluice, 0.5, 3).back);
    expect(first).toEqual(second);
    expect(seededRandom(1)()).not.toBe(seededRandom(2)());
  });
});

describe('what it is told', () => {
  test('says nothing any more at the right difficulty', () => {
    const vardiff = new Vardiff(policy, 0);
    const settled = work(vardiff, HASHRATE, 0, 600);
    expect(settled / RIGHT_DIFFICULTY).toBeCloseTo(1, 0);
    expect(work(vardiff, HASHRATE, 600, 3600)).toBe(settled);
    expect(vardiff.hashrate / HASHRATE).toBeCloseTo(1, 1);
  });

  test('is brought up to date after five seconds, at once by three shares more than were expected', () => {
    const believedAfter = (shares: number, nowMs: number) => {
      const vardiff = new Vardiff(policy, 0);
      for (let share = 0; share < shares; share += 1) vardiff.onShare(RIGHT_DIFFICULTY);
      vardiff.evaluate(nowMs);
      return vardiff.hashrate;
    };
    expect(believedAfter(3, 1_000)).toBe(HASHRATE);
    expect(believedAfter(4, 1_000)).toBeGreaterThan(HASHRATE);
    expect(believedAfter(3, 4_999)).toBe(HASHRATE);
    expect(believedAfter(3, 5_000)).toBeGreaterThan(HASHRATE);
  });

  test('silence eases', () => {
    const vardiff = new Vardiff(policy, 0);
    work(vardiff, HASHRATE, 0, 1800);
    const eased = work(vardiff, 0, 1800, 120);
    expect(eased).toBeLessThan(RIGHT_DIFFICULTY / 2);
  });

  test('silence eases no further than a factor of 1,000 once there was a share, and one share lifts that', () => {
    const vardiff = new Vardiff(policy, 0);
    work(vardiff, HASHRATE, 0, 1800);
    const floor = work(vardiff, 0, 1800, 7200);
    expect(floor).toBeGreaterThan(RIGHT_DIFFICULTY / 2500);
    vardiff.onShare(floor);
    expect(work(vardiff, 0, 9000, 7200)).toBeLessThan(floor / 10);
  });

  test('a device that never finds a share gets the easiest target', () => {
    expect(work(new Vardiff(policy, 0), 0, 0, 3600)).toBe(policy.minDifficulty);
  });

  test('a hardened target counts from the next job on', () => {
    const vardiff = new Vardiff(policy, 0);
    for (let share = 0; share < 100; share += 1) vardiff.onShare(RIGHT_DIFFICULTY);
    const hardened = vardiff.evaluate(10_000);
    expect(hardened).toBeGreaterThan(10 * RIGHT_DIFFICULTY);
    expect(vardiff.announced).toBe(hardened);
    expect(vardiff.inForce).toBe(RIGHT_DIFFICULTY);
    vardiff.onJob(11_000);
    expect(vardiff.inForce).toBe(hardened);
  });

  test('late shares of an easy job do not harden again', () => {
    const vardiff = new Vardiff(policy, 0);
    const hardened = work(vardiff, 100 * HASHRATE, 0, 120);
    expect(hardened).toBeGreaterThan(50 * RIGHT_DIFFICULTY);
    const before = vardiff.hashrate;
    for (let share = 0; share < 50; share += 1) vardiff.onShare(RIGHT_DIFFICULTY);
    vardiff.evaluate(125_000);
    expect(vardiff.hashrate).toBeLessThan(1.5 * before);
  });

  test('holds within the bounds', () => {
    const narrow = { ...policy, minDifficulty: RIGHT_DIFFICULTY / 2, maxDifficulty: RIGHT_DIFFICULTY * 2 };
    expect(work(new Vardiff(narrow, 0), 1000 * HASHRATE, 0, 600)).toBe(narrow.maxDifficulty);
    expect(work(new Vardiff(narrow, 0), HASHRATE / 1000, 0, 600)).toBe(narrow.minDifficulty);
  });

  test('stays finite at the ends of the scale', () => {
    for (const [hashrate, firstDifficulty] of [
      [1e75, 1e76],
      [1e40, 1],
      [1e-3, 1e70],
    ] as const) {
      const vardiff = new Vardiff({ ...policy, minDifficulty: 1, maxDifficulty: 2 ** 256, firstDifficulty }, 0);
      for (let second = 1; second <= 600; second += 1) {
        const shares = Math.min(1e6, Math.floor(hashrate / vardiff.inForce));
        for (let share = Math.min(shares, 1000); share > 0; share -= 1) vardiff.onShare(vardiff.inForce);
        if (vardiff.evaluate(second * 1000) !== undefined) vardiff.onJob(second * 1000);
        expect(vardiff.inForce).toBeGreaterThanOrEqual(1);
        expect(vardiff.inForce).toBeLessThanOrEqual(2 ** 256);
        expect(vardiff.hashrate).toBeGreaterThan(0);
        expect(vardiff.hashrate).toBeLessThan(Number.POSITIVE_INFINITY);
      }
    }
  });

  test('a clock that goes back, stands still or is no number changes nothing', () => {
    const vardiff = new Vardiff(policy, 1_000_000);
    for (const nowMs of [0, 1_000_000, Number.NaN, -1e15]) expect(vardiff.evaluate(nowMs)).toBeUndefined();
    expect(vardiff.hashrate).toBe(HASHRATE);
  });

  test('its own absence is not silence of the miner', () => {
    const vardiff = new Vardiff(policy, 0);
    work(vardiff, HASHRATE, 0, 3600);
    vardiff.evaluate(3_600_000 + 86_400_000);
    expect(vardiff.announced).toBeGreaterThan(RIGHT_DIFFICULTY / 2);
  });
});

describe('UpdateChannel', () => {
  test('new bounds hold at once', () => {
    const vardiff = new Vardiff(policy, 0);
    expect(vardiff.onUpdateChannel(1000, 1e12, 5 * RIGHT_DIFFICULTY, 1e20)).toBe(5 * RIGHT_DIFFICULTY);
    expect(vardiff.announced).toBe(5 * RIGHT_DIFFICULTY);
    expect(vardiff.onUpdateChannel(2000, 1e12, 1, 1e20)).toBeUndefined();
  });

  test('a claim of more does nothing by itself', () => {
    const vardiff = new Vardiff(policy, 0);
    work(vardiff, HASHRATE, 0, 1800);
    for (let claim = 0; claim < 20; claim += 1) {
      expect(vardiff.onUpdateChannel(1_800_000 + claim, 1e12 * 10 ** claim, 1e6, 1e20)).toBeUndefined();
    }
    expect(work(vardiff, HASHRATE, 1801, 600)).toBeLessThan(1.5 * RIGHT_DIFFICULTY);
  });

  test('a true claim is found true sooner than no claim', () => {
    const seconds = [true, false].map((claims) => {
      const vardiff = new Vardiff(policy, 0);
      work(vardiff, HASHRATE, 0, 3600);
      if (claims) vardiff.onUpdateChannel(3_600_000, 0.4e12, 1e6, 1e20);
      let second = 3600;
      while (work(vardiff, 0.4 * HASHRATE, second, 1) > RIGHT_DIFFICULTY / 1.6) second += 1;
      return second;
    });
    expect(seconds[0]).toBeLessThan(seconds[1]!);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('a claim of %f is none', (claim) => {
    const vardiff = new Vardiff(policy, 0);
    expect(vardiff.onUpdateChannel(1000, claim, 1e6, 1e20)).toBeUndefined();
    expect(vardiff.hashrate).toBe(HASHRATE);
  });
});
