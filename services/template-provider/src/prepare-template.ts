// From a node's block template to what the bus carries: transactions dropped from the end until our own coinbase fits,
// then fees, merkle path and witness commitment made anew. Pure, so that it can run in the thread that parsed the template.
import { encodeHeightPush, witnessCommitment, witnessCommitmentScript } from '@sluice/bitcoin/coinbase';
import { coinbaseMerklePath } from '@sluice/bitcoin/merkle';
import type { BlockTemplate, TemplateTransaction } from './block-template.ts';
import { encodeTemplateBody } from './template-body.ts';

/** What the pool adds to the coinbase outputs, the witness commitment not counted [sv2 7.1]. */
export interface CoinbaseReserve {
  /** Serialized bytes of our outputs. */
  readonly outputsSize: number;
  /** Legacy signature operations of our outputs. */
  readonly outputsSigops: number;
}

export interface PreparedTemplate {
  readonly height: number;
  /** 32 bytes, wire order. */
  readonly prevHash: Uint8Array;
  readonly version: number;
  readonly nbits: number;
  readonly minNtime: number;
  readonly currentTime: number;
  readonly coinbaseTxVersion: number;
  /** The BIP34 height push, the first bytes of the coinbase script. */
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseSequence: number;
  /** Subsidy and the fees of the transactions that stayed, in satoshis. */
  readonly coinbaseValue: bigint;
  readonly coinbaseOutputsCount: number;
  /** Serialized outputs that go last: the witness commitment. */
  readonly coinbaseOutputs: Uint8Array;
  readonly coinbaseLocktime: number;
  /** 32-byte hashes, deepest first. */
  readonly merklePath: readonly Uint8Array[];
  readonly transactionCount: number;
  readonly fees: bigint;
  /** Weight of the transactions that stayed, in weight units. */
  readonly weight: number;
  /** Signature operation cost of the transactions that stayed, as BIP141 counts it. */
  readonly sigopsCost: number;
  /** The transactions that stayed, see template-body.ts. */
  readonly body: Uint8Array;
}

/**
 * Weight of all that is not a transaction of the template and not an output of ours: header 320, transaction count 12,
 * coinbase fields 236, its script 400, output count 12, witness commitment 188 [sv2 7.1].
 */
const FIXED_WEIGHT = 1168;

/** BIP54: the coinbase locks to the height before its own and its sequence leaves the lock in force. */
const COINBASE_SEQUENCE = 0xfffffffe;
const COINBASE_VERSION = 2;
/** A legacy operation costs four [BIP141]. */
const LEGACY_SIGOP_COST = 4;

/** How many transactions `prepareTemplate` keeps. */
export const fittingCount = (template: BlockTemplate, reserve: CoinbaseReserve): number =>
  transactionsThatFit(template, reserve).length;

/** The longest run from the front that leaves room for the coinbase; a child never stands before its parent. */
function transactionsThatFit(template: BlockTemplate, reserve: CoinbaseReserve): readonly TemplateTransaction[] {
  let weight = FIXED_WEIGHT + 4 * reserve.outputsSize;
  let sigopsCost = LEGACY_SIGOP_COST * reserve.outputsSigops;
  let count = 0;
  for (const transaction of template.transactions) {
    weight += transaction.weight;
    sigopsCost += transaction.sigopsCost;
    if (weight > template.weightLimit || sigopsCost > template.sigopsCostLimit) break;
    count += 1;
  }
  return count === template.transactions.length ? template.transactions : template.transactions.slice(0, count);
}

export function prepareTemplate(template: BlockTemplate, reserve: CoinbaseReserve): PreparedTemplate {
  const kept = transactionsThatFit(template, reserve);
  let fees = 0n;
  let weight = 0;
  let sigopsCost = 0;
  for (const transaction of kept) {
    fees += transaction.fee;
    weight += transaction.weight;
    sigopsCost += transaction.sigopsCost;
  }
  let droppedFees = 0n;
  for (const transaction of template.transactions.slice(kept.length)) droppedFees += transaction.fee;

  const commitmentScript = witnessCommitmentScript(witnessCommitment(kept.map(({ wtxid }) => wtxid)));
  const output = new Uint8Array(9 + commitmentScript.length);
  output[8] = commitmentScript.length;
  output.set(commitmentScript, 9);

  return {
    height: template.height,
    prevHash: template.previousBlockHash,
    version: template.version,
    nbits: template.nbits,
    minNtime: template.minTime,
    currentTime: template.currentTime,
    coinbaseTxVersion: COINBASE_VERSION,
    coinbasePrefix: encodeHeightPush(template.height),
    coinbaseSequence: COINBASE_SEQUENCE,
    coinbaseValue: template.coinbaseValue - droppedFees,
    coinbaseOutputsCount: 1,
    coinbaseOutputs: output,
    coinbaseLocktime: template.height - 1,
    merklePath: coinbaseMerklePath(kept.map(({ txid }) => txid)),
    transactionCount: kept.length,
    fees,
    weight,
    sigopsCost,
    body: encodeTemplateBody(kept),
  };
}
