// Transactions as serialized by BIP144, read without a copy: arrays are views into the bytes given.
import { ByteReader } from './byte-reader.ts';
import { sha256d } from './hash.ts';
import { concatBytes } from './serialize.ts';

/** What a transaction spends, and why it may. */
export interface TransactionInput {
  /** 32 bytes, wire order. */
  readonly prevTxid: Uint8Array;
  readonly prevIndex: number;
  readonly script: Uint8Array;
  readonly sequence: number;
  /** Empty without a witness. */
  readonly witness: readonly Uint8Array[];
}

/** Coins, and what it takes to spend them. */
export interface TransactionOutput {
  /** Satoshis. */
  readonly value: bigint;
  readonly script: Uint8Array;
}

/** A transaction that was read, with its hashes. */
export interface Transaction {
  readonly version: number;
  readonly inputs: readonly TransactionInput[];
  readonly outputs: readonly TransactionOutput[];
  readonly locktime: number;
  /** 32 bytes, wire order. */
  readonly txid: Uint8Array;
  /** 32 bytes, wire order; equal to the txid without a witness. */
  readonly wtxid: Uint8Array;
  /** The serialization that was read, with its witness. */
  readonly bytes: Uint8Array;
  /** Bytes with witness. */
  readonly size: number;
  /** Weight units: three times the bytes without witness plus those with it [BIP141]. */
  readonly weight: number;
}

/** Smallest serialized input, output and witness item, so that no count asks for more memory than there are bytes. */
const MIN_INPUT_SIZE = 41;
const MIN_OUTPUT_SIZE = 9;
const MIN_WITNESS_ITEM_SIZE = 1;

/** The transaction that these bytes are, and nothing behind it; `undefined` when they are none. */
export function decodeTransaction(bytes: Uint8Array): Transaction | undefined {
  const reader = new ByteReader(bytes);
  const transaction = readTransaction(reader, bytes);
  return reader.remaining === 0 ? transaction : undefined;
}

/** `count` outputs one after the other and nothing behind them; `undefined` when these bytes are something else. */
export function decodeOutputs(bytes: Uint8Array, count: number): TransactionOutput[] | undefined {
  const reader = new ByteReader(bytes);
  const outputs: TransactionOutput[] = [];
  while (outputs.length < count && !reader.failed) outputs.push(readOutput(reader));
  return reader.failed || reader.remaining !== 0 ? undefined : outputs;
}

/** Reads one transaction of `bytes` at the reader's place; `undefined` when it cannot be read. */
export function readTransaction(reader: ByteReader, bytes: Uint8Array): Transaction | undefined {
  const start = reader.offset;
  const version = reader.u32();
  const hasWitness = reader.peek() === 0x00 && reader.peek(1) === 0x01;
  if (hasWitness) reader.bytes(2);
  const bodyStart = reader.offset;

  const bareInputs = readList(reader, MIN_INPUT_SIZE, readInput);
  const outputs = readList(reader, MIN_OUTPUT_SIZE, readOutput);
  const witnessStart = reader.offset;
  const inputs = hasWitness ? bareInputs.map((input) => ({ ...input, witness: readWitness(reader) })) : bareInputs;
  const locktimeStart = reader.offset;
  const locktime = reader.u32();
  if (reader.failed || inputs.length === 0) return undefined;
  // A witness that is there must say something, or one transaction would have two serializations.
  if (hasWitness && inputs.every(({ witness }) => witness.length === 0)) return undefined;

  const full = bytes.subarray(start, reader.offset);
  const stripped = hasWitness
    ? concatBytes(
        bytes.subarray(start, start + 4),
        bytes.subarray(bodyStart, witnessStart),
        bytes.subarray(locktimeStart, reader.offset),
      )
    : full;
  const txid = sha256d(stripped);
  return {
    version,
    inputs,
    outputs,
    locktime,
    txid,
    wtxid: hasWitness ? sha256d(full) : txid,
    bytes: full,
    size: full.length,
    weight: 3 * stripped.length + full.length,
  };
}

function readList<T>(reader: ByteReader, itemSize: number, read: (reader: ByteReader) => T): T[] {
  const count = reader.count(itemSize);
  const items: T[] = [];
  for (let index = 0; index < count && !reader.failed; index += 1) items.push(read(reader));
  return items;
}

function readInput(reader: ByteReader): TransactionInput {
  return {
    prevTxid: reader.bytes(32),
    prevIndex: reader.u32(),
    script: reader.sizedBytes(),
    sequence: reader.u32(),
    witness: [],
  };
}

function readOutput(reader: ByteReader): TransactionOutput {
  return { value: reader.u64(), script: reader.sizedBytes() };
}

function readWitness(reader: ByteReader): Uint8Array[] {
  return readList(reader, MIN_WITNESS_ITEM_SIZE, (item) => item.sizedBytes());
}
