// The coinbase of a job, cut where the extranonce goes. Both halves are in the serialization without witness: devices hash
// them into the txid [sv2 5.3.16]; the witness is put back when a block is assembled.
import { BitcoinError } from './errors.ts';
import { sha256d } from './hash.ts';
import { foldMerklePath, merkleRoot } from './merkle.ts';
import { compactSize, concatBytes, equalBytes, u32, u64 } from './serialize.ts';
import { decodeTransaction } from './transaction.ts';

/** Bytes that the script of a coinbase may have [Bitcoin Core, `bad-cb-length`]. */
export const MAX_COINBASE_SCRIPT = 100;

/** Where coins of a block go. */
export interface CoinbaseOutput {
  /** Satoshis. */
  readonly value: bigint;
  readonly script: Uint8Array;
}

/** What a coinbase is built of; integers are u32. */
export interface CoinbaseParts {
  readonly version: number;
  /** First bytes of the script: the BIP34 height push, see `encodeHeightPush`, or what a template gives. */
  readonly coinbasePrefix: Uint8Array;
  /** What the pool signs its blocks with; pushed behind the height, nothing when empty. */
  readonly tag: Uint8Array;
  /** Bytes of the full extranonce, 1 to 75: pushed last. */
  readonly extranonceSize: number;
  readonly sequence: number;
  readonly locktime: number;
  readonly outputs: readonly CoinbaseOutput[];
  /** Serialized outputs that go behind `outputs`, such as a template's witness commitment. */
  readonly trailingOutputs?: { readonly count: number; readonly bytes: Uint8Array };
}

/** A coinbase is `prefix ‖ extranonce ‖ suffix`. */
export interface CoinbaseHalves {
  readonly prefix: Uint8Array;
  readonly suffix: Uint8Array;
}

/**
 * The two halves around the extranonce: version ‖ 1 input: null outpoint ‖ script: coinbasePrefix ‖ push(tag) ‖ push of
 * extranonceSize | extranonce | sequence ‖ outputs ‖ locktime. Throws `coinbase-script-too-long` above 100 bytes of script,
 * `number-out-of-range` for an extranonce size or amount that cannot be.
 */
export function buildCoinbase(parts: CoinbaseParts): CoinbaseHalves {
  const { extranonceSize, outputs, trailingOutputs } = parts;
  if (!Number.isInteger(extranonceSize) || extranonceSize < 1 || extranonceSize > 75) {
    throw new BitcoinError('number-out-of-range', `an extranonce of ${extranonceSize} bytes is no single push`);
  }
  const scriptStart = concatBytes(parts.coinbasePrefix, pushOf(parts.tag), Uint8Array.of(extranonceSize));
  const scriptSize = scriptStart.length + extranonceSize;
  if (scriptSize > MAX_COINBASE_SCRIPT) {
    throw new BitcoinError(
      'coinbase-script-too-long',
      `height, a tag of ${parts.tag.length} bytes and an extranonce of ${extranonceSize} bytes make a coinbase script of ` +
        `${scriptSize} bytes, more than ${MAX_COINBASE_SCRIPT}`,
    );
  }
  const prefix = concatBytes(
    u32(parts.version),
    Uint8Array.of(1),
    new Uint8Array(32),
    u32(0xffffffff),
    Uint8Array.of(scriptSize),
    scriptStart,
  );
  const suffix = concatBytes(
    u32(parts.sequence),
    compactSize(outputs.length + (trailingOutputs?.count ?? 0)),
    ...outputs.map(encodeOutput),
    trailingOutputs?.bytes ?? new Uint8Array(0),
    u32(parts.locktime),
  );
  return { prefix, suffix };
}

/** value u64 ‖ CompactSize ‖ script. */
export function encodeOutput(output: CoinbaseOutput): Uint8Array {
  return concatBytes(u64(output.value), compactSize(output.script.length), output.script);
}

/** The height as a coinbase's script must begin with it [BIP34]: the shortest push of a script number. */
export function encodeHeightPush(height: number): Uint8Array {
  if (!Number.isInteger(height) || height < 0 || height > 0x7fffffff) {
    throw new BitcoinError('number-out-of-range', `height ${height} is out of range`);
  }
  if (height === 0) return Uint8Array.of(0x00);
  if (height <= 16) return Uint8Array.of(0x50 + height);
  const bytes: number[] = [];
  for (let rest = height; rest > 0; rest >>>= 8) bytes.push(rest & 0xff);
  // The highest bit of a script number is its sign.
  if ((bytes.at(-1)! & 0x80) !== 0) bytes.push(0);
  return Uint8Array.of(bytes.length, ...bytes);
}

