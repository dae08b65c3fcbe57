// Payout by identity over service processes and nats-server: the setting of each, several outputs of the pool, and gateways that share a
// payout.
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import { CreditBatch } from '@sluice/bus/payloads/credit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PoolProcesses } from '../support/pool-processes.ts';
import type { Sv2Channel } from '../support/sv2-channel.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { waitFor } from '../support/wait-for.ts';

const MINER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const MINER_SCRIPT = '0014751e76e8199196d454941c45d1b3a323f1433bd6';
const FIRST = `0014${'11'.repeat(20)}`;
const SECOND = `0014${'22'.repeat(20)}`;

/** What the outputs that can be spent pay. */
function paidBy({ job }: Sv2Channel): [string, bigint][] {
  const outputs = job?.coinbase && decodeTransaction(job.coinbase)?.outputs;
  if (outputs === undefined) throw new Error('no job with a coinbase');
  return outputs
    .map(({ script, value }): [string, bigint] => [Buffer.from(script).toString('hex'), value])
    .filter(([script]) => !script.startsWith('6a'));
}

describe('payout by identity over processes', () => {
  let pool: PoolProcesses;
  let clients: Sv2Client[] = [];

  beforeAll(async () => {
    pool = await PoolProcesses.start({
      chain: { simulated: { nbits: '1d00ffff', blockSeconds: 0 } },
      gateways: 2,
      payouts: [`raw(${FIRST})=3`, `raw(${SECOND})=1`],
      payoutByIdentity: true,
      sharesPerMinute: 60,
      easiestDifficulty: 1e-10,
    });
    const { authorityKey } = pool;
    clients = await Promise.all(
      [0, 1].map((index) => Sv2Client.connect({ port: pool.gatewayPort(index), authorityKey })),
    );
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await pool?.stop();
  });

  it('pays pool and miner from one coinbase, and credits the work of both gateways apart from what is owed', async () => {
    const channels: Sv2Channel[] = [];
    for (const client of clients) {
      for (const identity of [`sri/donate/10/${MINER}/rig`, 'alice.rig'])
        channels.push(await client.openExtended({ identity, hashRate: 10 }));
    }
    for (const [giving, alice] of [channels.slice(0, 2), channels.slice(2)] as [Sv2Channel, Sv2Channel][]) {
      await waitFor(() => alice.job !== undefined && alice.job.jobId === giving.job?.jobId);
      const value = paidBy(alice).reduce((sum, [, amount]) => sum + amount, 0n);
      expect(paidBy(alice)).toEqual([
        [FIRST, value - value / 4n],
        [SECOND, value / 4n],
      ]);
      const part = value / 10n;
      const second = ((value / 4n) * part) / value;
      expect(paidBy(giving)).toEqual([
        [FIRST, part - second],
        [SECOND, second],
        [MINER_SCRIPT, value - part],
      ]);
    }

    for (const channel of channels) {
      const share = channel.find();
      if (share === undefined) throw new Error('no share found');
      clients.find((client) => client.channels.includes(channel))?.submit(channel, share);
    }
    await waitFor(() => channels.every(({ record }) => record.accepted === 1));
    const bus = await pool.bus();
    try {
      await waitFor(async () => {
        const records = await bus.read('CREDITS', 1, 1_000);
        const batches = records.map(({ subject, payload }) => {
          if (!subject.startsWith('credit.')) throw new Error(`the share-validator reports: ${subject}`);
          return CreditBatch.decode(payload);
        });
        const sum = (list: readonly { readonly shares: number }[]) => list.reduce((all, { shares }) => all + shares, 0);
        const owed = batches.flatMap(({ credits }) => credits);
        const paid = batches.flatMap(({ minerPaid }) => minerPaid);
        expect(owed.every(({ identity }) => identity === 'alice')).toBe(true);
        expect(paid.every(({ identity, poolPercent }) => identity === MINER && poolPercent === 10)).toBe(true);
        return sum(owed) === 2 && sum(paid) === 2 && new Set(batches.map(({ incarnation }) => incarnation)).size === 2;
      });
    } finally {
      await bus.close();
    }
  });
});
