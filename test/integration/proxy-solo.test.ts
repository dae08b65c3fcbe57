// The proxy with a node that belongs to the farm: real bitcoind, `template-provider --standalone` on it, and miners of Stratum V1. What it mines
// there when no pool works is what the node takes as a block, and pays the farm.
import { afterEach, describe, expect, it } from 'vitest';
import { Bitcoind } from '../support/bitcoind.ts';
import { LocalPool } from '../support/local-pool.ts';
import { fundWallet, sendPayments } from '../support/mempool.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import type { Sv1Miner } from '../support/sv1-miner.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { TemplateServer, type TemplateSource } from '../support/template-server.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
const FAIL_OVER_MS = 2_000;
const BLACK_HOLE_MS = 10_000;
const RETURN_SECONDS = 2;
const WAIT_MS = 30_000;
const HASHRATE = 4_000;
/** Hashes a second on regtest, where every second one is a block; the fewest that a miner here can make. */
const SLOW = 60;
const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

const display = (hash: Uint8Array) => Buffer.from(hash).reverse().toString('hex');
const setHashrate = (miners: readonly Sv1Miner[], hashrate: number) => {
  for (const miner of miners) miner.hashrate = hashrate;
};

describe("the proxy on the farm's own node", () => {
  const cleanUp: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const stop of cleanUp.splice(0).reverse()) await stop();
  });

  /** A node of regtest that has left its initial download. */
  async function node(): Promise<Bitcoind> {
    const bitcoind = await Bitcoind.start();
    cleanUp.push(() => bitcoind.stop());
    await bitcoind.generate(1);
    return bitcoind;
  }

  async function templatesOf(source: TemplateSource): Promise<TemplateServer> {
    const server = await TemplateServer.start(source);
    cleanUp.push(() => server.stop());
    return server;
  }

  async function proxyOn(upstreams: readonly string[], flags: readonly string[]): Promise<ProxyProcess> {
    const proxy = await ProxyProcess.start({
      ...{ upstreams: upstreams.map((url) => ({ url })), identity: 'farm' },
      flags: ['--network', 'regtest', '--return-after', String(RETURN_SECONDS), ...flags],
    });
    cleanUp.push(() => proxy.stop());
    return proxy;
  }

  const soloUrl = ({ port, authorityKey }: Pick<TemplateServer, 'port' | 'authorityKey'>) =>
    `stratum2+tcp://127.0.0.1:${port}/${authorityKey}?payout=${ADDRESS}`;
  const bestOf = (bitcoind: Bitcoind): Promise<string> => bitcoind.rpc('getbestblockhash');

  /** When each of them was on this tip, at the latest; milliseconds of `performance.now()`. */
  async function allOn(miners: readonly Sv1Miner[], tip: string, sinceMs: number): Promise<number> {
    const jobOf = ({ jobs }: Sv1Miner) =>
      jobs.find(({ prevHash, atMs }) => atMs >= sinceMs && display(prevHash) === tip);
    await waitFor(() => miners.every((miner) => jobOf(miner) !== undefined), WAIT_MS);
    return Math.max(...miners.map((miner) => jobOf(miner)?.atMs ?? Infinity));
  }

  async function allAccepted(miners: readonly Sv1Miner[]): Promise<void> {
    const before = miners.map(({ accepted }) => accepted);
    await waitFor(() => miners.every(({ accepted }, index) => accepted > (before[index] ?? 0)), WAIT_MS);
  }

  it('takes over within two seconds when the pool is killed, finds blocks that pay the farm, and gives back', async () => {
    const pool = await LocalPool.start({ nbits: HARD_NBITS });
    cleanUp.push(() => pool.stop());
    const way = await TcpRelay.start(Number(pool.address.split(':')[1]));
    cleanUp.push(() => way.stop());
    const bitcoind = await node();
    await fundWallet(bitcoind, 1);
    const templates = await templatesOf({ nodes: [bitcoind] });
    const poolUrl = `stratum2+tcp://127.0.0.1:${way.port}/${pool.authorityKey}`;
    const proxy = await proxyOn([poolUrl, soloUrl(templates)], ['--shares-per-minute', '600']);
    const miners = await proxy.connect(20, HASHRATE);
    await allAccepted(miners);
    await waitFor(async () => (await proxy.metric('upstream_up')) === 2, WAIT_MS);
    setHashrate(miners, 0);
    const parent = await bestOf(bitcoind);
    await sendPayments(bitcoind, 5);
    way.cut();
    const onNode = await allOn(miners, parent, way.brokenAt);
    console.info(`all miners were on the node ${(onNode - way.brokenAt).toFixed(0)} ms after the pool was killed`);
    expect(onNode - way.brokenAt).toBeLessThan(FAIL_OVER_MS);
    expect(await proxy.api('/upstreams')).toMatchObject({
      upstreams: [
        { state: 'down', payout: null },
        { state: 'active', payout: ADDRESS },
      ],
    });

    const [finder] = miners as [Sv1Miner];
    await waitFor(() => (finder.jobs.at(-1)?.merklePath.length ?? 0) === 3, WAIT_MS);
    finder.hashrate = SLOW;
    await waitFor(async () => (await proxy.metric('solo_blocks_confirmed_total')) > 0, WAIT_MS);
    await proxy.pause();
    const { height } = await bitcoind.rpc('getblockheader', [parent]);
    const block = await bitcoind.rpc('getblock', [await bitcoind.rpc('getblockhash', [height + 1]), 2]);
    const [coinbase, ...payments] = block.tx;
    expect(block.previousblockhash).toBe(parent);
    expect(payments).toHaveLength(5);
    const fees = payments.reduce((sum: number, { fee }: { fee: number }) => sum + fee, 0);
    expect(fees).toBeGreaterThan(0);
    expect(finder.blocks.map(display)).toContain(block.hash);
    expect(coinbase.vout[0].scriptPubKey.address).toBe(ADDRESS);
    expect(coinbase.vout[0].value).toBeCloseTo(50 + fees, 8);
    expect(Buffer.from(coinbase.vin[0].coinbase, 'hex').toString('latin1')).toContain('/Sluice/');
    // On a block of ours the miners go on.
    await allOn(miners, await bestOf(bitcoind), way.brokenAt);
    expect(proxy.process.log(Number.POSITIVE_INFINITY)).toContain(block.hash);

    const restored = performance.now();
    way.restore();
    await allOn(miners, display(pool.chain.tipHash), restored);
    setHashrate(miners, HASHRATE);
    await allAccepted(miners);
    await proxy.pause();
    expect(miners.map(({ isOpen }) => isOpen)).toEqual(miners.map(() => true));
    const [forwarded, accepted, refused, unanswered] = await Promise.all(
      ['shares_forwarded', 'upstream_shares_accepted', 'upstream_shares_refused', 'upstream_shares_unanswered'].map(
        (name) => proxy.metric(`${name}_total`),
      ),
    );
    expect(forwarded).toBe((accepted ?? 0) + (refused ?? 0) + (unanswered ?? 0));
  });

  it('keeps a block that it could not send, and the node has it when its server is back', async () => {
    const bitcoind = await node();
    const templates = await templatesOf({ nodes: [bitcoind] });
    const proxy = await proxyOn([soloUrl(templates)], []);
    const miners = await proxy.connect(3, 0);
    const parent = await bestOf(bitcoind);
    await allOn(miners, parent, 0);
    await templates.process.kill('SIGKILL');
    await waitFor(async () => (await proxy.metric('upstream_up')) === 0, WAIT_MS);
    const [finder] = miners as [Sv1Miner];
    finder.hashrate = SLOW;
    await waitFor(() => finder.accepted > 0, WAIT_MS);
    finder.hashrate = 0;
    expect(await bestOf(bitcoind)).toBe(parent);
    await templates.launch();
    await waitFor(async () => (await proxy.metric('solo_blocks_confirmed_total')) === 1, WAIT_MS);
    const block = await bitcoind.rpc('getblock', [await bestOf(bitcoind), 2]);
    expect(block.previousblockhash).toBe(parent);
    expect(block.tx[0].vout[0].scriptPubKey.address).toBe(ADDRESS);
  });

  it('finds out within ten seconds that the node hangs, and sends it the block that it never got', async () => {
    const bitcoind = await node();
    const templates = await templatesOf({ nodes: [bitcoind] });
    const way = await TcpRelay.start(templates.port);
    cleanUp.push(() => way.stop());
    const proxy = await proxyOn([soloUrl({ port: way.port, authorityKey: templates.authorityKey })], []);
    const [finder] = (await proxy.connect(1, 0)) as [Sv1Miner];
    const parent = await bestOf(bitcoind);
    await allOn([finder], parent, 0);
    way.swallow();
    finder.hashrate = SLOW;
    await waitFor(() => finder.blocks.length > 0, WAIT_MS);
    finder.hashrate = 0;
    await waitFor(async () => (await proxy.metric('upstream_up')) === 0, WAIT_MS);
    expect(performance.now() - way.brokenAt).toBeLessThan(BLACK_HOLE_MS);
    expect(await bestOf(bitcoind)).toBe(parent);
    way.restore();
    await waitFor(async () => (await bestOf(bitcoind)) !== parent, WAIT_MS);
    expect(finder.blocks.map(display)).toContain(await bestOf(bitcoind));
  });

  it('keeps every share that is no block, checked and at the pace of the miner', async () => {
    const templates = await templatesOf({ simulatedNbits: '1d00ffff' });
    const proxy = await proxyOn([soloUrl(templates)], ['--shares-per-minute', '600']);
    const miners = await proxy.connect(5, HASHRATE);
    await allAccepted(miners);
    await waitFor(async () => (await proxy.metric('shares_kept_total')) > 100, WAIT_MS);
    await proxy.pause();
    const accepted = miners.reduce((sum, miner) => sum + miner.accepted, 0);
    expect(miners.flatMap(({ rejections }) => rejections)).toEqual([]);
    expect(await proxy.metric('shares_kept_total')).toBe(accepted);
    expect(await proxy.metric('shares_forwarded_total')).toBe(0);
  });

  it('is not used where the payout is of another network than the node', async () => {
    const bitcoind = await node();
    const templates = await templatesOf({ nodes: [bitcoind] });
    const url = soloUrl(templates).replace(ADDRESS, 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4');
    const proxy = await ProxyProcess.launch({ upstreams: [{ url }], identity: 'farm' });
    cleanUp.push(() => proxy.stop());
    await waitFor(async () => (await proxy.readiness()).includes('a target that mainnet does not have'), WAIT_MS);
  });
});
