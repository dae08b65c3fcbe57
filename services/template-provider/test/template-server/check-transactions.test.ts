import { encodeOutput } from '@sluice/bitcoin/coinbase';
import { concatBytes } from '@sluice/bitcoin/serialize';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import { describe, expect, it } from 'vitest';
import { decodeTemplateBody } from '../../src/template-body.ts';
import { checkTransactions } from '../../src/template-server/check-transactions.ts';
import { newTemplate, transaction } from './told-templates.ts';

const reserve = { outputsSize: 1_000, outputsSigops: 16 };
const [a, b, c] = [transaction(1), transaction(2), transaction(3)];
const noOutputs = { coinbaseTxOutputs: new Uint8Array(0), coinbaseTxOutputsCount: 0 };

describe('checkTransactions', () => {
  it.each([[[]], [[a]], [[a, b, c]]])('takes the transactions of the template', (transactions) => {
    const checked = checkTransactions(newTemplate(1, transactions), transactions, reserve);
    if (typeof checked === 'string') throw new Error(checked);
    const weights = transactions.map((bytes) => decodeTransaction(bytes)!.weight);
    expect(checked).toMatchObject({
      transactionCount: transactions.length,
      weight: weights.reduce((sum, weight) => sum + weight, 0),
    });
    expect(decodeTemplateBody(checked.body)).toEqual(transactions);
  });

  it('needs no commitment where no transaction has a witness', () => {
    const bare = [transaction(1, { witness: false })];
    expect(checkTransactions(newTemplate(1, bare, noOutputs), bare, reserve)).toMatchObject({ transactionCount: 1 });
    expect(checkTransactions(newTemplate(1, [], noOutputs), [], reserve)).toMatchObject({ transactionCount: 0 });
  });

  it.each([
    ['another transaction', newTemplate(1, [a, b]), [a, c], 'merkle path'],
    ['another order', newTemplate(1, [a, b]), [b, a], 'merkle path'],
    ['one too few', newTemplate(1, [a, b]), [a], 'merkle path'],
    ['none', newTemplate(1, [a]), [], 'merkle path'],
    ['some for an empty template', newTemplate(1), [a], 'merkle path'],
    ['the last twice, which makes the same tree', newTemplate(1, [a, b]), [a, b, b], 'twice'],
    ['bytes that are none', newTemplate(1, [a]), [a.subarray(1)], 'cannot be read'],
    ['bytes behind one', newTemplate(1, [a]), [concatBytes(a, new Uint8Array(1))], 'cannot be read'],
    ['another witness', newTemplate(1, [a]), [transaction(1, { padding: 1 })], 'witness commitment'],
    ['a witness that nothing commits to', newTemplate(1, [a], noOutputs), [a], 'no commitment'],
    ['outputs that are none', newTemplate(1, [], { coinbaseTxOutputsCount: 2 }), [], '2 outputs'],
  ])('refuses %s', (_, template, transactions, words) => {
    expect(checkTransactions(template, transactions, reserve)).toContain(words);
  });

  it('refuses a template that leaves no room for our outputs', () => {
    // All that a block has beside 40 kB of outputs and what every block has [sv2 7.1], with the longer length of the witness.
    const beside = decodeTransaction(a)!.weight - 40 + 4;
    const full = [transaction(1, { padding: 4_000_000 - 1_168 - 4 * 40_000 - beside - 40 })];
    const template = newTemplate(1, full);
    expect(checkTransactions(template, full, { ...reserve, outputsSize: 40_000 })).toMatchObject({ weight: 3_838_832 });
    expect(checkTransactions(template, full, { ...reserve, outputsSize: 40_001 })).toContain('no room for 40001 bytes');
  });

  it('refuses outputs of the server that make the coinbase too large for a solution', () => {
    const outputs = encodeOutput({ value: 0n, script: new Uint8Array(64_600).fill(0x6a) });
    const template = newTemplate(1, [], { coinbaseTxOutputs: outputs });
    expect(checkTransactions(template, [], { ...reserve, outputsSize: 100 })).toMatchObject({ transactionCount: 0 });
    expect(checkTransactions(template, [], reserve)).toContain('too large for a solution');
  });
});
