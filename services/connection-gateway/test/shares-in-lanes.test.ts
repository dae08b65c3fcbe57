import { setImmediate as turn } from 'node:timers/promises';
import { HeaderLanes } from '@sluice/bitcoin/header-lanes';
import { RootLanes } from '@sluice/bitcoin/root-lanes';
import { ShareBatchReader } from '@sluice/bus/payloads/share-batch';
import { Solution } from '@sluice/bus/payloads/solution';
import { miningClientFlags } from '@sluice/sv2/flags';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { job as jobNumber, tip } from '../../../packages/mining/test/work.ts';
import { EASY_NBITS, TestGateway } from './support/test-gateway.ts';
import type { TestMiner } from './support/test-miner.ts';

const HARD_NBITS = 0x1d00ffff;
/** Frames that are on their way over the streams in memory; these pass them on without a turn of the event loop. */
const TICKS = 40;

const events = fc.array(
  fc.oneof(
    {
      weight: 24,
      arbitrary: fc.record({
        kind: fc.constant('share' as const),
        miner: fc.constantFrom(0, 0, 0, 1),
        channel: fc.constantFrom('extended', 'extended', 'standard'),
        job: fc.constantFrom(0, 0, 0, 0, 1, 2),
        nonce: fc.nat(9),
        version: fc.constantFrom(0x20000000, 0x20000000, 0x20002000, 1),
        size: fc.constantFrom(13, 13, 13, 13, 13, 5),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('job' as const, 'tip' as const, 'reissue' as const),
        miner: fc.nat(1),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constantFrom('close' as const, 'order' as const, 'turn' as const, 'end' as const),
        miner: fc.nat(1),
      }),
    },
  ),
  { minLength: 30, maxLength: 80 },
);
type Event = typeof events extends fc.Arbitrary<(infer E)[]> ? E : never;

/** What the miners, the stream and the template providers are told; `alone`: every share has a turn of its own. */
async function outcome(sequence: readonly Event[], nbits: number, alone: boolean): Promise<object> {
  const test = await TestGateway.start({ nbits });
  const { fanOut, connections, closeChannels } = test.gateway;
  const solutions: string[] = [];
  test.bus.subscribe('solution.now', (payload) =>
    solutions.push(Buffer.from(Solution.decode(payload).hash).toString('hex')),
  );
  const miners: TestMiner[] = [];
  /** By miner; the second one has no other channel, and is told its merkle root with each job. */
  const standard: number[] = [];
  for (const flags of [0, miningClientFlags.REQUIRES_STANDARD_JOBS]) {
    const miner = await test.miner();
    await miner.setup(flags);
    if (flags === 0) {
      await miner.openExtended();
      await miner.skip(2);
    }
    standard.push((await miner.openStandard()).channelId);
    await miner.skip(2);
    miners.push(miner);
  }
  let number = 1;
  for (const [index, event] of sequence.entries()) {
    const miner = miners[event.miner]!;
    const connection = connections.get(event.miner + 1);
    if (connection === undefined) continue;
    if (event.kind === 'share') {
      const { nonce, version, size } = event;
      const jobId = Math.max(1, number - event.job) * 16;
      const fields = { sequenceNumber: index, jobId, nonce, ntime: test.nowSeconds, version };
      const standardId = standard[event.miner]!;
      if (event.channel === 'standard' || standardId === 2)
        miner.send(SubmitSharesStandard, { ...fields, channelId: standardId });
      else miner.send(SubmitSharesExtended, { ...fields, channelId: 2, extranonce: new Uint8Array(size).fill(1) });
    } else if (event.kind === 'close') miner.send(CloseChannel, { channelId: 2, reasonCode: '' });
    else if (event.kind === 'order') closeChannels.byOperator(connection, 2, 'order');
    else if (event.kind === 'end') connection.end('drained');
    else if (event.kind === 'reissue') for (const channel of connection.channels) fanOut.reissue(channel);
    else if (event.kind !== 'turn') {
      number += 1;
      const job = jobNumber(number * 16, 3);
      const minNtime = test.nowSeconds - 100;
      if (event.kind === 'job') fanOut.push({ kind: 'active', job, minNtime });
      else {
        fanOut.push({ kind: 'future', job });
        fanOut.push({ kind: 'tip', job, tip: { ...tip(number, nbits), minNtime } });
      }
    }
    for (let tick = 0; tick < TICKS; tick++) await new Promise<void>((resolve) => process.nextTick(resolve));
    if (alone || event.kind === 'turn') await turn();
  }
  expect(await test.gateway.flushShares(1_000)).toBe(true);
  for (let count = 0; count < 3; count++) await turn();
  const reader = new ShareBatchReader();
  const stored: string[] = [];
  for (const { payload } of await test.bus.read('SHARES', 1, 1_000)) {
    expect(reader.open(payload)).toBe(true);
    while (reader.next()) stored.push(`${reader.channels[reader.channelIndex]?.channelKey} ${reader.sequenceNumber}`);
  }
  const told = miners.map(({ received }) =>
    received
      .filter(({ name }) => name !== SubmitSharesSuccess.name)
      .map(({ name, value }) => `${name} ${value.sequenceNumber ?? value.jobId} ${value.errorCode}`),
  );
  const { sharesAccepted, sharesRefused } = test.counters;
  await test.stop();
  return { stored, solutions, told, sharesAccepted, sharesRefused };
}

test('shares that were read together are answered, stored and found to be blocks as those that come alone', async () => {
  const roots = vi.spyOn(RootLanes.prototype, 'run');
  const headers = vi.spyOn(HeaderLanes.prototype, 'run');
  await fc.assert(
    fc.asyncProperty(events, fc.constantFrom(EASY_NBITS, HARD_NBITS), async (sequence, nbits) => {
      const expected = await outcome(sequence, nbits, true);
      expect(await outcome(sequence, nbits, false)).toEqual(expected);
    }),
    { numRuns: 30 },
  );
  expect(roots.mock.calls.length).toBeGreaterThan(20);
  expect(headers.mock.calls.length).toBeGreaterThan(50);
}, 60_000);
