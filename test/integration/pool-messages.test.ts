// What the whole pool tells its clients over a new tip, message by message. The tests have the names of scenarios of the integration suite
// of SRI, whose own programs cannot show them.
import { miningClientFlags } from '@sluice/sv2/flags';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { SetCustomMiningJob } from '@sluice/sv2/messages/mining/set-custom-mining-job';
import { SetCustomMiningJobError } from '@sluice/sv2/messages/mining/set-custom-mining-job-error';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TestMiner } from '../../services/connection-gateway/test/support/test-miner.ts';
import { LocalPool } from '../support/local-pool.ts';
import { connectMiner, nextOf } from '../support/message-miner.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
const REQUIRES_CUSTOM_WORK = miningClientFlags.REQUIRES_WORK_SELECTION | miningClientFlags.REQUIRES_VERSION_ROLLING;
const REQUIRES_EXTENDED_CHANNELS = 2;

let pool: LocalPool;
const miners: TestMiner[] = [];

beforeAll(async () => {
  pool = await LocalPool.start({ nbits: HARD_NBITS });
});
afterEach(() => {
  for (const miner of miners.splice(0)) miner.socket.destroy();
});
afterAll(() => pool?.stop());

async function connect(): Promise<TestMiner> {
  const miner = await connectMiner(Number(pool.address.split(':')[1]), pool.authorityKey);
  miners.push(miner);
  return miner;
}

/** The tip of a block of somebody else, and the job of the node's template for it. */
async function newWork(
  miner: TestMiner,
): Promise<{ readonly tip: SetNewPrevHash; readonly job: NewExtendedMiningJob }> {
  const hash = Buffer.from(pool.chain.mineBlock());
  const tip = await nextOf(miner, SetNewPrevHash, ({ prevHash }) => hash.equals(prevHash));
  const job = await nextOf(miner, NewExtendedMiningJob, ({ minNtime }) => minNtime !== undefined);
  return { tip, job };
}

test('header_timestamp_value_assertion_in_new_extended_mining_job: the time of its tip, or the present', async () => {
  const miner = await connect();
  await miner.setup();
  await miner.openExtended();
  const { tip, job } = await newWork(miner);
  expect(job.merklePath.length).toBeGreaterThan(0);
  expect(job.minNtime).toBeGreaterThanOrEqual(tip.minNtime);
  expect(job.minNtime).toBeLessThanOrEqual(Math.max(tip.minNtime, Math.floor(Date.now() / 1_000)));
});

test('pool_does_not_send_jobs_to_jdc', async () => {
  const jdClient = await connect();
  expect(await jdClient.setup(REQUIRES_CUSTOM_WORK)).toEqual({ usedVersion: 2, flags: REQUIRES_EXTENDED_CHANNELS });
  const { channelId } = await jdClient.openExtended();
  const miner = await connect();
  await miner.setup();
  await miner.openExtended();
  const { tip } = await newWork(miner);
  // Everything that the pool has told this client stands before its answer to this.
  jdClient.send(SetCustomMiningJob, {
    channelId,
    requestId: 7,
    miningJobToken: new Uint8Array(8),
    version: 0x2000_0000,
    prevHash: tip.prevHash,
    minNtime: tip.minNtime,
    nbits: tip.nbits,
    coinbaseTxVersion: 2,
    coinbasePrefix: new Uint8Array(4),
    coinbaseTxInputNSequence: 0,
    coinbaseTxOutputs: new Uint8Array(1),
    coinbaseTxLocktime: 0,
    merklePath: [],
  });
  expect(await jdClient.expect(SetCustomMiningJobError)).toEqual({
    channelId,
    requestId: 7,
    errorCode: 'jd-not-supported',
  });
});
