// Where a simulated chain begins: a block that hands out the coins which its own transactions move around for ever after.
import { decodeBlock } from '@sluice/bitcoin/block';
import { type Clock, unixSeconds } from '@sluice/runtime/clock';
import type { IndexedBlock } from './block-index.ts';
import { makeBlock } from './make-block.ts';
import { OPEN_SCRIPT } from './open-coins.ts';

const FIRST_COINS = 64;
const FIRST_COIN_VALUE = 50_00000000n;
/** Work that a chain claims for each millisecond since 1970 at its start: far more than one could do in that time. */
const WORK_PER_MILLISECOND = 1n << 64n;

/** Different at every start, and with more chain work than any chain begun before it can have. */
export function firstBlock(nbits: number, clock: Clock): IndexedBlock {
  const startMs = BigInt(Math.floor(clock.now()));
  const bytes = makeBlock({
    prevHash: new Uint8Array(32),
    height: 0,
    ntime: unixSeconds(clock) - 1,
    nbits,
    tag: 'simulated chain',
    outputs: Array.from({ length: FIRST_COINS }, () => ({ value: FIRST_COIN_VALUE, script: OPEN_SCRIPT })),
    transactions: [],
    extranonce: startMs,
  });
  const { hash, header, transactions } = decodeBlock(bytes)!;
  return {
    hash,
    header,
    bytes,
    transactions,
    height: 0,
    chainwork: startMs * WORK_PER_MILLISECOND,
    childNbits: nbits,
    parent: undefined,
    changes: undefined,
    invalid: false,
  };
}
