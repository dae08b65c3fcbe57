// The node source against a real bitcoind: tips at the first news, templates, blocks, clocks, reorganisations, loss and return.
import { setTimeout as sleep } from 'node:timers/promises';
import { BitcoindNode, type BitcoindNodeOptions } from '@sluice/template-provider/bitcoind/bitcoind-node';
import type { NodeListener, NodeTrouble, TipNews } from '@sluice/template-provider/node-source';
import type { PreparedTemplate } from '@sluice/template-provider/prepare-template';
import { decodeTemplateBody } from '@sluice/template-provider/template-body';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bitcoind } from '../support/bitcoind.ts';
import { waitFor } from '../support/wait-for.ts';

class Recorder implements NodeListener {
  readonly tips: TipNews[] = [];
  readonly templates: PreparedTemplate[] = [];
  readonly troubles: (NodeTrouble | undefined)[] = [];
  onTip(news: TipNews): void {
    this.tips.push(news);
  }
  onTemplate(template: PreparedTemplate): void {
    this.templates.push(template);
  }
  onHealth(trouble: NodeTrouble | undefined): void {
    this.troubles.push(trouble);
  }
}

const display = (hash: Uint8Array | undefined) =>
  Buffer.from(hash ?? [])
    .reverse()
    .toString('hex');

