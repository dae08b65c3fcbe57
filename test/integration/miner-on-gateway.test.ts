// Our miner on our gateway, over streams in memory: both kinds of channels and a group, over a new tip, with real hashing.
// What either side gets wrong about the other shows as a rejected share or a broken connection.
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { InlineEngine } from '@sluice/miner/hashing/inline-engine';
import { createMiner, type MinerOptions } from '@sluice/miner/miner';
import { silentLogger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { afterEach, describe, expect, it } from 'vitest';
import { aead, ec, opened, TestGateway } from '../../services/connection-gateway/test/support/test-gateway.ts';
import { waitFor } from '../support/wait-for.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** One hash in 256 is a share. */
const TARGET = (1n << 248n) - 1n;

async function start(options: Pick<MinerOptions, 'kind' | 'channels'> & Partial<MinerOptions>) {
  const pool = await TestGateway.start();
  closing.push(() => pool.stop());
  pool.onOpen = (request) => opened(request, TARGET);
  const authorityKey = ec.xOnlyPublicKey(pool.authoritySecret);
  const miner = createMiner(
    { pool: { host: 'pool', port: 3333, authorityKey }, identity: 'account.rig', hashrate: 50_000, ...options },
    {
      ...{ ec, aead, random: randomBytes, sha256d: nobleSha256d, log: silentLogger(), clock: pool.clock },
      engines: [new InlineEngine(nobleSha256d)],
      connect: async () => pool.connect(),
    },
  );
  const ends: string[] = [];
  miner.on('disconnected', ({ message }) => ends.push(message));
  await miner.start();
  closing.push(() => miner.stop());
  return { pool, miner, ends };
}

const cases: [string, Pick<MinerOptions, 'kind' | 'channels'> & Partial<MinerOptions>][] = [
  ['a standard channel', { kind: 'standard', channels: 1 }],
  ['a device that takes standard jobs only', { kind: 'standard', channels: 1, standardJobsOnly: true }],
  ['an extended channel', { kind: 'extended', channels: 1 }],
  ['two standard channels in a group', { kind: 'standard', channels: 2 }],
  ['extended channels with a fixed version', { kind: 'extended', channels: 2, versionRolling: false }],
];

describe('our miner on our gateway', () => {
  it.each(cases)('has its shares accepted, over a new tip: %s', async (_name, options) => {
    const { pool, miner, ends } = await start(options);
    await waitFor(() => miner.statistics.accepted >= 20);
    await pool.job({ jobId: 32, future: true });
    const jobs = new Set<number>();
    miner.on('submitted', ({ jobId }) => jobs.add(jobId));
    await pool.tip(32, pool.prevHash(2));
    await waitFor(() => jobs.has(32));
    const before = miner.statistics.accepted;
    await waitFor(() => miner.statistics.accepted >= before + 20);
    expect([...miner.statistics.rejections].filter(([code]) => code !== 'stale-share')).toEqual([]);
    expect(ends).toEqual([]);
    expect(pool.opens).toHaveLength(options.channels);
  });
});
