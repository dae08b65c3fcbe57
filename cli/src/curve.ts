// The curve of this machine.
import type { EcBackend } from '@sluice/noise/ec';
import { fastestEc } from '@sluice/noise/fastest-ec';
import { randomBytes } from '@sluice/runtime/random';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';

/** libsecp256k1 where its module was built, else the reference: slower, and not constant-time. */
export function curve(): EcBackend {
  return fastestEc(findSecp256k1Wasm(), randomBytes);
}
