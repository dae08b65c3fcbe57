import { coinbaseTxid, encodeOutput, witnessCoinbase } from '@sluice/bitcoin/coinbase';
import { scriptFor, scriptSigops } from '@sluice/bitcoin/script';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildJobCoinbase, emptyTemplate, splitValue } from '../src/build-job.ts';
import { DUST, jobPaying, LARGEST_MINER_OUTPUT, MAX_POOL_PERCENT, minerPayout, payMiner } from '../src/miner-payout.ts';
import { job } from './work.ts';

const MINER = 'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr';
const miner = scriptFor(MINER, 'mainnet');
const pool = scriptFor('1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH', 'mainnet');
const fee = scriptFor('3P14159f73E4gFr7JterCCQh9QjiTjiZrG', 'mainnet');
const TAG = Buffer.from('/test/');

function coinbase(value: bigint, weights: readonly number[] = [1]) {
  const payouts = weights.map((weight, index) => ({ script: index === 0 ? pool : fee, weight }));
  return buildJobCoinbase({ ...emptyTemplate(900_000, 'mainnet'), coinbaseValue: value }, 16, { payouts, tag: TAG });
}

/** The outputs of a coinbase with this suffix, which must be a transaction that differs from the pool's in nothing else. */
function outputsOf({ coinbasePrefix, coinbaseSuffix }: ReturnType<typeof coinbase>, suffix: Uint8Array | undefined) {
  if (suffix === undefined) throw new Error('no coinbase');
  const decoded = [coinbaseSuffix, suffix].map((one) =>
    decodeTransaction(Buffer.concat([coinbasePrefix, new Uint8Array(20).fill(7), one])),
  );
  const [ours, paid] = decoded;
  if (ours === undefined || paid === undefined) throw new Error('no transaction');
  expect({ ...paid.inputs[0], locktime: paid.locktime }).toEqual({ ...ours.inputs[0], locktime: ours.locktime });
  const commitment = paid.outputs.at(-1);
  expect(commitment).toEqual(ours.outputs.at(-1));
  expect(commitment?.value).toBe(0n);
  witnessCoinbase(paid.bytes);
  return paid.outputs.slice(0, -1).map(({ value, script }) => [Buffer.from(script).toString('hex'), value]);
}

const hex = (script: Uint8Array) => Buffer.from(script).toString('hex');

