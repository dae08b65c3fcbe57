// From a template to the pool's coinbase: our outputs first, then the template's own; the extranonce last in the script, behind
// the pool's tag and the job's id. With the id no two jobs have the same coinbase, so that no header is a share of both.
import {
  buildCoinbase,
  type CoinbaseOutput,
  emptyWitnessCommitment,
  encodeHeightPush,
  encodeOutput,
  witnessCommitmentScript,
} from '@sluice/bitcoin/coinbase';
import { type Network, subsidy } from '@sluice/bitcoin/network';
import { scriptSigops } from '@sluice/bitcoin/script';
import { concatBytes, u32 } from '@sluice/bitcoin/serialize';
import { FULL_EXTRANONCE_SIZE } from './extranonce.ts';

/** What a coinbase needs of a template, in the terms of NewTemplate [sv2 7.2]. */
export interface CoinbaseTemplate {
  readonly coinbaseTxVersion: number;
  /** The BIP34 height push. */
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseSequence: number;
  /** Satoshis for our outputs. */
  readonly coinbaseValue: bigint;
  readonly coinbaseOutputsCount: number;
  /** Serialized outputs that go last. */
  readonly coinbaseOutputs: Uint8Array;
  readonly coinbaseLocktime: number;
}

/** A part of the value of every block. */
export interface Payout {
  readonly script: Uint8Array;
  /** Its part is `weight` of the sum of all weights; a positive integer. */
  readonly weight: number;
}

/** What the pool puts into every coinbase. */
export interface PoolCoinbase {
  readonly payouts: readonly Payout[];
  /** What the pool signs its blocks with. */
  readonly tag: Uint8Array;
}

/** The coinbase of a job without witness, before and behind the full extranonce. */
export interface JobCoinbase {
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseSuffix: Uint8Array;
}

/** A block's limit, and what of it is neither a transaction of the template nor an output of ours [sv2 7.1]. */
const BLOCK_WEIGHT_LIMIT = 4_000_000;
const FIXED_WEIGHT = 1_168;
/** A block's limit; a legacy operation, as an output's script has them, costs four [BIP141]. */
const BLOCK_SIGOPS_COST_LIMIT = 80_000;
const LEGACY_SIGOP_COST = 4;

/** What the transactions of a template take of a block's limits, without the coinbase. */
export interface TakenRoom {
  readonly weight: number;
  /** As BIP141 counts it. */
  readonly sigopsCost: number;
}

/** Whether a block of these transactions has room for our outputs. */
export function hasRoomFor(payouts: readonly Payout[], taken: TakenRoom): boolean {
  let outputsSize = 0;
  let sigops = 0;
  for (const { script } of payouts) {
    outputsSize += encodeOutput({ value: 0n, script }).length;
    sigops += scriptSigops(script);
  }
  return (
    FIXED_WEIGHT + 4 * outputsSize + taken.weight <= BLOCK_WEIGHT_LIMIT &&
    LEGACY_SIGOP_COST * sigops + taken.sigopsCost <= BLOCK_SIGOPS_COST_LIMIT
  );
}

/** Splits exactly: each part rounded down, what remains goes to the first. */
export function splitValue(value: bigint, payouts: readonly Payout[]): CoinbaseOutput[] {
  const whole = payouts.reduce((sum, { weight }) => sum + BigInt(weight), 0n);
  const outputs = payouts.map(({ script, weight }) => ({ script, value: (value * BigInt(weight)) / whole }));
  const rest = value - outputs.reduce((sum, output) => sum + output.value, 0n);
  return outputs.map((output, index) => (index === 0 ? { ...output, value: output.value + rest } : output));
}

/**
 * `jobId` is the base of the job's id, u32, written little-endian behind the tag.
 * Throws `coinbase-script-too-long` when height, tag, id and extranonce do not fit: to be called once at the start for that.
 */
export function buildJobCoinbase(template: CoinbaseTemplate, jobId: number, pool: PoolCoinbase): JobCoinbase {
  const { prefix, suffix } = buildCoinbase({
    version: template.coinbaseTxVersion,
    coinbasePrefix: template.coinbasePrefix,
    tag: concatBytes(pool.tag, u32(jobId)),
    extranonceSize: FULL_EXTRANONCE_SIZE,
    sequence: template.coinbaseSequence,
    locktime: template.coinbaseLocktime,
    outputs: splitValue(template.coinbaseValue, pool.payouts),
    trailingOutputs: { count: template.coinbaseOutputsCount, bytes: template.coinbaseOutputs },
  });
  return { coinbasePrefix: prefix, coinbaseSuffix: suffix };
}

/** Between the id and the extranonce stands the length of the extranonce's push. */
const ID_FROM_END = 5;

/** The prefix of the same coinbase for a job of another id; undefined if it does not carry the id that it should. */
export function withJobId(coinbasePrefix: Uint8Array, jobId: number, nextJobId: number): Uint8Array | undefined {
  const prefix = coinbasePrefix.slice();
  const at = prefix.length - ID_FROM_END;
  const view = new DataView(prefix.buffer);
  if (at < 0 || view.getUint32(at, true) !== jobId) return undefined;
  view.setUint32(at, nextJobId, true);
  return prefix;
}

/**
 * A block of the coinbase alone at a height: its value is the subsidy, the witness commitment is there though no transaction
 * has a witness, and locktime and sequence are as BIP54 wants them.
 */
export function emptyTemplate(height: number, network: Network): CoinbaseTemplate {
  const commitment = { value: 0n, script: witnessCommitmentScript(emptyWitnessCommitment()) };
  return {
    coinbaseTxVersion: 2,
    coinbasePrefix: encodeHeightPush(height),
    coinbaseSequence: 0xfffffffe,
    coinbaseValue: subsidy(height, network),
    coinbaseOutputsCount: 1,
    coinbaseOutputs: encodeOutput(commitment),
    coinbaseLocktime: height - 1,
  };
}
