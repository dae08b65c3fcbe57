import { witnessCommitment } from '@sluice/bitcoin/coinbase';
import { sha256d } from '@sluice/bitcoin/hash';
import { describe, expect, it } from 'vitest';
import type { BlockTemplate, TemplateTransaction } from '../src/block-template.ts';
import { prepareTemplate } from '../src/prepare-template.ts';
import { decodeTemplateBody } from '../src/template-body.ts';

/** Weight of all in a block but its transactions and our outputs [sv2 7.1]. */
const FIXED_WEIGHT = 1168;
const SUBSIDY = 312_500_000n;

function transaction(fill: number, changes: Partial<TemplateTransaction> = {}): TemplateTransaction {
  const txid = new Uint8Array(32).fill(fill);
  const wtxid = new Uint8Array(32).fill(fill + 100);
  return {
    data: new Uint8Array(10).fill(fill),
    txid,
    wtxid,
    fee: BigInt(fill),
    sigopsCost: 4,
    weight: 400,
    ...changes,
  };
}

function template(transactions: readonly TemplateTransaction[], changes: Partial<BlockTemplate> = {}): BlockTemplate {
  return {
    height: 900_001,
    previousBlockHash: new Uint8Array(32).fill(9),
    version: 0x20000000,
    nbits: 0x17020000,
    minTime: 1_700_000_000,
    currentTime: 1_700_000_100,
    coinbaseValue: SUBSIDY + transactions.reduce((sum, { fee }) => sum + fee, 0n),
    weightLimit: 4_000_000,
    sigopsCostLimit: 80_000,
    transactions,
    ...changes,
  };
}

const none = { outputsSize: 0, outputsSigops: 0 };
const three = [transaction(1), transaction(2), transaction(3)];
const hashPair = (left: Uint8Array, right: Uint8Array) => sha256d(Uint8Array.of(...left, ...right));

describe('prepareTemplate', () => {
  it('keeps every transaction that fits', () => {
    const prepared = prepareTemplate(template(three), none);
    expect(prepared).toMatchObject({
      transactionCount: 3,
      fees: 6n,
      weight: 1_200,
      sigopsCost: 12,
      coinbaseValue: SUBSIDY + 6n,
      coinbaseLocktime: 900_000,
      coinbaseSequence: 0xfffffffe,
    });
    expect(decodeTemplateBody(prepared.body)).toEqual(three.map(({ data }) => data));
  });

  it.each([
    ['weight', { weightLimit: FIXED_WEIGHT + 1_200 + 4 * 31 }, { outputsSize: 31, outputsSigops: 0 }],
    ['signature operations', { sigopsCostLimit: 12 + 4 * 2 }, { outputsSize: 31, outputsSigops: 2 }],
  ])('drops from the end what our outputs leave no %s for', (_, limits, reserve) => {
    const atLimit = prepareTemplate(template(three, limits), reserve);
    expect(atLimit.transactionCount).toBe(3);
    const [name, limit] = Object.entries(limits)[0] as [string, number];
    const prepared = prepareTemplate(template(three, { ...limits, [name]: limit - 1 }), reserve);
    expect(prepared).toMatchObject({
      transactionCount: 2,
      fees: 3n,
      weight: 800,
      sigopsCost: 8,
      coinbaseValue: SUBSIDY + 3n,
    });
    expect(decodeTemplateBody(prepared.body)).toEqual(three.slice(0, 2).map(({ data }) => data));
  });

  it('never keeps a transaction behind one that was dropped, which it may spend', () => {
    const heavy = [transaction(1), transaction(2, { weight: 3_999_000 }), transaction(3)];
    expect(prepareTemplate(template(heavy), none)).toMatchObject({ transactionCount: 1, fees: 1n });
  });

  it('makes merkle path and witness commitment of those that stayed', () => {
    const two = three.slice(0, 2);
    const prepared = prepareTemplate(template(three, { weightLimit: FIXED_WEIGHT + 800 }), none);
    const [first, second] = two.map(({ txid }) => txid) as [Uint8Array, Uint8Array];
    // A level of three is filled up with its last.
    expect(prepared.merklePath).toEqual([first, hashPair(second, second)]);
    expect(prepared.coinbaseOutputs.subarray(15)).toEqual(witnessCommitment(two.map(({ wtxid }) => wtxid)));
    expect(prepared.coinbaseOutputsCount).toBe(1);
  });

  it('leaves a block of the coinbase alone when nothing fits', () => {
    const prepared = prepareTemplate(template(three, { weightLimit: FIXED_WEIGHT }), none);
    expect(prepared).toMatchObject({ transactionCount: 0, fees: 0n, coinbaseValue: SUBSIDY, merklePath: [] });
  });
});
