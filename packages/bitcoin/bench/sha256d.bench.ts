// What a share costs in hashing, by both backends; equal on the same inputs before anything is timed.
import { deepStrictEqual } from 'node:assert';
import { bench, do_not_optimize, group, run } from 'mitata';
import { nobleSha256d } from '../src/sha256d.ts';
import { wasmSha256d } from '../src/sha256d-wasm.ts';

const LEVELS = 12;
const fill = (length: number, seed: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 0xff);
const header = fill(80, 1);
const coinbase = fill(250, 2);
const leaf = fill(32, 3);
const path = Array.from({ length: LEVELS }, (_, level) => fill(32, level));
const out = new Uint8Array(32);
const backends = [nobleSha256d, wasmSha256d];

const cases = {
  'header of 80 bytes': (backend: (typeof backends)[number]) => backend.header(header, out),
  'coinbase of 250 bytes': (backend: (typeof backends)[number]) => backend.sha256dInto(coinbase, coinbase.length, out),
  [`merkle path of ${LEVELS} levels`]: (backend: (typeof backends)[number]) => backend.foldMerkle(leaf, path, out),
};

for (const [name, hash] of Object.entries(cases)) {
  const [reference, fast] = backends.map((backend) => {
    hash(backend);
    return Uint8Array.from(out);
  });
  deepStrictEqual(fast, reference, `backends differ: ${name}`);
  group(name, () => {
    for (const backend of backends) {
      bench(backend.name, () => {
        hash(backend);
        do_not_optimize(out);
      });
    }
  });
}
if (!process.argv.includes('--check')) await run();
