// A template's merkle path and a target's comparison, each beside its plain definition on the same inputs.
import { deepStrictEqual } from 'node:assert';
import { bench, do_not_optimize, group, run } from 'mitata';
import { coinbaseMerklePath } from '../src/merkle.ts';
import { nobleSha256d } from '../src/sha256d.ts';
import { wasmSha256d } from '../src/sha256d-wasm.ts';
import { meetsTarget, targetFromBytes } from '../src/target.ts';

const TRANSACTIONS = 4000;
const txids = Array.from({ length: TRANSACTIONS }, (_, index) =>
  Uint8Array.from({ length: 32 }, (_, byte) => (index * 131 + byte * 17) & 0xff),
);
deepStrictEqual(coinbaseMerklePath(txids, wasmSha256d), coinbaseMerklePath(txids, nobleSha256d));
group(`merkle path of a template of ${TRANSACTIONS} transactions`, () => {
  for (const backend of [nobleSha256d, wasmSha256d]) {
    bench(backend.name, () => do_not_optimize(coinbaseMerklePath(txids, backend)));
  }
});

const hash = Uint8Array.from({ length: 32 }, (_, index) => (index < 26 ? index + 5 : 0));
const target = Uint8Array.from({ length: 32 }, (_, index) => (index < 27 ? 0xff : 0));
const asIntegers = (a: Uint8Array, b: Uint8Array) => targetFromBytes(a) <= targetFromBytes(b);
for (const [a, b] of [
  [hash, target],
  [target, hash],
  [hash, hash],
] as const) {
  deepStrictEqual(meetsTarget(a, b), asIntegers(a, b));
}
group('hash against target', () => {
  bench('as integers', () => do_not_optimize(asIntegers(hash, target)));
  bench('by bytes', () => do_not_optimize(meetsTarget(hash, target)));
});
if (!process.argv.includes('--check')) await run();
