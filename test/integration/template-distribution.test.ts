// `sluice template-provider --standalone` on real bitcoinds: what a client is told, what it can ask for, and blocks of what it finds, on
// full blocks, after a killed node and after a killed provider. Tests that repeat a scenario of SRI's own integration suite have its name.
import { connect } from 'node:net';
import { merkleRoot } from '@sluice/bitcoin/merkle';
import { compactToTarget, difficultyOfTarget, targetFromBytes } from '@sluice/bitcoin/target';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import { decodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import { nobleEc } from '@sluice/noise/noble-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { RequestTransactionDataError } from '@sluice/sv2/messages/template-distribution/request-transaction-data-error';
import { RequestTransactionDataSuccess } from '@sluice/sv2/messages/template-distribution/request-transaction-data-success';
import { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { afterEach, describe, expect, it } from 'vitest';
import type { Received } from '../../packages/server/test/support/test-peer.ts';
import {
  solve,
  TestTemplateClient,
  type Work,
} from '../../services/template-provider/test/support/test-template-client.ts';
import { Bitcoind } from '../support/bitcoind.ts';
import { fillMempool, fundWallet, largeTransactions, sendPayments, sendSinglePayments } from '../support/mempool.ts';
import { TemplateServer, type TemplateSource } from '../support/template-server.ts';
import { waitFor } from '../support/wait-for.ts';

const PAYMENTS = 1_000;
const OUTPUT_BYTES = 31;
const FAIL_OVER_MS = 2_000;
const WAIT_MS = 30_000;

const display = (hash: Uint8Array) => Buffer.from(hash).reverse().toString('hex');

class Provider {
  readonly server: TemplateServer;
  readonly #clients: TestTemplateClient[] = [];

  private constructor(server: TemplateServer) {
    this.server = server;
  }

  static async start(source: TemplateSource): Promise<Provider> {
    return new Provider(await TemplateServer.start(source));
  }

  async client(size: number, sigops = 0): Promise<TestTemplateClient> {
    const { client } = await this.connected();
    client.constrain(size, sigops);
    return client;
  }

  async connected(): Promise<{ readonly client: TestTemplateClient }> {
    const authorityKey = decodeAuthorityPublicKey(this.server.authorityKey);
    if (authorityKey === undefined) throw new Error('no authority key');
    const options = { ec: nobleEc, aead: wasmAead(), now: Math.floor(Date.now() / 1000), authorityKey };
    const client = new TestTemplateClient(connect(this.server.port, '127.0.0.1'), options, WAIT_MS);
    this.#clients.push(client);
    await client.handshake();
    await client.setup();
    return { client };
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#clients) socket.destroy();
    await this.server.stop();
  }
}

/** What is told next that has this many hashes to fold or more: until then the client follows. */
async function workOf(client: TestTemplateClient, hashes: number): Promise<Work> {
  let work = await client.begin();
  while (work.template.merklePath.length < hashes) {
    const { declared, value } = await client.next();
    if (declared === TemplateSetNewPrevHash) work = { ...work, tip: value as TemplateSetNewPrevHash };
    if (declared === NewTemplate) work = { ...work, template: value as NewTemplate };
  }
  return work;
}

describe('template distribution on a real bitcoind', () => {
  const nodes: Bitcoind[] = [];
  const providers: Provider[] = [];

  afterEach(async () => {
    for (const provider of providers.splice(0)) await provider.stop();
    for (const node of nodes.splice(0)) await node.stop();
  });

  async function node(options: Parameters<typeof Bitcoind.start>[0] = {}): Promise<Bitcoind> {
    const started = await Bitcoind.start(options);
    nodes.push(started);
    return started;
  }

  async function provide(source: TemplateSource): Promise<Provider> {
    const provider = await Provider.start(source);
    providers.push(provider);
    return provider;
  }

  const isTip = (bitcoind: Bitcoind, hash: Uint8Array) =>
    waitFor(async () => (await bitcoind.rpc('getbestblockhash')) === display(hash));

  it(`gives a template of ${PAYMENTS} transactions, those transactions, and makes a block of them`, async () => {
    const bitcoind = await node();
    await fundWallet(bitcoind);
    await sendSinglePayments(bitcoind, PAYMENTS);
    const provider = await provide({ nodes: [bitcoind] });
    const client = await provider.client(100, 4);
    const work = await workOf(client, 10);
    const asked = performance.now();
    client.send(RequestTransactionData, { templateId: work.template.templateId });
    const success = await client.expect(RequestTransactionDataSuccess);
    console.info(`the transactions took ${(performance.now() - asked).toFixed(1)} ms`);
    expect(success.transactionList).toHaveLength(PAYMENTS);
    const txids = success.transactionList.map((bytes) => decodeTransaction(bytes)?.txid as Uint8Array);
    const mempool: string[] = await bitcoind.rpc('getrawmempool');
    expect(txids.map(display).sort()).toEqual(mempool.sort());

    const { solution, hash } = solve(work);
    const coinbase = decodeTransaction(solution.coinbaseTx)?.txid as Uint8Array;
    client.send(SubmitSolution, solution);
    await isTip(bitcoind, hash);
    const block = await bitcoind.rpc('getblock', [display(hash)]);
    expect(block.nTx).toBe(1 + PAYMENTS);
    expect(block.merkleroot).toBe(display(merkleRoot([coinbase, ...txids])));
    const next = await client.begin();
    expect(display(next.tip.prevHash)).toBe(display(hash));
  });

  it('leaves room for 20 kB of outputs in a full block, which bitcoind accepts', async () => {
    const bitcoind = await node({ extraArguments: largeTransactions });
    await fundWallet(bitcoind);
    await fillMempool(bitcoind, 4_200_000);
    const provider = await provide({ nodes: [bitcoind] });
    const [small, large] = [await provider.client(100, 4), await provider.client(20_000, 4)];
    const [full, work] = [await workOf(small, 6), await workOf(large, 6)];
    const lost = full.template.coinbaseTxValueRemaining - work.template.coinbaseTxValueRemaining;
    expect(lost).toBeGreaterThan(0n);
    const script = Uint8Array.of(0x00, 0x14, ...new Uint8Array(20).fill(7));
    const count = Math.floor(20_000 / OUTPUT_BYTES);
    const value = work.template.coinbaseTxValueRemaining / BigInt(count);
    const outputs = Array.from({ length: count }, () => ({ script, value }));
    const { solution, hash } = solve(work, { coinbase: { outputs } });
    large.send(SubmitSolution, solution);
    await isTip(bitcoind, hash);
    const block = await bitcoind.rpc('getblock', [display(hash)]);
    console.info(
      `a block of ${block.weight} weight units, ${block.nTx} transactions; the small client had ${lost} sat more`,
    );
    expect(block.weight).toBeGreaterThan(3_700_000);
    expect(block.weight).toBeLessThanOrEqual(4_000_000);
  });

  it('goes on with the other node when one is killed, and keeps its clients', async () => {
    const first = await node();
    await first.generate(10);
    const second = await node({ peers: [first] });
    await waitFor(async () => (await second.rpc('getblockcount')) === 10);
    await waitFor(async () => (await first.rpc('getconnectioncount')) > 0);
    const provider = await provide({ nodes: [first, second] });
    const client = await provider.client(100);
    const work = await client.begin();
    const killed = performance.now();
    await first.kill('SIGKILL');
    const update = await client.next();
    expect(update.declared).toBe(NewTemplate);
    console.info(`the template of the other node came after ${(update.atMs - killed).toFixed(0)} ms`);
    expect(update.atMs - killed).toBeLessThan(FAIL_OVER_MS);

    const mined = performance.now();
    const [hash] = await second.generate(1);
    let told = await client.next();
    while (told.declared !== TemplateSetNewPrevHash) told = await client.next();
    console.info(`a tip of the other node came ${(told.atMs - mined).toFixed(0)} ms after it was asked to mine`);
    expect(display((told.value as unknown as TemplateSetNewPrevHash).prevHash)).toBe(hash);
    expect(told.atMs - mined).toBeLessThan(FAIL_OVER_MS);
    expect(client.closed).toBe(false);
    // Of the dead node's template, on the last tip: the other one decides.
    const late = solve(work);
    client.send(SubmitSolution, late.solution);
    await waitFor(async () => {
      const tips: { readonly hash: string }[] = await second.rpc('getchaintips');
      return tips.some(({ hash: tip }) => tip === display(late.hash));
    });
  });

  it('takes solutions of templates that it told before it was killed', async () => {
    const bitcoind = await node();
    await fundWallet(bitcoind, 5);
    await sendPayments(bitcoind, 20);
    const provider = await provide({ nodes: [bitcoind] });
    const work = await workOf(await provider.client(100), 5);
    // As many of the payments as the node puts into a block.
    const { transactions } = await bitcoind.rpc('getblocktemplate', [{ rules: ['segwit'] }]);
    expect(transactions.length).toBeGreaterThan(10);
    await provider.server.process.kill('SIGKILL');
    await provider.server.launch();
    const { client } = await provider.connected();
    const { solution, hash } = solve(work);
    client.send(SubmitSolution, solution);
    await isTip(bitcoind, hash);
    expect((await bitcoind.rpc('getblock', [display(hash)])).nTx).toBe(1 + transactions.length);
    client.constrain(100);
    expect((await client.begin()).template.templateId).toBeGreaterThan(work.template.templateId);
  });

  it('tdp_io_integration_v30x, tdp_io_integration_v31x: transactions of a template, of none, and of one that is stale', async () => {
    const bitcoind = await node();
    await bitcoind.generate(1);
    const client = await (await provide({ nodes: [bitcoind] })).client(2, 2);
    const { templateId } = (await client.begin()).template;
    const ask = async (id: bigint): Promise<Received> => {
      client.send(RequestTransactionData, { templateId: id });
      for (;;) {
        const message = await client.next();
        if (message.declared !== NewTemplate && message.declared !== TemplateSetNewPrevHash) return message;
      }
    };
    expect(await ask(templateId)).toMatchObject({ name: RequestTransactionDataSuccess.name, value: { templateId } });
    const unknown = 0xffff_ffff_ffff_ffffn;
    expect(await ask(unknown)).toMatchObject({
      name: RequestTransactionDataError.name,
      value: { templateId: unknown, errorCode: 'template-id-not-found' },
    });
    const newTip = async () => {
      const [hash = ''] = await bitcoind.generate(1);
      for (;;) {
        const { declared, value } = await client.next();
        if (declared === TemplateSetNewPrevHash && display(value.prevHash as Uint8Array) === hash) return;
      }
    };
    await newTip();
    expect(await ask(templateId)).toMatchObject({ name: RequestTransactionDataSuccess.name, value: { templateId } });
    // Of the last tip they are given for ten seconds, of the one before it no more.
    await newTip();
    expect(await ask(templateId)).toMatchObject({
      name: RequestTransactionDataError.name,
      value: { templateId, errorCode: 'stale-template-id' },
    });
  });

  /** As SetNewPrevHash tells the target of the next block, in both of its forms. */
  async function difficultyTold(source: TemplateSource): Promise<number> {
    const { tip } = await (await (await provide(source)).client(100)).begin();
    const target = targetFromBytes(tip.target);
    expect(target).toBe(compactToTarget(tip.nBits));
    return difficultyOfTarget(target);
  }

  it('tp_low_diff: the difficulty of a regtest', async () => {
    const bitcoind = await node();
    await bitcoind.generate(1);
    const { difficulty } = await bitcoind.rpc('getblockchaininfo');
    expect(difficulty).toBeCloseTo(4.656542373906925e-10, 20);
    expect(await difficultyTold({ nodes: [bitcoind] })).toBeCloseTo(difficulty, 20);
  });

  it('tp_mid_diff: the difficulty of a signet', async () => {
    const signet = await node({ chain: 'signet', extraArguments: ['-signetchallenge=51', '-dnsseed=0'] });
    const { descriptor } = await signet.rpc('getdescriptorinfo', ['raw(51)']);
    // Ends the initial download: the first block of a signet takes a few million hashes.
    await signet.rpc('generatetodescriptor', [1, descriptor, 1_000_000_000]);
    const { difficulty } = await signet.rpc('getblockchaininfo');
    expect(difficulty).toBeCloseTo(0.001126515290698186, 12);
    expect(await difficultyTold({ nodes: [signet], network: 'signet' })).toBeCloseTo(difficulty, 12);
  });

  it('tp_high_diff: a difficulty at which no block is found here, of the simulated chain', async () => {
    expect(await difficultyTold({ simulatedNbits: '1b00d7c0' })).toBeCloseTo(77761.1123986095, 6);
  });
});
