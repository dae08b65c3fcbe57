// Whether the transactions that a server gave are those of the template that it told: a template is work for nothing when they are not.
// Pure.
import { committedWitness, witnessCommitment } from '@sluice/bitcoin/coinbase';
import { coinbaseMerklePath } from '@sluice/bitcoin/merkle';
import { equalBytes } from '@sluice/bitcoin/serialize';
import { decodeOutputs, decodeTransaction, type TransactionOutput } from '@sluice/bitcoin/transaction';
import type { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import type { CoinbaseReserve } from '../prepare-template.ts';
import { encodeTemplateBody } from '../template-body.ts';
import { LARGEST_RESERVE } from '../template-distribution/reserves.ts';

/** The transactions of a template, found right. */
export interface CheckedTransactions {
  readonly transactionCount: number;
  /** Weight units. */
  readonly weight: number;
  /** As template-body.ts makes it. */
  readonly body: Uint8Array;
}

/** `coinbase_tx` of a solution is a B0_64K [sv2 7.7]. */
const MAX_COINBASE_BYTES = 65_535;
/** All of a coinbase but its outputs, with a script of 100 bytes and the witness [sv2 7.1], rounded up. */
const COINBASE_BYTES_BESIDE_OUTPUTS = 256;
/** Of the witness commitment, whose room every template has [sv2 7.1]. */
const COMMITMENT_BYTES = 47;

/** In words what is wrong, for the operator. `transactions` are only read during the call. */
export function checkTransactions(
  template: NewTemplate,
  transactions: readonly Uint8Array[],
  reserve: CoinbaseReserve,
): CheckedTransactions | string {
  const { coinbaseTxOutputs, coinbaseTxOutputsCount, merklePath } = template;
  const outputs = decodeOutputs(coinbaseTxOutputs, coinbaseTxOutputsCount);
  if (outputs === undefined) return `coinbase_tx_outputs are not ${coinbaseTxOutputsCount} outputs`;
  const txids: Uint8Array[] = [];
  const wtxids: Uint8Array[] = [];
  let weight = 0;
  for (const bytes of transactions) {
    const transaction = decodeTransaction(bytes);
    if (transaction === undefined) return 'a transaction that cannot be read';
    txids.push(transaction.txid);
    wtxids.push(transaction.wtxid);
    weight += transaction.weight;
  }
  if (!sameHashes(coinbaseMerklePath(txids), merklePath)) return 'the transactions do not make the merkle path';
  // A tree of odd length has the same root with its last leaves twice [CVE-2012-2459].
  if (new Set(txids.map(keyOf)).size < txids.length) return 'a transaction stands in it twice';
  return (
    witnessFault(outputs, txids, wtxids) ??
    roomFault(coinbaseTxOutputs, weight, reserve) ?? {
      transactionCount: transactions.length,
      weight,
      body: encodeTemplateBody(transactions.map((data) => ({ data }))),
    }
  );
}

function witnessFault(
  outputs: readonly TransactionOutput[],
  txids: readonly Uint8Array[],
  wtxids: readonly Uint8Array[],
): string | undefined {
  const committed = committedWitness(outputs);
  if (committed === undefined)
    return sameHashes(txids, wtxids) ? undefined : 'there is no commitment to the witnesses of its transactions';
  return equalBytes(committed, witnessCommitment(wtxids))
    ? undefined
    : 'the witness commitment is of other transactions';
}

/** A server that forgets what was asked for makes blocks that are too large. */
function roomFault(outputs: Uint8Array, weight: number, { outputsSize }: CoinbaseReserve): string | undefined {
  const ours = outputsSize + Math.max(0, outputs.length - COMMITMENT_BYTES);
  if (weight + 4 * ours > 4 * LARGEST_RESERVE.outputsSize)
    return `it leaves no room for ${outputsSize} bytes of outputs`;
  const coinbase = COINBASE_BYTES_BESIDE_OUTPUTS + outputsSize + outputs.length;
  return coinbase > MAX_COINBASE_BYTES ? 'its coinbase would be too large for a solution' : undefined;
}

const keyOf = (hash: Uint8Array) => Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('latin1');

function sameHashes(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((hash, index) => equalBytes(hash, b[index]!));
}
