// Targets as 256-bit integers, compact (nBits), as 32 bytes little-endian and as difficulty; exact in integers.
// A hash meets a target when, read as a little-endian integer, it is not above it.
import { BitcoinError } from './errors.ts';

/** The easiest target: 2^256 - 1, which every hash meets. */
export const MAX_TARGET: bigint = (1n << 256n) - 1n;
/** Target of difficulty 1: compact 0x1d00ffff. */
export const DIFFICULTY_1_TARGET: bigint = 0xffffn << 208n;

/**
 * Target of a compact one (nBits, u32) by the rules of Bitcoin Core's `arith_uint256::SetCompact`.
 * Throws `compact-target-negative` or `compact-target-overflow`; zero is given back as zero, which no hash meets in practice.
 */
export function compactToTarget(nbits: number): bigint {
  const size = nbits >>> 24;
  const significand = nbits & 0x007fffff;
  // Sign and overflow are judged by what is left of the significand in a target of less than three bytes.
  const word = size <= 3 ? significand >>> (8 * (3 - size)) : significand;
  if (word === 0) return 0n;
  if ((nbits & 0x00800000) !== 0) {
    throw new BitcoinError('compact-target-negative', `compact target 0x${nbits.toString(16)} is negative`);
  }
  if (size > 34 || (word > 0xff && size > 33) || (word > 0xffff && size > 32)) {
    throw new BitcoinError('compact-target-overflow', `compact target 0x${nbits.toString(16)} exceeds 256 bits`);
  }
  return size <= 3 ? BigInt(word) : BigInt(word) << BigInt(8 * (size - 3));
}

/** Compact form (u32) of a target, rounded down to its three leading bytes as `arith_uint256::GetCompact` does. */
export function targetToCompact(target: bigint): number {
  if (target < 0n || target > MAX_TARGET) throw outOfRange(`target ${target}`);
  let size = Math.ceil(bitLength(target) / 8);
  let word = size <= 3 ? Number(target) << (8 * (3 - size)) : Number(target >> BigInt(8 * (size - 3)));
  // The highest bit of the three bytes is a sign: a target that would set it moves one byte up.
  if ((word & 0x00800000) !== 0) {
    word >>>= 8;
    size += 1;
  }
  return ((size << 24) | word) >>> 0;
}

/** 32 bytes, little-endian: the order of the wire and of `meetsTarget`. */
export function targetToBytes(target: bigint): Uint8Array {
  if (target < 0n || target > MAX_TARGET) throw outOfRange(`target ${target}`);
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  for (let word = 0; word < 4; word += 1) {
    view.setBigUint64(8 * word, BigInt.asUintN(64, target >> BigInt(64 * word)), true);
  }
  return bytes;
}

/** A 256-bit integer from 32 bytes, little-endian: a target, or a hash to compare with one. */
export function targetFromBytes(bytes: Uint8Array): bigint {
  if (bytes.length !== 32) throw new BitcoinError('wrong-length', `a target has 32 bytes, not ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32);
  return (
    (view.getBigUint64(24, true) << 192n) |
    (view.getBigUint64(16, true) << 128n) |
    (view.getBigUint64(8, true) << 64n) |
    view.getBigUint64(0, true)
  );
}

/** Whether a hash is not above a target, both 32 bytes little-endian. Decided by the first differing byte from the top. */
export function meetsTarget(hash: Uint8Array, target: Uint8Array): boolean {
  for (let index = 31; index >= 0; index -= 1) {
    const difference = hash[index]! - target[index]!;
    if (difference !== 0) return difference < 0;
  }
  return true;
}

/** Expected number of hashes to meet a target, rounded down: 2^256 / (target + 1), as Bitcoin Core counts chain work. */
export function workOfTarget(target: bigint): bigint {
  return (1n << 256n) / (target + 1n);
}

/** Difficulty against 0x1d00ffff, to the precision of a double. Infinity for target 0. */
export function difficultyOfTarget(target: bigint): number {
  return Number(DIFFICULTY_1_TARGET) / Number(target);
}

/**
 * Largest target of at least this difficulty: floor(difficulty-1 target / difficulty), exact for the double that is given,
 * held within [1, 2^256 - 1]. Throws `number-out-of-range` unless the difficulty is finite and positive.
 */
export function targetOfDifficulty(difficulty: number): bigint {
  if (!(difficulty > 0 && difficulty < Infinity)) throw outOfRange(`difficulty ${difficulty}`);
  return clampTarget(divideByDouble(DIFFICULTY_1_TARGET, difficulty));
}

/**
 * Target at which a device of `hashesPerSecond` finds `sharesPerMinute` on average: 2^256 / (hashes a share) - 1, within
 * [1, 2^256 - 1]; a rate of zero gets the easiest. Throws `number-out-of-range` for a negative or non-finite rate.
 */
export function targetForHashrate(hashesPerSecond: number, sharesPerMinute: number): bigint {
  if (!(hashesPerSecond >= 0 && hashesPerSecond < Infinity)) throw outOfRange(`hash rate ${hashesPerSecond}`);
  if (!(sharesPerMinute > 0 && sharesPerMinute < Infinity)) throw outOfRange(`share rate ${sharesPerMinute}`);
  const hashesPerShare = Math.min((hashesPerSecond / sharesPerMinute) * 60, Number.MAX_VALUE);
  if (hashesPerShare <= 1) return MAX_TARGET;
  return clampTarget(divideByDouble(1n << 256n, hashesPerShare) - 1n);
}

function clampTarget(target: bigint): bigint {
  if (target < 1n) return 1n;
  return target > MAX_TARGET ? MAX_TARGET : target;
}

/** floor(dividend / divisor) with the divisor taken as the exact binary fraction that a positive, finite double is. */
function divideByDouble(dividend: bigint, divisor: number): bigint {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, divisor);
  const exponentBits = (bits.getUint16(0) >>> 4) & 0x7ff;
  const fraction = bits.getBigUint64(0) & 0xfffffffffffffn;
  const significand = exponentBits === 0 ? fraction : fraction | 0x10000000000000n;
  const exponent = Math.max(exponentBits, 1) - 1075;
  return exponent < 0 ? (dividend << BigInt(-exponent)) / significand : dividend / (significand << BigInt(exponent));
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

function outOfRange(what: string): BitcoinError {
  return new BitcoinError('number-out-of-range', `${what} is out of range`);
}
