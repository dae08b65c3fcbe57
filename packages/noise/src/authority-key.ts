// Authority keys as people see them: base58check [sv2 4.7], the public one with a version in front.
import { sha256 } from '@noble/hashes/sha2.js';
import { createBase58check } from '@scure/base';
import { isSecretKey, requireLength, requireSecretKey } from './ec.ts';

const base58check = createBase58check(sha256);
/** U16 1, little-endian. */
const VERSION = [1, 0] as const;

/** @param publicKey 32 bytes, x-only. @throws NoiseError `key-length`. */
export function encodeAuthorityPublicKey(publicKey: Uint8Array): string {
  requireLength(publicKey, 32);
  return base58check.encode(Uint8Array.of(...VERSION, ...publicKey));
}

/** The 32 bytes of the x-only key; `undefined`: wrong characters, checksum, length or version. */
export function decodeAuthorityPublicKey(text: string): Uint8Array | undefined {
  const bytes = decode(text);
  if (bytes?.length !== 34 || bytes[0] !== VERSION[0] || bytes[1] !== VERSION[1]) return undefined;
  return bytes.slice(2);
}

/** The form in which pools keep the secret: base58check of the 32 bytes, without a version. @throws NoiseError `secret-key-invalid`. */
export function encodeAuthoritySecretKey(secret: Uint8Array): string {
  requireSecretKey(secret);
  return base58check.encode(secret);
}

/** `undefined`: wrong characters, checksum or length, or no scalar of the curve. */
export function decodeAuthoritySecretKey(text: string): Uint8Array | undefined {
  const bytes = decode(text);
  return bytes !== undefined && isSecretKey(bytes) ? bytes : undefined;
}

function decode(text: string): Uint8Array | undefined {
  try {
    return base58check.decode(text);
  } catch {
    return undefined;
  }
}
