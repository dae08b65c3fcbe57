// The simulated chain says of a block what a real bitcoind says of it: same blocks, same answers.

import { hashFromDisplay } from '@sluice/bitcoin/display';
import { subsidy } from '@sluice/bitcoin/network';
import { scriptFor } from '@sluice/bitcoin/script';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import { type PreparedTemplate, prepareTemplate } from '@sluice/template-provider/prepare-template';
import { OPEN_SCRIPT, OpenCoins, openOutputs } from '@sluice/template-provider/simulated-chain/open-coins';
import { TransactionPool } from '@sluice/template-provider/simulated-chain/transaction-pool';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blockOfTemplate } from '../../services/template-provider/test/simulated-chain/block-of-template.ts';
import { wrongBlocks } from '../../services/template-provider/test/simulated-chain/wrong-blocks.ts';
import { Bitcoind } from '../support/bitcoind.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const TRANSACTIONS = 5;

describe('a real bitcoind', () => {
  let node: Bitcoind;

  beforeAll(async () => {
    node = await Bitcoind.start();
    const { descriptor } = await node.rpc('getdescriptorinfo', [`raw(${hex(OPEN_SCRIPT)})`]);
    // The first block's coins are ripe after a hundred more.
    await node.rpc('generatetodescriptor', [101, descriptor]);
  });
  afterAll(() => node?.stop());

  /** The node's template with transactions of the simulated chain in it, which spend a coin that the node knows. */
  async function template(): Promise<PreparedTemplate> {
    const offered = await node.rpc('getblocktemplate', [{ rules: ['segwit'] }]);
    const first = await node.rpc('getblock', [await node.rpc('getblockhash', [1]), 2]);
    const coinbase = decodeTransaction(Uint8Array.from(Buffer.from(first.tx[0].hex, 'hex')))!;
    const pool = new TransactionPool(new OpenCoins(openOutputs(coinbase)), 300, () => 0.5);
    pool.add(TRANSACTIONS);
    const fees = pool.transactions.reduce((sum, { fee }) => sum + fee, 0n);
    expect(offered.coinbasevalue).toBe(Number(subsidy(offered.height, 'regtest')));
    return prepareTemplate(
      {
        height: offered.height,
        previousBlockHash: hashFromDisplay(offered.previousblockhash)!,
        version: offered.version,
        nbits: Number.parseInt(offered.bits, 16),
        minTime: offered.mintime,
        currentTime: offered.curtime,
        coinbaseValue: BigInt(offered.coinbasevalue) + fees,
        weightLimit: offered.weightlimit,
        sigopsCostLimit: offered.sigoplimit,
        transactions: pool.transactions,
      },
      { outputsSize: 500, outputsSigops: 10 },
    );
  }

  async function submit(block: Uint8Array): Promise<string | null> {
    return node.rpc('submitblock', [hex(block)]).catch((error: Error) => error.message);
  }

  test.each(wrongBlocks)('answers %s to a block %s', async (answer, _, wrongs) => {
    const offered = await template();
    expect(await submit(blockOfTemplate(offered, wrongs(offered)))).toEqual(expect.stringContaining(answer));
  });

  test('takes a block with transactions of the simulated chain', async () => {
    const offered = await template();
    expect(await submit(blockOfTemplate(offered))).toBeNull();
    expect(await node.rpc('getblockcount')).toBe(offered.height);
    const block = await node.rpc('getblock', [await node.rpc('getbestblockhash'), 1]);
    expect(block.nTx).toBe(1 + TRANSACTIONS);
  });

  test('knows our descriptors and addresses by the same scripts', async () => {
    const key = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
    for (const bare of [`pkh(${key})`, `wpkh(${key})`, `sh(wpkh(${key}))`, `tr(${key.slice(2)})`]) {
      const { descriptor } = await node.rpc('getdescriptorinfo', [bare]);
      const [address] = await node.rpc('deriveaddresses', [descriptor]);
      const { scriptPubKey } = await node.rpc('validateaddress', [address]);
      expect(hex(scriptFor(descriptor, 'regtest'))).toBe(scriptPubKey);
      expect(hex(scriptFor(address, 'regtest'))).toBe(scriptPubKey);
    }
  });
});
