// A block put together from its parts, and taken apart again.
import { ByteReader } from './byte-reader.ts';
import { BitcoinError } from './errors.ts';
import { sha256d } from './hash.ts';
import { type BlockHeader, decodeHeader, HEADER_SIZE } from './header.ts';
import { compactSize, concatBytes } from './serialize.ts';
import { readTransaction, type Transaction } from './transaction.ts';

/** A block taken apart. */
export interface Block {
  readonly header: BlockHeader;
  /** Block hash, 32 bytes, wire order. */
  readonly hash: Uint8Array;
  /** The coinbase first. */
  readonly transactions: readonly Transaction[];
  readonly weight: number;
}

/** Block hash of an 80-byte header: 32 bytes, wire order. */
export function blockHash(header: Uint8Array): Uint8Array {
  return sha256d(header);
}

/** header ‖ CompactSize ‖ coinbase with its witness ‖ transactions: what `submitblock` takes. */
export function assembleBlock(
  header: Uint8Array,
  coinbase: Uint8Array,
  transactions: readonly Uint8Array[],
): Uint8Array {
  if (header.length !== HEADER_SIZE) {
    throw new BitcoinError('wrong-length', `a header has ${HEADER_SIZE} bytes, not ${header.length}`);
  }
  return concatBytes(header, compactSize(1 + transactions.length), coinbase, ...transactions);
}

/** The head of a block: all of it that its transactions follow from. */
export interface BlockHead {
  readonly header: BlockHeader;
  /** Block hash, 32 bytes, wire order. */
  readonly hash: Uint8Array;
  readonly coinbase: Transaction;
}

const MIN_TRANSACTION_SIZE = 60;

/** Header and coinbase of a block, whatever stands behind them; `undefined` when the bytes are no block. */
export function decodeBlockHead(bytes: Uint8Array): BlockHead | undefined {
  if (bytes.length < HEADER_SIZE) return undefined;
  const header = bytes.subarray(0, HEADER_SIZE);
  const reader = new ByteReader(bytes, HEADER_SIZE);
  if (reader.count(MIN_TRANSACTION_SIZE) === 0) return undefined;
  const coinbase = readTransaction(reader, bytes);
  return coinbase && { header: decodeHeader(header), hash: blockHash(header), coinbase };
}

/** The block that these bytes are; arrays of its transactions are views. `undefined` when they are none, or a block without a coinbase. */
export function decodeBlock(bytes: Uint8Array): Block | undefined {
  if (bytes.length < HEADER_SIZE) return undefined;
  const headerBytes = bytes.subarray(0, HEADER_SIZE);
  const reader = new ByteReader(bytes, HEADER_SIZE);
  const count = reader.count(MIN_TRANSACTION_SIZE);
  if (count === 0) return undefined;
  const overhead = reader.offset;
  const transactions: Transaction[] = [];
  let weight = 4 * overhead;
  for (let index = 0; index < count; index += 1) {
    const transaction = readTransaction(reader, bytes);
    if (transaction === undefined) return undefined;
    transactions.push(transaction);
    weight += transaction.weight;
  }
  if (reader.failed || reader.remaining !== 0) return undefined;
  return { header: decodeHeader(headerBytes), hash: blockHash(headerBytes), transactions, weight };
}
