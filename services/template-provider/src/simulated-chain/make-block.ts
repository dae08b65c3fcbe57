// Blocks that the simulated chain makes itself: its first one, and those "of somebody else".
import { assembleBlock } from '@sluice/bitcoin/block';
import {
  buildCoinbase,
  type CoinbaseOutput,
  coinbaseTxid,
  encodeHeightPush,
  witnessCoinbase,
  witnessCommitment,
  witnessCommitmentScript,
} from '@sluice/bitcoin/coinbase';
import { encodeHeader } from '@sluice/bitcoin/header';
import { merkleRoot } from '@sluice/bitcoin/merkle';
import { concatBytes, u64 } from '@sluice/bitcoin/serialize';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { compactToTarget, meetsTarget, targetToBytes, workOfTarget } from '@sluice/bitcoin/target';
import type { TemplateTransaction } from '../block-template.ts';

/** Expected hashes that a block of our own may cost: some twenty milliseconds of this thread. */
export const MAX_OWN_WORK = 1n << 14n;
const VERSION = 0x20000000;
const EXTRANONCE_SIZE = 8;

export interface OwnBlock {
  readonly prevHash: Uint8Array;
  readonly height: number;
  /** Header time in Unix seconds. */
  readonly ntime: number;
  readonly nbits: number;
  readonly tag: string;
  readonly outputs: readonly CoinbaseOutput[];
  readonly transactions: readonly TemplateTransaction[];
  /** Makes two blocks at one height different. */
  readonly extranonce: bigint;
}

/**
 * A whole block, valid in everything; with proof of work where that takes no more than `MAX_OWN_WORK` hashes, else without:
 * nobody here did the work that somebody else's block stands for.
 */
export function makeBlock(block: OwnBlock): Uint8Array {
  const { transactions, height } = block;
  const commitment = witnessCommitmentScript(witnessCommitment(transactions.map(({ wtxid }) => wtxid)));
  const { prefix, suffix } = buildCoinbase({
    version: 2,
    coinbasePrefix: encodeHeightPush(height),
    tag: Buffer.from(block.tag),
    extranonceSize: EXTRANONCE_SIZE,
    sequence: 0xfffffffe,
    locktime: Math.max(0, height - 1),
    outputs: [...block.outputs, { value: 0n, script: commitment }],
  });
  const coinbase = concatBytes(prefix, u64(block.extranonce), suffix);
  const header = encodeHeader({
    version: VERSION,
    prevHash: block.prevHash,
    merkleRoot: merkleRoot([coinbaseTxid(coinbase), ...transactions.map(({ txid }) => txid)]),
    ntime: block.ntime,
    nbits: block.nbits,
    nonce: 0,
  });
  const target = compactToTarget(block.nbits);
  if (workOfTarget(target) <= MAX_OWN_WORK) findNonce(header, targetToBytes(target));
  return assembleBlock(
    header,
    witnessCoinbase(coinbase),
    transactions.map(({ data }) => data),
  );
}

function findNonce(header: Uint8Array, target: Uint8Array): void {
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const hash = new Uint8Array(32);
  for (let nonce = 0; nonce <= 0xffffffff; nonce += 1) {
    view.setUint32(76, nonce, true);
    wasmSha256d.header(header, hash);
    if (meetsTarget(hash, target)) return;
  }
}
