// The count of an hour's bytes: every byte that sockets carried is one of a counted message, on all ways to a pool; and what is made of it
// where time decides.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { dispersionOf, spreadsOf } from '../load/bandwidth/accounting.ts';
import { type ArmName, Arms } from '../load/bandwidth/arms.ts';
import { failuresOf, figuresOf } from '../load/bandwidth/figures.ts';
import { wholeHour } from '../load/bandwidth/hour.ts';
import { bytesOf, messagesOf } from '../load/bandwidth/ledger.ts';
import type { MeasuredArm } from '../load/bandwidth/measured.ts';
import { countSockets } from '../load/bandwidth/socket-bytes.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import { waitFor } from '../support/wait-for.ts';

const MINERS = 4;
const ROUNDS = 5;

/** Of iproute2. */
const hasSs = spawnSync('ss', ['-V']).status === 0;
if (!hasSs) process.stderr.write('no ss: the bytes of sockets are not counted\n');

describe.skipIf(!hasSs)('the ways to the pool', () => {
  it('are counted to the byte, and each share is where it belongs', async () => {
    const chain = { simulated: { nbits: '1d00ffff', blockSeconds: 0 } };
    const easiest = { sharesPerMinute: 100_000, easiestDifficulty: 1e-10 };
    const pool = await PoolProcesses.start({ chain, gateways: Arms.gateways, ...easiest });
    let arms: Arms | undefined;
    try {
      arms = await Arms.start(pool, MINERS);
      const { all, feed } = arms;
      await feed.hasMoreThan(0);
      for (const { farm } of all) await farm.open();
      for (let share = 0; share < MINERS * ROUNDS; share++) for (const { farm } of all) farm.submitOne();
      await Promise.all(all.map(({ farm }) => farm.allAnswered()));
      expect(arms.poolRefusals).toEqual([]);
      for (const { name, port, farm, ledger, sharesByWorker } of all) {
        expect(farm.accepted, name).toBe(MINERS * ROUNDS);
        const isBalanced = () => {
          const { bytesUp, bytesDown } = countSockets(port);
          return bytesOf(ledger().up) === bytesUp && bytesOf(ledger().down) === bytesDown;
        };
        await waitFor(isBalanced);
        if (name === 'aggregated') {
          const shares = Array.from({ length: MINERS }, (_, worker) => [String(worker), ROUNDS] as const);
          expect(new Map(sharesByWorker)).toEqual(new Map(shares));
          expect(messagesOf(ledger().up, 'SubmitSharesExtended')).toBe(MINERS * ROUNDS);
        }
      }
      expect(countSockets(all.find(({ name }) => name === 'group')?.port ?? 0).connections).toBe(1);
      expect(countSockets(all.find(({ name }) => name === 'standard')?.port ?? 0).connections).toBe(MINERS);
    } catch (error) {
      throw new Error(`${pool.logs(10)}\n${arms?.logs() ?? ''}`, { cause: error });
    } finally {
      await arms?.stop();
      await pool.stop();
    }
  });
});

const row = (name: string, messages: number, each: number) => ({ name, messages, bytes: messages * each });
const armOf = (name: ArmName, shares: number): MeasuredArm => ({
  ...{ name, connections: 1, shares: 360_000, sharesAtPace: 6_000, sharesByWorker: undefined },
  whole: {
    up: [row('OpenExtendedMiningChannel', 1, 85), row('SubmitSharesExtended', shares, 80)],
    // Without pauses fifty shares came to an answer.
    down: [row('SubmitShares.Success', shares / 50, 58), row('messages of extensions', 7, 44), row('SetTarget', 3, 74)],
  },
  atPace: { up: [row('SubmitSharesExtended', 60, 80)], down: [row('SubmitShares.Success', 30, 58)] },
  sockets: { connections: 1, bytesUp: 0, bytesDown: 0, segmentsUp: 0, segmentsDown: 0 },
  socketsAtPace: { segmentsUp: 60, segmentsDown: 30 },
});
const vardiff = { setTargets: 4, eased: 2, setDifficulties: 1 };

describe('the hour', () => {
  const sv1: MeasuredArm = {
    ...armOf('sv1', 0),
    connections: 1_000,
    whole: { up: [row('mining.submit', 360_000, 110)], down: [row('answer to mining.submit', 360_000, 40)] },
  };
  const measured = {
    arms: [sv1, armOf('aggregated-60', 3_600)],
    levels: 12,
    jobs: 126,
    tips: 6,
    seconds: 1,
    paceSeconds: 60,
  };
  const [plain, rare] = figuresOf(measured, vardiff, wholeHour);
  const rowsOf = (name: string) => rare?.rows.find((each) => each.name === name);

  it('has as many answers to shares as come at its pace', () => {
    expect(rowsOf('SubmitShares.Success')).toMatchObject({ counted: 72, messages: 1_800, bytes: 1_800 * 58 });
  });

  it("has the difficulties' messages of the simulation in place of those that were counted", () => {
    expect(rare?.rows.filter(({ name }) => name === 'SetTarget')).toMatchObject([{ counted: 3, messages: 4 }]);
    expect(plain?.rows.find(({ name }) => name === 'mining.set_difficulty')).toMatchObject({ messages: 1_000 });
  });

  it('has a question for each silence of three seconds of a Poisson process', () => {
    // 1,932 messages of the pool: 0.537 a second.
    const lasts = Math.exp(-3 * (1_932 / 3_600));
    expect(rowsOf('messages of extensions')?.messages).toBeCloseTo(1 + (1_932 * lasts) / (1 - lasts), 6);
  });

  it('is held against the bars and the number of shares', () => {
    expect(
      failuresOf(
        [plain, rare].flatMap((each) => each ?? []),
        measured,
        wholeHour,
      ),
    ).toEqual([]);
    const dear = { ...armOf('standard', 360_000), shares: 359_999 };
    const figures = figuresOf({ ...measured, arms: [sv1, dear] }, vardiff, wholeHour);
    expect(failuresOf(figures, { ...measured, tips: 5 }, wholeHour)).toEqual([
      'standard: 359999 of 360000 shares were accepted',
      expect.stringMatching(/^standard: 0\.\d+ of Stratum V1's bytes$/),
      '126 jobs and 5 tips',
    ]);
  });
});

describe('the spread of what a worker is paid for', () => {
  it('is that of a Poisson distribution, derived and simulated', () => {
    for (const { mean, derived, simulated } of spreadsOf(3.6)) {
      expect(derived).toBeCloseTo(mean ** -0.5, 12);
      expect(simulated / derived).toBeGreaterThan(0.97);
      expect(simulated / derived).toBeLessThan(1.03);
    }
  });

  it('counts workers without a share', () => {
    const { mean, varianceOverMean, none } = dispersionOf(new Map([['0', 4]]), 2);
    expect([mean, Math.round(varianceOverMean), none]).toEqual([2, 4, 1]);
  });
});
