// The blocks of the simulated chain, by hash, each knowing its parent. What lies deeper than a reorganisation may reach is
// forgotten, so that a chain may grow for months.
import { MEDIAN_TIME_SPAN, medianTimePast, minimumTime } from '@sluice/bitcoin/chain';
import type { BlockHeader } from '@sluice/bitcoin/header';
import type { Network } from '@sluice/bitcoin/network';
import { compactToTarget, workOfTarget } from '@sluice/bitcoin/target';
import type { Transaction } from '@sluice/bitcoin/transaction';
import type { CoinChanges } from './open-coins.ts';

/** Blocks kept below the highest: half a day of Bitcoin, far beyond the eleven that a median needs. Each takes some 35 kB. */
export const KEPT_BLOCKS = 72;

export interface IndexedBlock {
  /** 32 bytes, wire order. */
  readonly hash: Uint8Array;
  readonly header: BlockHeader;
  readonly height: number;
  /** Work of the chain up to and with this block. */
  readonly chainwork: bigint;
  /** Compact target of every block on this one. */
  readonly childNbits: number;
  /** The whole block, serialized. */
  readonly bytes: Uint8Array;
  readonly transactions: readonly Transaction[];
  /** `undefined` for the first block and where the parent has been forgotten. */
  parent: IndexedBlock | undefined;
  /** Set while the block is part of the active chain. */
  changes: CoinChanges | undefined;
  /** A rule that only shows when the block is connected was broken; nothing on it can be connected either. */
  invalid: boolean;
}

const keyOf = (hash: Uint8Array) => Buffer.from(hash).toString('hex');

export class BlockIndex {
  readonly #blocks = new Map<string, IndexedBlock>();

  get(hash: Uint8Array): IndexedBlock | undefined {
    return this.#blocks.get(keyOf(hash));
  }

  add(block: IndexedBlock): void {
    this.#blocks.set(keyOf(block.hash), block);
  }

  /** Drops what lies too deep below `height`. */
  forgetBelow(height: number): void {
    const lowest = height - KEPT_BLOCKS;
    for (const [key, block] of this.#blocks) {
      if (block.height < lowest) this.#blocks.delete(key);
      else if (block.height === lowest) block.parent = undefined;
    }
  }
}

export function chainworkOn(parent: IndexedBlock): bigint {
  return parent.chainwork + workOfTarget(compactToTarget(parent.childNbits));
}

/** Smallest header time of a block on `parent`, in Unix seconds. */
export function minimumTimeOn(parent: IndexedBlock, network: Network): number {
  return minimumTime(parent.height + 1, parent.header.ntime, medianTimeOf(parent), network);
}

export function medianTimeOf(block: IndexedBlock): number {
  const times: number[] = [];
  let at: IndexedBlock | undefined = block;
  while (at !== undefined && times.length < MEDIAN_TIME_SPAN) {
    times.push(at.header.ntime);
    at = at.parent;
  }
  return medianTimePast(times);
}

/** What must be left and what must be entered to come from one block to the other; `undefined` where their fork is forgotten. */
export function wayBetween(
  from: IndexedBlock,
  to: IndexedBlock,
): { readonly leave: IndexedBlock[]; readonly enter: IndexedBlock[] } | undefined {
  const leave: IndexedBlock[] = [];
  const enter: IndexedBlock[] = [];
  let low: IndexedBlock | undefined = from;
  let high: IndexedBlock | undefined = to;
  while (low !== high) {
    if (low === undefined || high === undefined) return undefined;
    if (low.height >= high.height) {
      leave.push(low);
      low = low.parent;
    } else {
      enter.push(high);
      high = high.parent;
    }
  }
  return { leave, enter: enter.reverse() };
}
