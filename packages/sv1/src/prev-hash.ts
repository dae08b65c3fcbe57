// The previous block's hash in mining.notify: its eight words of 32 bits stand in the order of the header, the bytes of each word reversed.
import { bytesToHex } from '@noble/hashes/utils.js';
import { parseHexBytes } from './hex.ts';

/** 64 digits from 32 bytes in wire order. */
export function formatPrevHash(prevHash: Uint8Array): string {
  return bytesToHex(swapWords(prevHash));
}

/** 32 bytes in wire order; `undefined` when it is not 64 digits. */
export function parsePrevHash(value: unknown): Uint8Array | undefined {
  const words = parseHexBytes(value, 32);
  return words && swapWords(words);
}

function swapWords(bytes: Uint8Array): Uint8Array {
  return bytes.map((_, index) => bytes[index ^ 3]!);
}