describe('a bitcoind as node source', () => {
  let bitcoind: Bitcoind;
  const open: BitcoindNode[] = [];

  beforeAll(async () => {
    bitcoind = await Bitcoind.start();
    await bitcoind.generate(20);
  });
  afterAll(async () => {
    for (const node of open) await node.stop();
    await bitcoind.stop();
  });

  async function connect(options: Partial<BitcoindNodeOptions> = {}, now = () => Date.now()) {
    const recorder = new Recorder();
    const node = new BitcoindNode(
      {
        endpoint: { url: `http://127.0.0.1:${bitcoind.rpcPort}`, cookieFile: bitcoind.cookieFile },
        zmqBlock: bitcoind.zmqRawBlock,
        network: 'regtest',
        reserve: { outputsSize: 100, outputsSigops: 4 },
        templatePollMs: 30_000,
        ...options,
      },
      { now },
    );
    open.push(node);
    await node.start(recorder);
    return { node, recorder };
  }

  it('tells the tip and its template at the start', async () => {
    const { recorder } = await connect();
    await waitFor(() => recorder.templates.length > 0);
    const info = await bitcoind.rpc('getblockheader', [await bitcoind.rpc('getbestblockhash')]);
    const tip = recorder.tips[0];
    expect(display(tip?.hash)).toBe(info.hash);
    expect(tip?.height).toBe(info.height);
    expect(tip?.chainwork).toBe(BigInt(`0x${info.chainwork}`));
    expect(tip?.minNtime).toBe(info.mediantime + 1);
    expect(recorder.templates[0]?.height).toBe(info.height + 1);
    expect(recorder.troubles).toEqual([undefined]);
  });

  it('tells a new tip by its header alone, and its template after it', async () => {
    const { recorder } = await connect();
    await sleep(300);
    const [hash] = await bitcoind.generate(1);
    await waitFor(() => display(recorder.tips.at(-1)?.hash) === hash, 1_000);
    const info = await bitcoind.rpc('getblockheader', [hash]);
    expect(recorder.tips.at(-1)).toMatchObject({
      height: info.height,
      chainwork: BigInt(`0x${info.chainwork}`),
      minNtime: info.mediantime + 1,
      nextNbits: Number.parseInt(info.bits, 16),
    });
    await waitFor(() => display(recorder.templates.at(-1)?.prevHash) === hash);
    expect(recorder.tips).toHaveLength(2);
  });

  it('finds a tip without ZMQ by its poll', async () => {
    const { recorder } = await connect({ zmqBlock: 'tcp://127.0.0.1:1' });
    const [hash] = await bitcoind.generate(1);
    await waitFor(() => display(recorder.tips.at(-1)?.hash) === hash, 5_000);
  });

  it('follows a reorganisation of two blocks', async () => {
    const { recorder } = await connect();
    const blocks = await bitcoind.generate(2);
    await waitFor(() => display(recorder.tips.at(-1)?.hash) === blocks[1]);
    await bitcoind.rpc('invalidateblock', [blocks[0]]);
    const longer = await bitcoind.generate(3, 1);
    await waitFor(() => display(recorder.tips.at(-1)?.hash) === longer[2]);
    const info = await bitcoind.rpc('getblockheader', [longer[2]]);
    expect(recorder.tips.at(-1)?.chainwork).toBe(BigInt(`0x${info.chainwork}`));
    expect(recorder.tips.at(-1)?.height).toBe(info.height);
  });

  it('carries the transactions of the mempool, with the witness commitment that the node itself gives', async () => {
    await bitcoind.rpc('createwallet', ['miner']);
    const address = await bitcoind.rpc('getnewaddress', [], 'miner');
    await bitcoind.rpc('generatetoaddress', [110, address]);
    for (let count = 0; count < 5; count += 1) await bitcoind.rpc('sendtoaddress', [address, 1], 'miner');
    const { recorder } = await connect({ templatePollMs: 1_000 });
    await waitFor(() => (recorder.templates.at(-1)?.transactionCount ?? 0) === 5);
    const expected = await bitcoind.rpc('getblocktemplate', [{ rules: ['segwit'] }]);
    const template = recorder.templates.at(-1);
    expect(Buffer.from(template?.coinbaseOutputs.subarray(9) ?? []).toString('hex')).toBe(
      expected.default_witness_commitment,
    );
    expect(template?.coinbaseValue).toBe(BigInt(expected.coinbasevalue));
    expect(
      decodeTemplateBody(template?.body ?? new Uint8Array())?.map((data) => Buffer.from(data).toString('hex')),
    ).toEqual(expected.transactions.map((transaction: { data: string }) => transaction.data));
  });

  it('drops transactions from the end when our outputs need the room', async () => {
    const { recorder } = await connect({ reserve: { outputsSize: 999_000, outputsSigops: 4 } });
    await waitFor(() => recorder.templates.length > 0);
    const template = recorder.templates.at(-1);
    const all = await bitcoind.rpc('getblocktemplate', [{ rules: ['segwit'] }]);
    expect(template?.transactionCount).toBeLessThan(all.transactions.length);
    const kept = all.transactions.slice(0, template?.transactionCount ?? 0) as { fee: number; weight: number }[];
    expect(template?.fees).toBe(kept.reduce((sum, { fee }) => sum + BigInt(fee), 0n));
    expect(template?.coinbaseValue).toBe(
      BigInt(all.coinbasevalue) -
        all.transactions.slice(kept.length).reduce((sum: bigint, { fee }: { fee: number }) => sum + BigInt(fee), 0n),
    );
    expect((template?.weight ?? 0) + 1168 + 4 * 999_000).toBeLessThanOrEqual(4_000_000);
  });

  it('gives no work when the clocks differ or the network is another', async () => {
    const skewed = await connect({}, () => Date.now() + 45_000);
    expect(skewed.recorder.troubles).toEqual(['clock-skew']);
    expect(skewed.recorder.tips).toEqual([]);
    const wrong = await connect({ network: 'signet' });
    expect(wrong.recorder.troubles).toEqual(['wrong-network']);
    const tolerated = await connect({}, () => Date.now() - 25_000);
    expect(tolerated.recorder.troubles).toEqual([undefined]);
  });

  it('says when the node is gone, and goes on with a node that came back with another cookie', async () => {
    const { recorder } = await connect();
    await waitFor(() => recorder.templates.length > 0);
    await bitcoind.kill();
    await waitFor(() => recorder.troubles.at(-1) === 'unreachable', 3_000);
    await bitcoind.launch();
    await waitFor(() => recorder.troubles.at(-1) === undefined, 10_000);
    const [hash] = await bitcoind.generate(1);
    await waitFor(() => display(recorder.templates.at(-1)?.prevHash) === hash, 10_000);
  });

  it("passes on the node's word about a block, and gives a block of its own", async () => {
    const { node, recorder } = await connect();
    const best = recorder.tips[0]?.hash ?? new Uint8Array(32);
    const block = await node.block(best);
    expect(block).toBeDefined();
    expect(await node.submitBlock(block ?? new Uint8Array())).toBe('duplicate');
    expect(await node.submitBlock(new Uint8Array(80))).toMatch(/decode/i);
    expect(await node.block(new Uint8Array(32).fill(7))).toBeUndefined();
  });
});
