// Hexadecimal parameters: numbers of 32 bits, most significant digit first, and byte strings.
import { hexToBytes } from '@noble/hashes/utils.js';

/** Eight digits of a u32. */
export function hexU32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}

/** A u32 from one to eight digits, since some clients leave out leading zeros; `undefined` for anything else. */
export function parseHexU32(value: unknown): number | undefined {
  return typeof value === 'string' && /^[\da-f]{1,8}$/i.test(value) ? Number.parseInt(value, 16) : undefined;
}

/** Whole bytes in the order of the text; `undefined` for anything else than pairs of digits, and for another length than the one asked for. */
export function parseHexBytes(value: unknown, length?: number): Uint8Array | undefined {
  if (typeof value !== 'string' || value.length % 2 !== 0 || /[^\da-f]/i.test(value)) return undefined;
  return length === undefined || value.length === 2 * length ? hexToBytes(value) : undefined;
}
