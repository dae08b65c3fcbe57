// A thousand nonces by the plain definition, by the pool's own header hash, and by the search; equal before they are timed.
import { deepStrictEqual } from 'node:assert';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { meetsTarget } from '@sluice/bitcoin/target';
import { bench, do_not_optimize, group, run } from 'mitata';
import { NonceSearch } from '../src/hashing/nonce-search.ts';

const NONCES = 1_000;
const header = Uint8Array.from({ length: 80 }, (_, index) => (index * 37) & 0xff);
const target = new Uint8Array(32).fill(0xff, 0, 31);
const search = new NonceSearch(wasmSha256d);
const hash = new Uint8Array(32);

function oneByOne(sha256d: typeof nobleSha256d): number[] {
  const view = new DataView(header.buffer);
  const found: number[] = [];
  for (let position = 0; position < NONCES; position++) {
    view.setUint32(76, position);
    sha256d.header(header, hash);
    if (meetsTarget(hash, target)) found.push(view.getUint32(76, true));
  }
  return found;
}

function searched(): number[] {
  const found: number[] = [];
  search.search(header, target, 0, NONCES, (nonce) => found.push(nonce));
  return found;
}

deepStrictEqual(oneByOne(wasmSha256d), oneByOne(nobleSha256d));
deepStrictEqual(searched(), oneByOne(nobleSha256d));
group(`${NONCES} nonces`, () => {
  for (const backend of [nobleSha256d, wasmSha256d]) bench(backend.name, () => do_not_optimize(oneByOne(backend)));
  bench('four lanes from a midstate', () => do_not_optimize(searched()));
});
if (!process.argv.includes('--check')) await run();
