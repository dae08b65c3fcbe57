// The node source against a real bitcoind: tips at the first news, templates, blocks, clocks, reorganisations, loss and return.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { BitcoindNode, type BitcoindNodeOptions } from '@sluice/template-provider/bitcoind/bitcoind-node';
import type { NodeListener, NodeTrouble, TipNews, TipOrigin } from '@sluice/template-provider/node-source';
import type { PreparedTemplate } from '@sluice/template-provider/prepare-template';
import { decodeTemplateBody } from '@sluice/template-provider/template-body';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bitcoind } from '../support/bitcoind.ts';
import { freePort } from '../support/free-port.ts';
import { waitFor } from '../support/wait-for.ts';

class Recorder implements NodeListener {
  readonly tips: TipNews[] = [];
  readonly origins: TipOrigin[] = [];
  readonly templates: PreparedTemplate[] = [];
  readonly troubles: (NodeTrouble | undefined)[] = [];
  onTip(news: TipNews, origin: TipOrigin): void {
    this.tips.push(news);
    this.origins.push(origin);
  }
  onTemplate(template: PreparedTemplate): void {
    this.templates.push(template);
  }
  onHealth(trouble: NodeTrouble | undefined): void {
    this.troubles.push(trouble);
  }
}

/** Passes calls on to a bitcoind, but for the one that it refuses as a node does that is not ready for it. */
class RpcProxy {
  refused: string | undefined;
  /** Changes the answers on their way. */
  edit = (_method: string, answer: string | undefined) => answer;
  readonly #server: Server;

