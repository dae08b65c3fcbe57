// The implementations that every vector is run through.
import { randomBytes } from '@sluice/runtime/random';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import type { AeadBackend } from '../src/aead.ts';
import type { EcBackend } from '../src/ec.ts';
import { nobleAead } from '../src/noble-aead.ts';
import { nobleEc } from '../src/noble-ec.ts';
import { wasmAead } from '../src/wasm-aead.ts';
import { wasmEc } from '../src/wasm-ec.ts';

const wasm = findSecp256k1Wasm();
if (wasm === undefined) {
  if (process.env.CI) throw new Error('the module of libsecp256k1 is not built: npm run secp256k1 -- --install');
  console.log('skipped: libsecp256k1 in WebAssembly is not built (npm run secp256k1)');
}
export const ecBackends: readonly EcBackend[] = [nobleEc, ...(wasm === undefined ? [] : [wasmEc(wasm, randomBytes)])];
export const aeadBackends: readonly AeadBackend[] = [nobleAead, wasmAead()];

/** The rows of a CSV file without quoted fields, by column. */
export function csvRows(text: string): readonly Readonly<Record<string, string>>[] {
  const [head = '', ...lines] = text.trim().split(/\r?\n/);
  const columns = head.split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    return Object.fromEntries(columns.map((column, index) => [column, fields[index] ?? '']));
  });
}
