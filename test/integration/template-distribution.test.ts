// `sluice template-provider --standalone` on real bitcoinds: what a client is told, what it can ask for, and blocks of what it finds, on
// full blocks, after a killed node and after a killed provider.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { merkleRoot } from '@sluice/bitcoin/merkle';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import { openAuthorityKey } from '@sluice/cli/authority-keystore';
import { decodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import { nobleEc } from '@sluice/noise/noble-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { RequestTransactionDataSuccess } from '@sluice/sv2/messages/template-distribution/request-transaction-data-success';
import { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { afterEach, describe, expect, it } from 'vitest';
import {
  solve,
  TestTemplateClient,
  type Work,
} from '../../services/template-provider/test/support/test-template-client.ts';
import { Bitcoind } from '../support/bitcoind.ts';
import { freePort } from '../support/free-port.ts';
import { fillMempool, fundWallet, largeTransactions, sendPayments, sendSinglePayments } from '../support/mempool.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

const PAYMENTS = 1_000;
const OUTPUT_BYTES = 31;
const FAIL_OVER_MS = 2_000;
const WAIT_MS = 30_000;

const display = (hash: Uint8Array) => Buffer.from(hash).reverse().toString('hex');

class Provider {
  readonly directory = mkdtempSync(join(tmpdir(), 'sluice-distribution-'));
  readonly process: ServiceProcess;
  readonly #port: number;
  readonly #authorityKey: Uint8Array | undefined;
  readonly #clients: TestTemplateClient[] = [];

  private constructor(nodes: readonly Bitcoind[], port: number, healthPort: number) {
    this.#port = port;
    const key = join(this.directory, 'authority.key');
    this.#authorityKey = decodeAuthorityPublicKey(openAuthorityKey(key).text);
    const urls = nodes.flatMap(({ rpcPort, cookieFile, zmqRawBlock }) => {
      const query = new URLSearchParams({ cookie: cookieFile, zmq: zmqRawBlock });
      return ['--bitcoind', `http://127.0.0.1:${rpcPort}/?${query}`];
    });
    this.process = new ServiceProcess({
      name: 'template-provider',
      command: 'template-provider',
      flags: [
        ...['--standalone', '--network', 'regtest', ...urls],
        ...['--template-listen', `127.0.0.1:${port}`, '--authority-secret-file', key],
        ...['--solution-listen', '127.0.0.1:0', '--template-poll', '1', '--template-refresh', '1'],
      ],
      healthPort,
      directory: this.directory,
    });
  }

  static async start(...nodes: readonly Bitcoind[]): Promise<Provider> {
    const provider = new Provider(nodes, await freePort(), await freePort());
    await provider.start();
    return provider;
  }

  async start(): Promise<void> {
    this.process.launch();
    await this.process.ready();
  }

  async client(size: number, sigops = 0): Promise<TestTemplateClient> {
    const { client } = await this.connected();
    client.constrain(size, sigops);
    return client;
  }

  async connected(): Promise<{ readonly client: TestTemplateClient }> {
    if (this.#authorityKey === undefined) throw new Error('no authority key');
    const options = {
      ec: nobleEc,
      aead: wasmAead(),
      now: Math.floor(Date.now() / 1000),
      authorityKey: this.#authorityKey,
    };
    const client = new TestTemplateClient(connect(this.#port, '127.0.0.1'), options, WAIT_MS);
    this.#clients.push(client);
    await client.handshake();
    await client.setup();
    return { client };
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#clients) socket.destroy();
    await this.process.kill('SIGTERM');
    rmSync(this.directory, { recursive: true, force: true });
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

  async function provide(...of: readonly Bitcoind[]): Promise<Provider> {
    const provider = await Provider.start(...of);
    providers.push(provider);
    return provider;
  }

  const isTip = (bitcoind: Bitcoind, hash: Uint8Array) =>
    waitFor(async () => (await bitcoind.rpc('getbestblockhash')) === display(hash));

  it(`gives a template of ${PAYMENTS} transactions, those transactions, and makes a block of them`, async () => {
    const bitcoind = await node();
    await fundWallet(bitcoind);
    await sendSinglePayments(bitcoind, PAYMENTS);
    const provider = await provide(bitcoind);
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
    const provider = await provide(bitcoind);
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
    const provider = await provide(first, second);
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
    const provider = await provide(bitcoind);
    const work = await workOf(await provider.client(100), 5);
    await provider.process.kill('SIGKILL');
    await provider.start();
    const { client } = await provider.connected();
    const { solution, hash } = solve(work);
    client.send(SubmitSolution, solution);
    await isTip(bitcoind, hash);
    expect((await bitcoind.rpc('getblock', [display(hash)])).nTx).toBe(21);
    client.constrain(100);
    expect((await client.begin()).template.templateId).toBeGreaterThan(work.template.templateId);
  });
});