  private constructor(rpcPort: number) {
    this.#server = createServer(async (request, response) => {
      const body = await text(request);
      const { method } = JSON.parse(body);
      if (method === this.refused) {
        response.end(JSON.stringify({ result: null, error: { code: -10, message: 'not now' }, id: 0 }));
        return;
      }
      const headers = { authorization: request.headers.authorization ?? '' };
      const answer = await fetch(`http://127.0.0.1:${rpcPort}/`, { method: 'POST', headers, body }).catch(
        () => undefined,
      );
      response.end(this.edit(method, await answer?.text()));
    });
  }

  static async start(rpcPort: number): Promise<RpcProxy> {
    const proxy = new RpcProxy(rpcPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
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

  it('gives work on a chain that has no block but its first', async () => {
    const fresh = await Bitcoind.start();
    try {
      const endpoint = { url: `http://127.0.0.1:${fresh.rpcPort}`, cookieFile: fresh.cookieFile };
      const { recorder } = await connect({ endpoint, zmqBlock: fresh.zmqRawBlock });
      await waitFor(() => recorder.templates.length > 0);
      const info = await fresh.rpc('getblockheader', [await fresh.rpc('getbestblockhash')]);
      const { height, chainwork, minNtime } = recorder.tips[0]!;
      expect([height, chainwork]).toEqual([0, BigInt(`0x${info.chainwork}`)]);
      expect(minNtime).toBe(info.mediantime + 1);
      expect(recorder.templates[0]?.height).toBe(1);
    } finally {
      await fresh.stop();
    }
  });

  it('tells a new tip by its header alone, and its template after it', async () => {
    const { recorder } = await connect();
    await sleep(300);
    const [hash] = await bitcoind.generate(1);
    await waitFor(() => display(recorder.tips.at(-1)?.hash) === hash);
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
    await waitFor(() => display(recorder.tips.at(-1)?.hash) === hash);
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
    await waitFor(() => recorder.troubles.at(-1) === 'unreachable');
    await bitcoind.launch();
    await waitFor(() => recorder.troubles.at(-1) === undefined);
    const [hash] = await bitcoind.generate(1);
    await waitFor(() => display(recorder.templates.at(-1)?.prevHash) === hash);
  });

  it('hears of a tip by its hash alone', async () => {
    const zmqBlock = `tcp://127.0.0.1:${await freePort()}`;
    const other = await Bitcoind.start({ extraArguments: [`-zmqpubhashblock=${zmqBlock}`] });
    try {
      await other.generate(3);
      const endpoint = { url: `http://127.0.0.1:${other.rpcPort}`, cookieFile: other.cookieFile };
      const { node, recorder } = await connect({ endpoint, zmqBlock });
      await sleep(300);
      for (let count = 0; count < 3; count += 1) {
        const [hash] = await other.generate(1);
        await waitFor(() => display(recorder.tips.at(-1)?.hash) === hash);
      }
      expect(recorder.origins).toEqual(['start', 'announcement', 'announcement', 'announcement']);
      expect(recorder.tips.at(-1)?.height).toBe(6);
      await node.stop();
    } finally {
      await other.stop();
    }
  });

  it('gives no work from a node without templates, and does not take an answer to another question for health', async () => {
    const proxy = await RpcProxy.start(bitcoind.rpcPort);
    const endpoint = { url: `http://127.0.0.1:${proxy.port}`, cookieFile: bitcoind.cookieFile };
    const { node, recorder } = await connect({ endpoint, templatePollMs: 1_000 });
    try {
      await waitFor(() => recorder.templates.length > 0);
      const { length } = recorder.templates;
      proxy.refused = 'getblocktemplate';
      await waitFor(() => recorder.troubles.at(-1) === 'no-template');
      await sleep(5_000);
      expect(recorder.troubles).toEqual([undefined, 'no-template']);
      proxy.refused = undefined;
      await waitFor(() => recorder.troubles.at(-1) === undefined);
      expect(recorder.templates).toHaveLength(length);
    } finally {
      await node.stop();
      proxy.close();
    }
  });

  it('asks for a template when a late block may be easier', async () => {
    const other = await Bitcoind.start();
    const proxy = await RpcProxy.start(other.rpcPort);
    // Six seconds before it is so: by then it must have had the first template.
    const parentTime = Math.floor(Date.now() / 1000) - 1_194;
    proxy.edit = (method, answer) => {
      const easier = method === 'getblocktemplate' && Date.now() / 1000 > parentTime + 1_200;
      return answer?.replace('"chain":"regtest"', '"chain":"testnet4"').replace('207fffff', easier ? '1d00ffff' : '$&');
    };
    try {
      await other.rpc('setmocktime', [parentTime]);
      await other.generate(1);
      await other.rpc('setmocktime', [0]);
      const endpoint = { url: `http://127.0.0.1:${proxy.port}`, cookieFile: other.cookieFile };
      const { node, recorder } = await connect({ endpoint, zmqBlock: other.zmqRawBlock, network: 'testnet4' });
      await waitFor(() => recorder.templates.length === 2);
      expect(recorder.templates.map(({ nbits }) => nbits)).toEqual([0x207fffff, 0x1d00ffff]);
      await node.stop();
    } finally {
      proxy.close();
      await other.stop();
    }
  });

  it('knows which blocks are in the chain of the node', async () => {
    const { node } = await connect();
    const [lost] = await bitcoind.generate(1);
    const wire = (hash: string | undefined) => new Uint8Array(Buffer.from(hash ?? '', 'hex').reverse());
    expect(await node.isInChain(wire(lost))).toBe(true);
    await bitcoind.rpc('invalidateblock', [lost]);
    expect(await node.isInChain(wire(lost))).toBe(false);
    expect(await node.isInChain(new Uint8Array(32).fill(7))).toBe(false);
    await bitcoind.rpc('reconsiderblock', [lost]);
  });

  it('works on a signet without signature, and on no other', async () => {
    const signet = await Bitcoind.start({ chain: 'signet', extraArguments: ['-signetchallenge=51', '-dnsseed=0'] });
    try {
      const { descriptor } = await signet.rpc('getdescriptorinfo', ['raw(51)']);
      // Ends the initial download: the first block of a signet takes a few million hashes.
      await signet.rpc('generatetodescriptor', [1, descriptor, 1_000_000_000]);
      const endpoint = { url: `http://127.0.0.1:${signet.rpcPort}`, cookieFile: signet.cookieFile };
      const { node, recorder } = await connect({ endpoint, zmqBlock: signet.zmqRawBlock, network: 'signet' });
      await waitFor(() => recorder.templates.length > 0);
      expect(recorder.templates[0]).toMatchObject({ height: 2, nbits: 0x1e0377ae });
      expect(recorder.troubles).toEqual([undefined]);
      await node.stop();
    } finally {
      await signet.stop();
    }
    const signed = await Bitcoind.start({ chain: 'signet', extraArguments: ['-connect=0'] });
    try {
      const endpoint = { url: `http://127.0.0.1:${signed.rpcPort}`, cookieFile: signed.cookieFile };
      const { recorder } = await connect({ endpoint, zmqBlock: signed.zmqRawBlock, network: 'signet' });
      expect(recorder.troubles).toEqual(['signet-challenge']);
      expect(recorder.tips).toEqual([]);
    } finally {
      await signed.stop();
    }
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
