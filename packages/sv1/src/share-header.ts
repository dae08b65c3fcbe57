// The header that a miner hashes, from its job and its share.
import { HEADER_SIZE, writeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import type { Sv1Work } from './job.ts';
import type { Sv1Share } from './submitted-share.ts';

/** A new array of 80 bytes. @param extranonce1 the one in force when the job came. */
export function shareHeader(
  work: Sv1Work,
  extranonce1: Uint8Array,
  { extranonce2, ntime, nonce, version }: Sv1Share,
  backend: Sha256dBackend = wasmSha256d,
): Uint8Array {
  const coinbase = concatenate([work.coinbasePrefix, extranonce1, extranonce2, work.coinbaseSuffix]);
  const root = foldMerklePath(backend.sha256d(coinbase), work.merklePath, backend);
  const header = new Uint8Array(HEADER_SIZE);
  writeHeader(header, version, work.prevHash, root, ntime, work.nbits, nonce);
  return header;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
