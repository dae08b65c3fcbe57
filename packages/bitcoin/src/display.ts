// Hashes as people and bitcoind's RPC write them: hexadecimal, bytes reversed.
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';

/** Display form of a 32-byte hash in wire order. */
export function displayHash(hash: Uint8Array): string {
  return bytesToHex(Uint8Array.from(hash).reverse());
}

/** Wire order of a hash in display form; `undefined` when it is not 64 hexadecimal digits. */
export function hashFromDisplay(text: string): Uint8Array | undefined {
  return /^[0-9a-f]{64}$/i.test(text) ? hexToBytes(text).reverse() : undefined;
}