describe('payMiner', () => {
  it('pays all to the miner', () => {
    const ours = coinbase(312_512_345n);
    const paid = payMiner(ours.coinbaseSuffix, { script: miner, poolPercent: 0 });
    expect(outputsOf(ours, paid)).toEqual([[hex(miner), 312_512_345n]]);
  });

  it('gives the pool its per cent, rounded down, and first', () => {
    const ours = coinbase(10_000_000_019n);
    const paid = payMiner(ours.coinbaseSuffix, { script: miner, poolPercent: 5 });
    expect(outputsOf(ours, paid)).toEqual([
      [hex(pool), 500_000_000n],
      [hex(miner), 9_500_000_019n],
    ]);
  });

  it('splits the part of the pool as the pool splits its blocks', () => {
    const ours = coinbase(1_000_000n, [9, 1]);
    const paid = payMiner(ours.coinbaseSuffix, { script: miner, poolPercent: 10 });
    expect(outputsOf(ours, paid)).toEqual([
      [hex(pool), 90_000n],
      [hex(fee), 10_000n],
      [hex(miner), 900_000n],
    ]);
  });

  it('makes no output of the pool below dust', () => {
    const tiny = coinbase(5_459n);
    expect(outputsOf(tiny, payMiner(tiny.coinbaseSuffix, { script: miner, poolPercent: 10 }))).toEqual([
      [hex(miner), 5_459n],
    ]);
    const enough = coinbase(5_460n);
    expect(outputsOf(enough, payMiner(enough.coinbaseSuffix, { script: miner, poolPercent: 10 }))).toEqual([
      [hex(pool), 546n],
      [hex(miner), 4_914n],
    ]);
    const uneven = coinbase(10_000n, [1, 99]);
    expect(outputsOf(uneven, payMiner(uneven.coinbaseSuffix, { script: miner, poolPercent: 10 }))).toEqual([
      [hex(fee), 1_000n],
      [hex(miner), 9_000n],
    ]);
    const nothing = coinbase(0n);
    expect(outputsOf(nothing, payMiner(nothing.coinbaseSuffix, { script: miner, poolPercent: 10 }))).toEqual([
      [hex(miner), 0n],
    ]);
  });

  it('conserves every satoshi, whatever the value, the weights and the percentage', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2_100_000_000_000_000n }),
        fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: MAX_POOL_PERCENT }),
        (value, weights, poolPercent) => {
          const ours = coinbase(value, weights);
          const outputs = outputsOf(ours, payMiner(ours.coinbaseSuffix, { script: miner, poolPercent }));
          const part = (value * BigInt(poolPercent)) / 100n;
          expect(outputs.pop()).toEqual([hex(miner), part < DUST ? value : value - part]);
          const values = outputs.map(([, amount]) => amount as bigint);
          expect(values.reduce((sum, amount) => sum + amount, 0n)).toBe(part < DUST ? 0n : part);
          expect(values.every((amount) => amount >= DUST)).toBe(true);
          if (part >= DUST * 10_000n) {
            const payouts = weights.map((weight, index) => ({ script: index === 0 ? pool : fee, weight }));
            for (const [index, own] of splitValue(part, payouts).entries()) {
              const difference = own.value - (values[index] ?? 0n);
              expect(difference < 16n && difference > -16n).toBe(true);
            }
          }
        },
      ),
    );
  });

  it('is undefined for what is no coinbase of the pool', () => {
    const payout = { script: miner, poolPercent: 0 };
    const { coinbaseSuffix } = coinbase(1n);
    for (let length = 0; length < coinbaseSuffix.length; length += 1) {
      expect(payMiner(coinbaseSuffix.subarray(0, length), payout)).toBeUndefined();
    }
    expect(payMiner(Buffer.concat([coinbaseSuffix, Uint8Array.of(0)]), payout)).toBeUndefined();
    const commitment = encodeOutput({ value: 0n, script: Uint8Array.of(0x6a) });
    expect(payMiner(Buffer.concat([new Uint8Array(4), Uint8Array.of(1), commitment, new Uint8Array(4)]), payout)).toBe(
      undefined,
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void payMiner(bytes, payout)));
  });
});

describe('a payout', () => {
  it('is an address of the network and a per cent that leaves the miner something', () => {
    expect(minerPayout(MINER, 99, 'mainnet')).toEqual({ script: miner, poolPercent: 99 });
    expect(minerPayout(MINER, 100, 'mainnet')).toBeUndefined();
    expect(minerPayout(MINER, 0, 'regtest')).toBeUndefined();
    expect(minerPayout('raw(51)', 0, 'regtest')).toBeUndefined();
  });

  it('has the room that is kept for it, whatever the kind of address', () => {
    const room = encodeOutput({ value: 0n, script: LARGEST_MINER_OUTPUT.script }).length;
    for (const script of [miner, pool, fee, scriptFor('bc1qtzqxqaxyy6lda2fhdtp5dp0v56vlf6g0tljy2x', 'mainnet')]) {
      expect(encodeOutput({ value: 0n, script }).length).toBeLessThanOrEqual(room);
      expect(scriptSigops(script)).toBeLessThanOrEqual(scriptSigops(LARGEST_MINER_OUTPUT.script));
    }
  });

  it('changes the suffix of a job and nothing else', () => {
    const work = job(16, 3);
    const paid = jobPaying(work, { script: miner, poolPercent: 0 });
    if (paid === undefined) throw new Error('no job');
    expect({ ...paid, coinbaseSuffix: work.coinbaseSuffix }).toEqual(work);
    const txid = (suffix: Uint8Array) => coinbaseTxid(Buffer.concat([work.coinbasePrefix, new Uint8Array(20), suffix]));
    expect(txid(paid.coinbaseSuffix)).not.toEqual(txid(work.coinbaseSuffix));
  });
});
