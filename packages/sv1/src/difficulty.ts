// Difficulties that devices of SV1 can be told, and their exact targets. SV1 knows no targets: a device makes its own from a double.
// The target of a difficulty that a pool sends is `targetOfDifficulty` of @sluice/bitcoin.
import { difficultyOfTarget, targetOfDifficulty } from '@sluice/bitcoin/target';
import { Sv1EncodeError } from './errors.ts';

/** What is asked of `@sluice/bitcoin` stays above its lower bound, where every difficulty has the same target. */
const HARDEST_TARGET = 2n;

/**
 * Largest power of two that is not harder than a target (256 bits), below 1 as well. Stock firmware makes wrong targets of other
 * difficulties. @param target below 2 is taken as 2.
 */
export function powerOfTwoDifficulty(target: bigint): number {
  const wanted = atLeastHardest(target);
  let exponent = Math.floor(Math.log2(difficultyOfTarget(wanted)));
  // The logarithm of a rounded quotient may be off by one next to a power of two.
  while (targetOfDifficulty(2 ** exponent) < wanted) exponent -= 1;
  while (targetOfDifficulty(2 ** (exponent + 1)) >= wanted) exponent += 1;
  return 2 ** exponent;
}

/** Largest double that is not harder than a target (256 bits), for devices that read fractions. @param target below 2 is taken as 2. */
export function largestDifficulty(target: bigint): number {
  const wanted = atLeastHardest(target);
  let difficulty = difficultyOfTarget(wanted);
  // The quotient of two rounded numbers is off by a few units in the last place at most.
  while (targetOfDifficulty(difficulty) < wanted) difficulty = neighbour(difficulty, -1n);
  for (let next = neighbour(difficulty, 1n); targetOfDifficulty(next) >= wanted; next = neighbour(next, 1n))
    difficulty = next;
  return difficulty;
}

/** Digits without an exponent, which not every firmware reads. Throws `value-out-of-range` unless finite and positive. */
export function formatDifficulty(difficulty: number): string {
  if (!(difficulty > 0 && difficulty < Infinity))
    throw new Sv1EncodeError('value-out-of-range', `${difficulty} is no difficulty`);
  if (Number.isInteger(difficulty)) return BigInt(difficulty).toString();
  const [digits = '', exponent] = String(difficulty).split('e-');
  if (exponent === undefined) return digits;
  return `0.${'0'.repeat(Number(exponent) - 1)}${digits.replace('.', '')}`;
}

function atLeastHardest(target: bigint): bigint {
  return target < HARDEST_TARGET ? HARDEST_TARGET : target;
}

/** The next double, or the one before. */
function neighbour(positive: number, step: bigint): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, positive);
  bits.setBigUint64(0, bits.getBigUint64(0) + step);
  return bits.getFloat64(0);
}
