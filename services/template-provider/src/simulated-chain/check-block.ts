// The rules that the simulated chain holds a block to, in the order and words of Bitcoin Core's validation.cpp; what needs
// the coins of the chain is in open-coins.ts. Each check gives the reason of a refusal or nothing.
import type { Block } from '@sluice/bitcoin/block';
import { MAX_FUTURE_SECONDS } from '@sluice/bitcoin/chain';
import { committedWitness, encodeHeightPush, MAX_COINBASE_SCRIPT } from '@sluice/bitcoin/coinbase';
import { foldMerklePath, merkleRoot } from '@sluice/bitcoin/merkle';
import type { Network } from '@sluice/bitcoin/network';
import { scriptSigops } from '@sluice/bitcoin/script';
import { equalBytes } from '@sluice/bitcoin/serialize';
import { compactToTarget, targetFromBytes } from '@sluice/bitcoin/target';
import type { Transaction } from '@sluice/bitcoin/transaction';
import { type IndexedBlock, medianTimeOf, minimumTimeOn } from './block-index.ts';

export const MAX_BLOCK_WEIGHT = 4_000_000;
export const MAX_BLOCK_SIGOPS_COST = 80_000;
const LEGACY_SIGOP_COST = 4;
const MAX_MONEY = 2_100_000_000_000_000n;
/** Lock times below are heights, from it on Unix seconds. */
const LOCKTIME_THRESHOLD = 500_000_000;
const FINAL_SEQUENCE = 0xffffffff;
const MIN_BLOCK_VERSION = 4;

/** Whether the hash is the work that the block's own nBits ask for. */
export function hasWork({ hash, header }: Block): boolean {
  try {
    return targetFromBytes(hash) <= compactToTarget(header.nbits);
  } catch {
    return false;
  }
}

/** What the block alone shows. */
export function checkBlock({ header, transactions, weight }: Block): string | undefined {
  const [coinbase, ...rest] = transactions;
  if (coinbase === undefined) return 'bad-blk-length';
  const txids = transactions.map(({ txid }) => txid);
  if (!equalBytes(merkleRoot(txids), header.merkleRoot)) return 'bad-txnmrklroot';
  // Two trees of different transactions can have one root when a transaction stands twice (CVE-2012-2459).
  if (new Set(txids.map((txid) => Buffer.from(txid).toString('hex'))).size !== txids.length)
    return 'bad-txns-duplicate';
  if (!isCoinbase(coinbase)) return 'bad-cb-missing';
  if (rest.some(isCoinbase)) return 'bad-cb-multiple';
  const script = coinbase.inputs[0]!.script;
  if (script.length < 2 || script.length > MAX_COINBASE_SCRIPT) return 'bad-cb-length';
  for (const transaction of transactions) {
    if (transaction.outputs.length === 0) return 'bad-txns-vout-empty';
    if (transaction.outputs.some(({ value }) => value > MAX_MONEY)) return 'bad-txns-vout-toolarge';
    if (sumOf(transaction) > MAX_MONEY) return 'bad-txns-txouttotal-toolarge';
  }
  if (weight > MAX_BLOCK_WEIGHT) return 'bad-blk-weight';
  if (transactions.reduce((sum, transaction) => sum + sigopsCost(transaction), 0) > MAX_BLOCK_SIGOPS_COST) {
    return 'bad-blk-sigops';
  }
  return undefined;
}

/** What the header must be on its parent; `now` in Unix seconds. */
export function checkHeaderOn(
  parent: IndexedBlock,
  { header }: Block,
  now: number,
  network: Network,
): string | undefined {
  if (header.nbits !== parent.childNbits) return 'bad-diffbits';
  if (header.ntime <= medianTimeOf(parent)) return 'time-too-old';
  if (header.ntime < minimumTimeOn(parent, network)) return 'time-timewarp-attack';
  if (header.ntime > now + MAX_FUTURE_SECONDS) return 'time-too-new';
  if ((header.version | 0) < MIN_BLOCK_VERSION) return `bad-version(0x${header.version.toString(16).padStart(8, '0')})`;
  return undefined;
}

/** What the transactions must be on the block's parent. */
export function checkTransactionsOn(parent: IndexedBlock, { transactions }: Block): string | undefined {
  const height = parent.height + 1;
  const medianTime = medianTimeOf(parent);
  if (!transactions.every((transaction) => isFinal(transaction, height, medianTime))) return 'bad-txns-nonfinal';
  const script = transactions[0]!.inputs[0]!.script;
  const push = encodeHeightPush(height);
  if (!equalBytes(script.subarray(0, push.length), push)) return 'bad-cb-height';
  return checkWitness(transactions);
}

function checkWitness(transactions: readonly Transaction[]): string | undefined {
  const [coinbase, ...rest] = transactions;
  const commitment = committedWitness(coinbase!.outputs);
  if (commitment === undefined) {
    const withWitness = transactions.some(({ inputs }) => inputs.some(({ witness }) => witness.length > 0));
    return withWitness ? 'unexpected-witness' : undefined;
  }
  // bitcoind's submitblock puts a forgotten reserved value in; here whoever forgets it hears of it.
  const [reserved, ...more] = coinbase!.inputs[0]!.witness;
  if (reserved?.length !== 32 || more.length > 0) return 'bad-witness-nonce-size';
  const root = merkleRoot([new Uint8Array(32), ...rest.map(({ wtxid }) => wtxid)]);
  return equalBytes(foldMerklePath(root, [reserved]), commitment) ? undefined : 'bad-witness-merkle-match';
}

function isCoinbase({ inputs }: Transaction): boolean {
  const [input, ...more] = inputs;
  return more.length === 0 && input!.prevIndex === 0xffffffff && input!.prevTxid.every((byte) => byte === 0);
}

function isFinal({ locktime, inputs }: Transaction, height: number, medianTime: number): boolean {
  if (locktime === 0 || locktime < (locktime < LOCKTIME_THRESHOLD ? height : medianTime)) return true;
  return inputs.every(({ sequence }) => sequence === FINAL_SEQUENCE);
}

function sumOf({ outputs }: Transaction): bigint {
  return outputs.reduce((sum, { value }) => sum + value, 0n);
}

/** The legacy part; the coins that this chain lets be spent have no other. */
function sigopsCost({ inputs, outputs }: Transaction): number {
  const scripts = [...inputs, ...outputs].map(({ script }) => scriptSigops(script));
  return LEGACY_SIGOP_COST * scripts.reduce((sum, count) => sum + count, 0);
}

export function coinbaseValue(coinbase: Transaction): bigint {
  return sumOf(coinbase);
}
