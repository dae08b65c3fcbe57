// The measurement of a pool's CPU time: the same work is credited whatever the way, and what the table says of it.
import { describe, expect, it } from 'vitest';
import { HASHES_A_SHARE, microsAShare, poolUse, type RateFigures } from '../load/pool-cpu/figures.ts';
import { credited, momentOf, processesOf } from '../load/pool-cpu/moments.ts';
import { sectionOf } from '../load/pool-cpu/section.ts';
import { openWay, wayNames, ways } from '../load/pool-cpu/ways.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import { waitFor } from '../support/wait-for.ts';

const MINERS = 4;
const ROUNDS = 100;
/** Shares at a hundred times the work are few. */
const CHANCE = 5;

describe('the ways to the pool', () => {
  it('bring the same work', async () => {
    const chain = { simulated: { nbits: '1d00ffff', blockSeconds: 0 } };
    const pool = await PoolProcesses.start({ chain, sharesPerMinute: 100_000, easiestDifficulty: 1e-10 });
    try {
      for (const name of wayNames) {
        const before = await credited(pool);
        const way = await openWay(name, pool, MINERS);
        try {
          for (let share = 0; share < MINERS * ROUNDS; share++) way.farm.submitOne();
          await way.farm.allAnswered();
          await waitFor(async () => (await credited(pool)).shares >= before.shares + way.sentUp());
          const { samples, work } = await momentOf(pool, [...processesOf(pool), ...way.beside]);
          expect(samples.has('connection-gateway') && samples.has('nats-server')).toBe(true);
          expect(samples.has('proxy')).toBe(name.startsWith('aggregated'));
          const done = MINERS * ROUNDS * HASHES_A_SHARE;
          if (ways[name].sharesToOneUp === 1) {
            expect(way.sentUp(), name).toBe(MINERS * ROUNDS);
            expect(work - before.work, name).toBe(done);
          } else {
            expect(work - before.work, name).toBe(way.sentUp() * HASHES_A_SHARE * ways[name].sharesToOneUp);
            const wanted = (MINERS * ROUNDS) / ways[name].sharesToOneUp;
            expect(Math.abs(way.sentUp() - wanted), name).toBeLessThan(CHANCE * Math.sqrt(wanted));
          }
        } finally {
          await way.close();
        }
      }
    } catch (error) {
      throw new Error(pool.logs(10), { cause: error });
    } finally {
      await pool.stop();
    }
  });
});

const figuresAt = (loaded: number): RateFigures => ({
  ...{ rate: 100, shares: 1_000, sentUp: 1_000, work: 4_000, seconds: 10 },
  idle: new Map([
    ['connection-gateway', 0.01],
    ['proxy', 0.5],
  ]),
  loaded: new Map([
    ['connection-gateway', loaded],
    ['proxy', 0.55],
  ]),
});

describe('the table', () => {
  it('has what a share takes beyond idle connections, without the proxy', () => {
    expect(poolUse(figuresAt(0.03).loaded)).toBe(0.03);
    // 0.02 of a core for 10 s, over 1,000 shares.
    expect(microsAShare(figuresAt(0.03))).toBeCloseTo(200, 6);
  });

  it('has medians of the rounds, and each way beside extended channels', () => {
    const section = sectionOf({
      config: { rounds: 3, miners: 10, rates: [100], seconds: 10, idleSeconds: 5, warmUpSeconds: 1 },
      records: [
        { name: 'extended', measured: [0.05, 0.03, 0.01].map(figuresAt) },
        { name: 'aggregated-100', measured: [figuresAt(0.015)] },
      ],
      machine: ['a machine'],
      busy: 0,
    });
    expect(section).toContain(`| ${ways.extended.title} | 100 | 1 | 1 | 3 | 200 | 1 |  |`);
    expect(section).toContain(`| ${ways['aggregated-100'].title} | 100 | 1 | 1 | 1.50 | 50.0 | 0.250 | 500 |`);
  });
});
