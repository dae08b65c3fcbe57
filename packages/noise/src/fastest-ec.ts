// Which curve a process uses.
import type { EcBackend, RandomBytes } from './ec.ts';
import { nobleEc } from './noble-ec.ts';
import { wasmEc } from './wasm-ec.ts';

/** libsecp256k1 where its module was built, else the reference: slower, and not constant-time. @throws NoiseError as `wasmEc` does. */
export function fastestEc(module: Uint8Array<ArrayBuffer> | undefined, random: RandomBytes): EcBackend {
  return module === undefined ? nobleEc : wasmEc(module, random);
}
