// Connections of which each channel has its own jobs: they are told in slices, and what happens between two of them is nobody's loss.
import { setImmediate as turn } from 'node:timers/promises';
import { baseJobId } from '@sluice/mining/job-id';
import { miningClientFlags } from '@sluice/sv2/flags';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { job as jobNumber } from '../../../packages/mining/test/work.ts';
import type { Connection } from '../src/connection.ts';
import { STEP_RECEIVERS } from '../src/fan-out-order.ts';
import { JobWriter } from '../src/job-writer.ts';
import { TestGateway } from './support/test-gateway.ts';
import type { TestMiner } from './support/test-miner.ts';

/** Two slices and a half. */
const CHANNELS = 40;

/** Every look at the clock ends a slice. */
function endEachSlice({ clock }: TestGateway): void {
  let now = 0;
  clock.monotonic = () => {
    now += 10;
    return now;
  };
}

async function farm(gateway: TestGateway): Promise<{ readonly miner: TestMiner; readonly connection: Connection }> {
  const miner = await gateway.miner();
  await miner.setup(miningClientFlags.REQUIRES_STANDARD_JOBS);
  for (let channel = 0; channel < CHANNELS; channel++) {
    await miner.openStandard();
    await miner.skip(2);
  }
  const connection = [...gateway.gateway.connections.values()].at(-1);
  if (connection === undefined) throw new Error('no connection');
  return { miner, connection };
}

test('the loop is free between slices of one connection, and a channel that is closed there is told nothing more', async () => {
  const gateway = await TestGateway.start();
  const { connection } = await farm(gateway);
  const other = await farm(gateway);
  endEachSlice(gateway);
  const written = vi.spyOn(JobWriter.prototype, 'standardJob');
  const { fanOut, closeChannels } = gateway.gateway;
  fanOut.push({ kind: 'active', job: jobNumber(32, 3), minNtime: gateway.nowSeconds });
  expect(written).toHaveBeenCalledTimes(STEP_RECEIVERS);
  const last = [...connection.channels].at(-1)?.id ?? 0;
  expect(closeChannels.byOperator(connection, last, 'order')).toBe(true);
  await turn();
  expect(written).toHaveBeenCalledTimes(2 * STEP_RECEIVERS);
  // The second connection's are told even though the first one leaves in the middle of its own.
  connection.cut('drained');
  for (let slices = 0; slices < 10; slices++) await turn();
  const told = written.mock.calls.map(([writer, channelId]) => `${writer === connection.writer ? 1 : 2}:${channelId}`);
  expect(told).not.toContain(`1:${last}`);
  expect(told.filter((channel) => channel.startsWith('2:'))).toEqual(
    [...other.connection.channels].map(({ id }) => `2:${id}`),
  );
  expect(new Set(told).size).toBe(told.length);
  written.mockRestore();
  await gateway.stop();
});

const events = fc.array(
  fc.record({
    kind: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('job' as const, 'turn' as const) },
      { weight: 3, arbitrary: fc.constantFrom('future' as const, 'tip' as const) },
      { weight: 2, arbitrary: fc.constantFrom('open' as const, 'close' as const, 'reissue' as const) },
      { weight: 1, arbitrary: fc.constant('reorder' as const) },
    ),
    which: fc.nat(CHANNELS - 1),
  }),
  { minLength: 10, maxLength: 50 },
);

interface Told {
  readonly futures: number[];
  readonly tips: number[];
  readonly jobs: number[];
  active: number | undefined;
}

/** What each channel was told, by its id. @throws when a tip names a job that the channel was not told. */
function toldBy(miner: TestMiner): ReadonlyMap<number, Told> {
  const told = new Map<number, Told>();
  for (const { name, value } of miner.received) {
    if (name !== NewMiningJob.name && name !== SetNewPrevHash.name) continue;
    const { channelId, jobId, minNtime } = value as { channelId: number; jobId: number; minNtime?: number };
    const channel = told.get(channelId) ?? { futures: [], tips: [], jobs: [], active: undefined };
    told.set(channelId, channel);
    if (name === SetNewPrevHash.name) {
      if (!channel.futures.includes(jobId)) throw new Error(`channel ${channelId} does not know job ${jobId}`);
      channel.tips.push(jobId);
      channel.active = jobId;
    } else if (minNtime === undefined) channel.futures.push(jobId);
    else {
      channel.jobs.push(jobId);
      channel.active = jobId;
    }
  }
  return told;
}

async function untilSilent(miner: TestMiner): Promise<void> {
  let seen: number;
  do {
    seen = miner.received.length;
    await miner.silence();
  } while (miner.received.length > seen);
}

const isAscending = (ids: readonly number[]) => ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? 0));

test('whatever comes between two slices, each channel is told all that still holds, once and in order', async () => {
  let midway = 0;
  await fc.assert(
    fc.asyncProperty(events, async (sequence) => {
      const gateway = await TestGateway.start({ levels: 3 });
      const { miner, connection } = await farm(gateway);
      const { fanOut, closeChannels } = gateway.gateway;
      endEachSlice(gateway);
      let number = 1;
      let active = 16;
      let future: number | undefined;
      let prevHash = gateway.prevHash(1);
      const nextJob = async (isFuture: boolean) => {
        number += 1;
        await gateway.job({ jobId: 16 * number, future: isFuture, prevHash });
        return 16 * number;
      };
      for (const { kind, which } of sequence) {
        const channel = [...connection.channels][which % connection.channels.size];
        if (kind === 'job') active = await nextJob(false);
        else if (kind === 'future') future = await nextJob(true);
        else if (kind === 'tip') {
          active = future ?? (await nextJob(true));
          future = undefined;
          prevHash = gateway.prevHash(number);
          await gateway.tip(active, prevHash);
        } else if (kind === 'open') miner.send(OpenStandardMiningChannel, miner.openMessage({}));
        else if (kind === 'close' && channel !== undefined) closeChannels.byOperator(connection, channel.id, '');
        else if (kind === 'reissue' && channel !== undefined) fanOut.reissue(channel);
        else if (kind === 'reorder') fanOut.reorder();
        else await turn();
        const ids = new Set([...connection.channels].map(({ mining }) => baseJobId(mining.activeJobId ?? 0)));
        if (ids.size > 1) midway += 1;
      }
      await untilSilent(miner);
      const told = toldBy(miner);
      for (const { futures, tips, jobs } of told.values()) {
        for (const ids of [futures, tips, jobs]) expect(new Set(ids).size).toBe(ids.length);
        // A tip may name a job that is older than those of the tip before, and that one be told again.
        expect(isAscending(jobs.filter((id) => id === baseJobId(id)))).toBe(true);
      }
      for (const { id, mining } of connection.channels) {
        expect(baseJobId(mining.activeJobId ?? 0)).toBe(active);
        expect(told.get(id)?.active).toBe(mining.activeJobId);
      }
      await gateway.stop();
    }),
    { numRuns: 20 },
  );
  expect(midway).toBeGreaterThan(20);
}, 60_000);
