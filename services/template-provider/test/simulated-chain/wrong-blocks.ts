// Blocks that are wrong in one thing each, and the word for it. An integration test asks a real bitcoind the same.
import { concatBytes } from '@sluice/bitcoin/serialize';
import type { PreparedTemplate } from '../../src/prepare-template.ts';
import { PAYOUT, type Wrongs } from './block-of-template.ts';

function withReservedValue(coinbase: Uint8Array, reserved: Uint8Array): Uint8Array {
  return concatBytes(
    coinbase.subarray(0, 4),
    Uint8Array.of(0x00, 0x01),
    coinbase.subarray(4, -4),
    Uint8Array.of(0x01, reserved.length),
    reserved,
    coinbase.subarray(-4),
  );
}

/** What bitcoind answers, what is wrong, and how to make it so: the simulated chain is held to the same words. */
export const wrongBlocks: readonly (readonly [string, string, (template: PreparedTemplate) => Wrongs])[] = [
  ['high-hash', 'without work', () => ({ withoutWork: true })],
  ['bad-diffbits', 'with other nBits than asked for', () => ({ header: { nbits: 0x207ffffe } })],
  ['prev-blk-not-found', 'on an unknown parent', () => ({ header: { prevHash: new Uint8Array(32).fill(7) } })],
  ['bad-txnmrklroot', 'with another merkle root', () => ({ header: { merkleRoot: new Uint8Array(32) } })],
  ['bad-txnmrklroot', 'with a transaction left out', () => ({ transactions: (bodies) => bodies.slice(1) })],
  ['bad-cb-height', 'of another height', () => ({ coinbase: { coinbasePrefix: Uint8Array.of(0x52) } })],
  [
    'bad-cb-amount',
    'that pays one satoshi too much',
    ({ coinbaseValue }) => ({ coinbase: { outputs: [{ value: coinbaseValue + 1n, script: PAYOUT }] } }),
  ],
  [
    'bad-txns-vout-toolarge',
    'with an output of more than there can be',
    () => ({ coinbase: { outputs: [{ value: 2_100_000_000_000_001n, script: PAYOUT }] } }),
  ],
  [
    'bad-txns-txouttotal-toolarge',
    'with outputs of more than there can be',
    () => ({ coinbase: { outputs: [1, 2].map(() => ({ value: 1_100_000_000_000_000n, script: PAYOUT })) } }),
  ],
  [
    'unexpected-witness',
    'without commitment',
    () => ({ coinbase: { trailingOutputs: { count: 0, bytes: new Uint8Array(0) } } }),
  ],
  [
    'bad-witness-merkle-match',
    'with another commitment',
    ({ coinbaseOutputs }) => ({
      coinbase: {
        trailingOutputs: { count: 1, bytes: coinbaseOutputs.map((byte, at) => (at === 20 ? byte ^ 1 : byte)) },
      },
    }),
  ],
  [
    'bad-witness-nonce-size',
    'with a witness reserved value of another size',
    () => ({ witness: (coinbase) => withReservedValue(coinbase, new Uint8Array(31)) }),
  ],
  ['bad-txns-nonfinal', 'whose coinbase locks to its own height', ({ height }) => ({ coinbase: { locktime: height } })],
  ['time-too-old', 'not after the median time', ({ minNtime }) => ({ header: { ntime: minNtime - 1 } })],
  ['time-too-new', 'two hours and a second ahead', ({ currentTime }) => ({ header: { ntime: currentTime + 7201 } })],
  ['bad-version(0x00000003)', 'of a version of the past', () => ({ header: { version: 3 } })],
  [
    'bad-blk-sigops',
    'with too many signature operations',
    () => ({ coinbase: { outputs: [{ value: 0n, script: new Uint8Array(20_001).fill(0xac) }] } }),
  ],
  ['Block decode failed', 'that is cut short', () => ({ transactions: (bodies) => [bodies[0]!.subarray(0, 20)] })],
];
