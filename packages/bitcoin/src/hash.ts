// SHA-256 once and twice, by the readable reference. Hot paths take a backend instead, see sha256d.ts.
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

/** SHA-256 of any bytes: 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  return nobleSha256(data);
}

/** SHA-256 of the SHA-256: 32 bytes, which is the wire order of a block hash or txid. */
export function sha256d(data: Uint8Array): Uint8Array {
  return nobleSha256(nobleSha256(data));
}
