// Blocks without work, and what a provider would say about them.

import { encodeHeightPush } from '@sluice/bitcoin/coinbase';
import type { Template } from '@sluice/bus/payloads/template';
import type { TipNews } from '@sluice/bus/payloads/tip-news';

export interface Block {
  readonly hash: Uint8Array;
  readonly header: Uint8Array;
  readonly height: number;
  readonly chainwork: bigint;
}

export const NBITS = 0x207f_ffff;

let counter = 0;

/** A block on `parent`; `work` is what it adds. */
export function blockOn(parent: Block, work = 2n): Block {
  counter++;
  const hash = new Uint8Array(32);
  new DataView(hash.buffer).setUint32(0, counter, true);
  hash[31] = 0xb1;
  const header = new Uint8Array(80);
  header.set(parent.hash, 4);
  return { hash, header, height: parent.height + 1, chainwork: parent.chainwork + work };
}

export const root: Block = {
  hash: new Uint8Array(32).fill(0xaa),
  header: new Uint8Array(80),
  height: 100,
  chainwork: 1_000n,
};

export function newsOf(block: Block, changes: Partial<TipNews> = {}): TipNews {
  return {
    provider: 'a',
    hash: block.hash,
    header: block.header,
    height: block.height,
    chainwork: block.chainwork,
    minNtime: 1_500_000_000,
    nextNbits: NBITS,
    seenAtMicros: 1_700_000_000_000_000n,
    ...changes,
  };
}

let templateCounter = 0n;

export function templateOn(block: Block, changes: Partial<Template> = {}): Template {
  templateCounter++;
  return {
    provider: 'a',
    templateId: templateCounter,
    height: block.height + 1,
    prevHash: block.hash,
    chainwork: block.chainwork,
    version: 0x2000_0004,
    nbits: NBITS,
    minNtime: 1_500_000_000,
    curtime: 1_700_000_000,
    coinbaseTxVersion: 2,
    coinbasePrefix: encodeHeightPush(block.height + 1),
    coinbaseSequence: 0xffff_fffe,
    coinbaseValue: 5_000_000_000n,
    coinbaseOutputsCount: 0,
    coinbaseOutputs: new Uint8Array(),
    coinbaseLocktime: block.height,
    merklePath: [new Uint8Array(32).fill(7)],
    transactionCount: 1,
    fees: 0n,
    weight: 400,
    sigopsCost: 0,
    ...changes,
  };
}