/** The height that a coinbase's script begins with, as `encodeHeightPush` makes it; `undefined`: it begins with no such push. */
export function decodeHeightPush(script: Uint8Array): number | undefined {
  const [opcode = OP_PUSHDATA1] = script;
  let height = 0;
  if (opcode >= OP_1 && opcode < OP_1 + 16) height = opcode - OP_1 + 1;
  else if (opcode > LARGEST_HEIGHT_PUSH || script.length <= opcode) return undefined;
  else for (let at = opcode; at > 0; at -= 1) height = 256 * height + script[at]!;
  if (height > 0x7fffffff) return undefined;
  // The shortest push alone counts.
  const push = encodeHeightPush(height);
  return equalBytes(script.subarray(0, push.length), push) ? height : undefined;
}

/** Txid, 32 bytes wire order, of a coinbase without witness. */
export function coinbaseTxid(strippedCoinbase: Uint8Array): Uint8Array {
  return sha256d(strippedCoinbase);
}

/**
 * The coinbase as a block carries it: marker, flag and a witness of one item, 32 zero bytes [BIP141].
 * Throws `coinbase-invalid` for bytes that are no transaction of one input with the null outpoint, or that have a witness;
 * what its script and outputs say is not looked at.
 */
export function witnessCoinbase(strippedCoinbase: Uint8Array): Uint8Array {
  const { inputs, size, weight } = decodeTransaction(strippedCoinbase) ?? { inputs: [], size: 0, weight: 0 };
  const [input] = inputs;
  const isNull = input?.prevIndex === 0xffffffff && input.prevTxid.every((byte) => byte === 0);
  if (inputs.length !== 1 || !isNull || weight !== 4 * size) {
    throw new BitcoinError('coinbase-invalid', 'these bytes are no coinbase without witness');
  }
  const end = strippedCoinbase.length - 4;
  return concatBytes(
    strippedCoinbase.subarray(0, 4),
    Uint8Array.of(0x00, 0x01),
    strippedCoinbase.subarray(4, end),
    Uint8Array.of(0x01, 0x20),
    new Uint8Array(32),
    strippedCoinbase.subarray(end),
  );
}

/**
 * Witness commitment, 32 bytes, for a reserved value of 32 zero bytes [BIP141]. `wtxids` are those of all transactions but
 * the coinbase, which counts as 32 zero bytes.
 */
export function witnessCommitment(wtxids: readonly Uint8Array[]): Uint8Array {
  return foldMerklePath(merkleRoot([new Uint8Array(32), ...wtxids]), [new Uint8Array(32)]);
}

/** Output script of a witness commitment, 38 bytes: OP_RETURN, push of 36, aa21a9ed, commitment. */
export function witnessCommitmentScript(commitment: Uint8Array): Uint8Array {
  if (commitment.length !== 32) {
    throw new BitcoinError('wrong-length', `a witness commitment has 32 bytes, not ${commitment.length}`);
  }
  return concatBytes(Uint8Array.of(...WITNESS_COMMITMENT_HEADER), commitment);
}

/** How the output script of a witness commitment begins: OP_RETURN, push of 36, aa21a9ed [BIP141]. */
const WITNESS_COMMITMENT_HEADER = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed] as const;

/** The commitment of a block that holds nothing but its coinbase. */
export function emptyWitnessCommitment(): Uint8Array {
  return witnessCommitment([]);
}

/** The commitment of a coinbase with these outputs, 32 bytes: the last one counts [BIP141]; `undefined`: there is none. */
export function committedWitness(outputs: readonly CoinbaseOutput[]): Uint8Array | undefined {
  return outputs.findLast(({ script }) => isWitnessCommitment(script))?.script.subarray(6, 38);
}

function isWitnessCommitment(script: Uint8Array): boolean {
  return script.length >= 38 && WITNESS_COMMITMENT_HEADER.every((byte, index) => script[index] === byte);
}

const OP_PUSHDATA1 = 0x4c;
const OP_1 = 0x51;
/** Bytes of the largest script number below 2^31. */
const LARGEST_HEIGHT_PUSH = 4;

function pushOf(data: Uint8Array): Uint8Array {
  if (data.length === 0) return data;
  if (data.length < OP_PUSHDATA1) return concatBytes(Uint8Array.of(data.length), data);
  // A length that does not fit one byte is refused by the limit of the whole script.
  return concatBytes(Uint8Array.of(OP_PUSHDATA1, data.length & 0xff), data);
}
