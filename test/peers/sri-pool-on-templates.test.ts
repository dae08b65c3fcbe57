// SRI's pool, unchanged, on the templates of our template provider, and our miner on that pool: blocks go through both to a real bitcoind
// whose only interface is its RPC. Tests that repeat a scenario of SRI's own integration suite have its name.
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bitcoind } from '../support/bitcoind.ts';
import { inCi } from '../support/in-ci.ts';
import { fundWallet, sendPayments } from '../support/mempool.ts';
import { connectMiner, nextOf } from '../support/message-miner.ts';
import { SriPool } from '../support/sri-pool.ts';
import { buildSriProgram, whyNoSriProgram } from '../support/sri-programs.ts';
import type { Sv2Channel } from '../support/sv2-channel.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { TemplateServer } from '../support/template-server.ts';
import { waitFor } from '../support/wait-for.ts';

const MAX_BUILD_MS = 3_600_000;
const missing = whyNoSriProgram('pool_sv2');
if (missing !== undefined) {
  if (inCi) throw new Error(missing);
  console.log(`skipped: ${missing}`);
}

describe.skipIf(missing !== undefined)("SRI's pool on our templates", () => {
  let nodes: readonly [Bitcoind, Bitcoind];
  let payTo: string;
  let server: TemplateServer;
  let pool: SriPool;
  let clients: readonly Sv2Client[];
  let standard: Sv2Channel;
  let extended: Sv2Channel;

  beforeAll(async () => {
    const program = await buildSriProgram('pool_sv2');
    const preferred = await Bitcoind.start();
    nodes = [preferred, await Bitcoind.start({ peers: [preferred] })];
    await fundWallet(preferred);
    payTo = await preferred.rpc('getnewaddress', []);
    server = await TemplateServer.start({ nodes });
    pool = await SriPool.start({ program, templateServer: server, payout: `addr(${payTo})` });
    const options = { port: pool.port, authorityKey: pool.authorityKey };
    clients = [await Sv2Client.connect({ ...options, standardJobsOnly: true }), await Sv2Client.connect(options)];
    standard = await (clients[0] as Sv2Client).openStandard({ identity: 'device', hashRate: 1_000 });
    extended = await (clients[1] as Sv2Client).openExtended({ identity: 'proxy', hashRate: 1_000 });
    await waitFor(() => standard.job !== undefined && extended.job !== undefined);
  }, MAX_BUILD_MS);

  afterAll(async () => {
    await Promise.all((clients ?? []).map((client) => client.close()));
    await pool?.stop();
    await server?.stop();
    await Promise.all((nodes ?? []).map((node) => node.stop()));
  });

  const onTip = async (node: Bitcoind) => {
    const best = Buffer.from(await node.rpc('getbestblockhash'), 'hex').reverse();
    return [standard, extended].every(
      ({ tip, job }) => job !== undefined && best.equals(tip?.prevHash ?? new Uint8Array()),
    );
  };

  test('success_pool_template_provider_connection', async () => {
    const setup = 'Received `SetupConnectionSuccess` from TP: version=2, flags=0';
    const answers = [setup, 'Received: NewTemplate', 'Received: SetNewPrevHash'];
    const at = answers.map((text) => pool.process.lines.findIndex((line) => line.includes(text)));
    expect(at).not.toContain(-1);
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    expect(await server.process.metric('sluice_template_distribution_connections')).toBe(1);
    // The room that the pool asked for with CoinbaseOutputConstraints.
    expect(await server.process.metric('sluice_template_distribution_reserves')).toBe(1);
  });

  test('header_timestamp_value_assertion_in_new_extended_mining_job', async () => {
    const [node] = nodes;
    await waitFor(() => onTip(node));
    const miner = await connectMiner(pool.port, pool.authorityKey);
    await miner.setup();
    const { channelId } = await miner.openExtended();
    const { minNtime } = await nextOf(miner, SetNewPrevHash, (tip) => tip.channelId === channelId);
    const told = pool.process.lines.findLast((line) => line.includes('Received: SetNewPrevHash'));
    expect(Number(/header_timestamp: (\d+)/.exec(told ?? '')?.[1])).toBe(minNtime);
    await sendPayments(node, 1);
    const job = await nextOf(miner, NewExtendedMiningJob, ({ merklePath }) => merklePath.length > 0);
    expect(job.minNtime).toBe(minNtime);
    miner.socket.destroy();
  });

  test.each([
    ['a standard channel', 0],
    ['an extended channel', 1],
  ])(
    'pool_propagates_block_with_bitcoin_core_ipc: a block of %s with real transactions is accepted by bitcoind and pays the pool',
    async (_kind, index) => {
      const [node] = nodes;
      const channel = [standard, extended][index] as Sv2Channel;
      await waitFor(() => onTip(node));
      const jobs = extended.jobs.size;
      await sendPayments(node, 3);
      await waitFor(() => extended.jobs.size > jobs && (extended.job?.depth ?? 0) >= 2, 60_000);
      const before = await node.rpc('getblockcount');
      const share = channel.find('block', 10_000);
      if (share === undefined) throw new Error('no block in 10,000 hashes, where every second is one');
      (clients[index] as Sv2Client).submit(channel, share);
      await waitFor(async () => (await node.rpc('getblockcount')) > before).catch((error: unknown) => {
        throw new Error(`${error}\n${pool.process.tail()}\n${server.process.log()}`);
      });
      const hash = Buffer.from(share.hash).reverse().toString('hex');
      expect(await node.rpc('getbestblockhash')).toBe(hash);
      const { tx } = await node.rpc('getblock', [hash, 2]);
      expect(tx.length).toBeGreaterThan(3);
      expect(tx[0]?.vout[0]?.scriptPubKey.address).toBe(payTo);
    },
  );

  test('a block of somebody else reaches every miner of the pool', async () => {
    const [node] = nodes;
    await waitFor(() => onTip(node));
    await node.generate(1, 3);
    await waitFor(() => onTip(node), 10_000);
    expect([standard, extended].map(({ tipsWithoutJob }) => tipsWithoutJob)).toEqual([0, 0]);
  });

  test('when its node dies the next template comes from the other one within two seconds, and the pool stays', async () => {
    const [preferred, other] = nodes;
    await waitFor(async () => (await other.rpc('getbestblockhash')) === (await preferred.rpc('getbestblockhash')));
    await preferred.kill();
    await other.generate(1, 4);
    await waitFor(() => onTip(other), 2_000);
    expect(clients.map(({ isOpen }) => isOpen)).toEqual([true, true]);
    const before = await other.rpc('getblockcount');
    const share = extended.find('block', 10_000);
    if (share === undefined) throw new Error('no block in 10,000 hashes');
    (clients[1] as Sv2Client).submit(extended, share);
    await waitFor(async () => (await other.rpc('getblockcount')) > before);
    // Beside those of miners that leave.
    const errors = / ERROR pool_sv2::(channel_manager|template_receiver)/;
    expect(pool.process.lines.filter((line) => errors.test(line))).toEqual([]);
  });
});
