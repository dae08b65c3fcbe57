// What handshakes are made with, by either side.
import type { AeadBackend } from '@sluice/noise/aead';
import type { EcBackend, RandomBytes } from '@sluice/noise/ec';
import { fastestEc } from '@sluice/noise/fastest-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import type { Logger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';

export interface Cryptography {
  readonly ec: EcBackend;
  readonly aead: AeadBackend;
  readonly random: RandomBytes;
}

/** Made at the first need: a provider of bitcoinds alone has none. */
export function cryptography(log: Logger): () => Cryptography {
  let made: Cryptography | undefined;
  return () => {
    made ??= make(log);
    return made;
  };
}

function make(log: Logger): Cryptography {
  const wasm = findSecp256k1Wasm();
  if (wasm === undefined)
    log.warn('handshakes use the reference curve, which is slower and not constant-time: run npm run secp256k1');
  return { ec: fastestEc(wasm, randomBytes), aead: wasmAead(), random: randomBytes };
}
