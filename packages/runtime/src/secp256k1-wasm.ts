// Where the WebAssembly module of libsecp256k1 is looked for. `npm run secp256k1` builds it; without it handshakes, and the
// operator's keys, go the reference path, slower and otherwise the same.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Name in the cache: the version of the sources and that of our face towards them. */
const FILE = 'libsecp256k1-0.10.1-1.wasm';

/** Where the script puts the module and a process looks for it; `SLUICE_SECP256K1_WASM` names another file, as in an image. */
export function secp256k1WasmPath(env: Readonly<Record<string, string | undefined>>): string {
  const { SLUICE_SECP256K1_WASM: named, XDG_CACHE_HOME: cache } = env;
  return named || join(cache || join(homedir(), '.cache'), 'sluice', 'secp256k1', FILE);
}

/** The module's bytes, for `wasmEc`; `undefined` when none was built. @throws when a file is there and cannot be read. */
export function findSecp256k1Wasm(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(readFileSync(secp256k1WasmPath(env)));
  } catch (error) {
    // A file that somebody named must be there.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !env.SLUICE_SECP256K1_WASM) return undefined;
    throw error;
  }
}
