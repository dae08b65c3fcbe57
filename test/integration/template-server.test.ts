// A pool that takes its templates from a Template Distribution server: real bitcoind, `template-provider --standalone` on it, and every
// service of a pool that knows of no node but that server; then one that has a node as well, which dies.
import { afterEach, describe, expect, it, onTestFailed } from 'vitest';
import { Bitcoind } from '../support/bitcoind.ts';
import { fillMempool, fundWallet, largeTransactions, sendPayments } from '../support/mempool.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import type { Sv2Channel } from '../support/sv2-channel.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { TemplateServer } from '../support/template-server.ts';
import { waitFor } from '../support/wait-for.ts';

const FAIL_OVER_MS = 2_000;
const WAIT_MS = 30_000;
const MEGABYTE = 1_000_000;
/** One hash for each share that is wanted: each block on regtest, which takes two, is a share too from the beginning. */
const HASH_RATE = 1;

const display = (hash: Uint8Array) => Buffer.from(hash).reverse().toString('hex');
const urlOf = ({ port, authorityKey }: TemplateServer) => `stratum2+tcp://127.0.0.1:${port}/${authorityKey}`;

describe('a pool on the templates of a server', () => {
  const cleanUp: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const stop of cleanUp.splice(0).reverse()) await stop();
  });

  async function node(options: Parameters<typeof Bitcoind.start>[0] = {}): Promise<Bitcoind> {
    const started = await Bitcoind.start(options);
    cleanUp.push(() => started.stop());
    return started;
  }

  async function server(...nodes: readonly Bitcoind[]): Promise<TemplateServer> {
    const started = await TemplateServer.start({ nodes });
    cleanUp.push(() => started.stop());
    return started;
  }

  /** A pool, and a miner of it with one extended channel. */
  async function poolOn(bitcoinds: readonly Bitcoind[], templateServers: readonly string[]) {
    const pool = await PoolProcesses.start({
      chain: { bitcoinds, templateServers },
      sharesPerMinute: 60,
      easiestDifficulty: 1e-10,
    });
    let logs = '';
    cleanUp.push(() => {
      logs = pool.logs();
      return pool.stop();
    });
    onTestFailed(() => console.error(logs));
    const client = await Sv2Client.connect({ port: pool.gatewayPort(), authorityKey: pool.authorityKey });
    cleanUp.push(() => client.close());
    const channel = await client.openExtended({ identity: 'alice.one', hashRate: HASH_RATE });
    return { pool, client, channel };
  }

  const isOn = (channel: Sv2Channel, hash: string) =>
    channel.tip !== undefined && display(channel.tip.prevHash) === hash;

  /** Submits a block of the job that is worked on; resolves with its hash when it is the node's best. */
  async function mine(client: Sv2Client, channel: Sv2Channel, bitcoind: Bitcoind, job = channel.job): Promise<string> {
    const share = channel.find('block', 10_000, job);
    if (share === undefined) throw new Error('no block in 10,000 hashes, where every second is one');
    client.submit(channel, share);
    const hash = display(share.hash);
    await waitFor(async () => (await bitcoind.rpc('getbestblockhash')) === hash, WAIT_MS);
    return hash;
  }

  /** Resolves when the miner works on two payments. */
  async function withPayments(bitcoind: Bitcoind, channel: Sv2Channel): Promise<void> {
    await sendPayments(bitcoind, 2);
    await waitFor(() => (channel.job?.depth ?? 0) >= 2, WAIT_MS);
  }

  it('mines blocks that the node behind it accepts, hears of those of others, and goes on when the server comes back', async () => {
    const bitcoind = await node({ extraArguments: largeTransactions });
    await fundWallet(bitcoind);
    const templates = await server(bitcoind);
    const { pool, client, channel } = await poolOn([], [urlOf(templates)]);

    await sendPayments(bitcoind, 5);
    await waitFor(() => (channel.job?.depth ?? 0) >= 3, WAIT_MS);
    const block = await bitcoind.rpc('getblock', [await mine(client, channel, bitcoind), 2]);
    expect(block.nTx).toBe(6);
    expect(block.tx[0].vout[0].scriptPubKey.hex).toBe('5151');
    await waitFor(() => isOn(channel, block.hash));

    // A block of somebody else's, on the job that the miner held already; and one of ours on that.
    const futures = () => [...channel.jobs.values()].filter(({ wasFuture }) => wasFuture);
    // The one that is worked on, or was, and the one for the next height.
    await waitFor(() => futures().length === 2, WAIT_MS);
    const prepared = futures().at(-1);
    const mined = performance.now();
    const [other = ''] = await bitcoind.generate(1, 3);
    await waitFor(() => isOn(channel, other), WAIT_MS);
    console.info(
      `a foreign block reached the miner ${(performance.now() - mined).toFixed(0)} ms after the node was asked`,
    );
    expect(futures()).toContain(prepared);
    expect((await bitcoind.rpc('getblock', [await mine(client, channel, bitcoind, prepared)])).nTx).toBe(1);

    await fillMempool(bitcoind, 1.3 * MEGABYTE);
    await waitFor(() => (channel.job?.depth ?? 0) >= 4, WAIT_MS);
    const large = await bitcoind.rpc('getblock', [await mine(client, channel, bitcoind)]);
    expect(large.size).toBeGreaterThan(MEGABYTE);

    // What is found while the provider is away is a block when it is back, and so is what is found while the server is.
    const provider = pool.service('template-provider-0');
    await waitFor(() => isOn(channel, large.hash), WAIT_MS);
    await withPayments(bitcoind, channel);
    await provider.kill();
    const missed = mine(client, channel, bitcoind);
    await waitFor(() => channel.record.unanswered === 0, WAIT_MS);
    provider.launch();
    expect((await bitcoind.rpc('getblock', [await missed])).nTx).toBe(3);
    await waitFor(async () => isOn(channel, await missed), WAIT_MS);
    await templates.process.kill();
    await waitFor(async () => (await provider.metric('sluice_template_provider_nodes_well')) === 0, WAIT_MS);
    const late = mine(client, channel, bitcoind);
    await waitFor(async () => (await provider.metric('sluice_template_provider_solutions_under_way')) === 1, WAIT_MS);
    await templates.launch();
    const found = await late;
    await waitFor(() => isOn(channel, found), WAIT_MS);
    const [next = ''] = await bitcoind.generate(1, 4);
    await waitFor(() => isOn(channel, next), WAIT_MS);
    expect((await bitcoind.rpc('getblock', [await mine(client, channel, bitcoind)])).confirmations).toBe(1);
    await waitFor(() => channel.record.unanswered === 0, WAIT_MS);
    expect([...channel.record.refused.keys(), ...channel.record.faults]).toEqual([]);
    expect(channel.tipsWithoutJob).toBe(0);
  });

  it('takes them within two seconds when its own node is killed, and blocks of both ways are accepted', async () => {
    const own = await node();
    await own.generate(10);
    const remote = await node({ peers: [own] });
    await waitFor(async () => (await remote.rpc('getblockcount')) === 10, WAIT_MS);
    await waitFor(async () => (await own.rpc('getconnectioncount')) > 0, WAIT_MS);
    const templates = await server(remote);
    const { pool, client, channel } = await poolOn([own], [urlOf(templates)]);
    const provider = pool.service('template-provider-0');
    await waitFor(async () => (await provider.metric('sluice_template_provider_nodes_well')) === 2, WAIT_MS);
    const first = await mine(client, channel, own);
    await waitFor(async () => (await remote.rpc('getbestblockhash')) === first, WAIT_MS);
    await waitFor(() => isOn(channel, first), WAIT_MS);

    const active = /"node":"([^"]*)","msg":"templates come from this node"/g;
    const lastActive = () => [...provider.log(1_000).matchAll(active)].at(-1)?.[1];
    expect(lastActive()).toContain(String(own.rpcPort));
    const killed = performance.now();
    await own.kill('SIGKILL');
    await waitFor(() => lastActive()?.includes(String(templates.port)) === true, WAIT_MS);
    const took = performance.now() - killed;
    console.info(`templates came from the server ${took.toFixed(0)} ms after the node was killed`);
    expect(took).toBeLessThan(FAIL_OVER_MS);

    const [other = ''] = await remote.generate(1, 3);
    await waitFor(() => isOn(channel, other), WAIT_MS);
    await mine(client, channel, remote);
    await own.launch();
    await own.rpc('addnode', [`127.0.0.1:${remote.p2pPort}`, 'onetry']);
    await waitFor(() => lastActive()?.includes(String(own.rpcPort)) === true, WAIT_MS);
    expect(channel.tipsWithoutJob).toBe(0);
  });
});
