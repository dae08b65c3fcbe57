import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balance, TOLERANCE, type Weighed } from '../../src/miners/balance.ts';

const miner = (hashrate: number, part: number): Weighed => ({ hashrate, part });
const many = (count: number, hashrate: number, part: number) =>
  Array.from({ length: count }, () => miner(hashrate, part));

/** Hashes a second by part after the moves. */
function after(miners: readonly Weighed[], weights: readonly number[]): readonly number[] {
  const parts = miners.map(({ part }) => part);
  for (const { index, to } of balance(miners, weights)) parts[index] = to;
  return weights.map((_, part) =>
    miners.reduce((sum, { hashrate }, index) => sum + (parts[index] === part ? hashrate : 0), 0),
  );
}

describe('balance', () => {
  it('gives each part its share of miners that have none', () => {
    expect(after(many(100, 1, -1), [70, 30])).toEqual([70, 30]);
    expect(after(many(10, 1, -1), [5])).toEqual([10]);
    expect(after([...many(7, 10, -1), ...many(30, 1, -1)], [1, 1])).toEqual([50, 50]);
  });

  it('moves nobody while the parts are right but for the tolerance, and few when they are not', () => {
    expect(balance([...many(74, 1, 0), ...many(26, 1, 1)], [70, 30])).toEqual([]);
    // A part that has come back.
    expect(balance(many(100, 1, 0), [70, 30])).toHaveLength(30);
    // The large one will do.
    const large = [miner(30, 0), ...many(70, 1, 0)];
    expect(balance(large, [70, 30])).toEqual([{ index: 0, to: 1 }]);
  });

  it('sends the miners of a part that is gone to the others by their weights, and leaves these alone', () => {
    const miners = [...many(50, 1, -1), ...many(30, 1, 0), ...many(20, 1, 1)];
    const moves = balance(miners, [60, 40]);
    expect(moves).toHaveLength(50);
    expect(after(miners, [60, 40])).toEqual([60, 40]);
  });

  it('does what can be done with few miners, or with one that is larger than all others together', () => {
    expect(after([miner(10, -1)], [70, 30])).toEqual([10, 0]);
    expect(balance([miner(10, 0)], [70, 30])).toEqual([]);
    expect(after([miner(90, 1), ...many(10, 1, 1)], [10, 90])).toEqual([10, 90]);
    // It is nearer to 50 where it is than where it is not.
    expect(balance([miner(90, 0), ...many(10, 1, 1)], [50, 50])).toEqual([]);
  });

  const weights = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 8 });
  const hashrates = fc.array(fc.double({ min: 1e3, max: 1e15, noNaN: true }), { minLength: 1, maxLength: 60 });

  it('leaves nobody homeless, moves nobody twice, is off by no more than the largest miner or the tolerance, and comes to rest', () => {
    fc.assert(
      fc.property(weights, hashrates, fc.infiniteStream(fc.nat(8)), (parts, rates, from) => {
        let miners = rates.map((hashrate) => miner(hashrate, (Number(from.next().value) % (parts.length + 1)) - 1));
        let rounds = 0;
        for (let moves = balance(miners, parts); moves.length > 0; moves = balance(miners, parts)) {
          expect(new Set(moves.map(({ index }) => index)).size).toBe(moves.length);
          const moved = new Map(moves.map(({ index, to }) => [index, to]));
          miners = miners.map((before, index) => ({ ...before, part: moved.get(index) ?? before.part }));
          expect(miners.every(({ part }) => part >= 0 && part < parts.length)).toBe(true);
          rounds += 1;
          expect(rounds).toBeLessThan(20);
        }
        const total = rates.reduce((sum, rate) => sum + rate, 0);
        const all = parts.reduce((sum, weight) => sum + weight, 0);
        for (const [part, weight] of parts.entries()) {
          const sum = miners.reduce((hashes, one) => hashes + (one.part === part ? one.hashrate : 0), 0);
          expect(sum - (total * weight) / all).toBeLessThanOrEqual(Math.max(...rates) + TOLERANCE * total);
        }
      }),
    );
  });
});
