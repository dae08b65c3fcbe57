// Hashes of headers, one after the other beside four at a time, on the same headers; each is written first, as for a share.
import { deepStrictEqual } from 'node:assert';
import { bench, do_not_optimize, group, run } from 'mitata';
import { writeHeader } from '../src/header.ts';
import { HeaderLanes } from '../src/header-lanes.ts';
import { nobleSha256d } from '../src/sha256d.ts';
import { wasmSha256d } from '../src/sha256d-wasm.ts';

const bytes = (length: number, seed: number) => Uint8Array.from({ length }, (_, index) => (index * 131 + seed) & 0xff);
const prevHash = bytes(32, 1);
const roots = [2, 3, 4, 5].map((seed) => bytes(32, seed));
const header = new Uint8Array(80);
const hashes = roots.map(() => new Uint8Array(32));
const lanes = new HeaderLanes(4);
const write = (out: Uint8Array, share: number) =>
  writeHeader(out, 0x20000000, prevHash, roots[share]!, 1_700_000_000, 0x1d00ffff, share);

function oneByOne(backend: typeof wasmSha256d, count: number): readonly Uint8Array[] {
  for (let share = 0; share < count; share++) {
    write(header, share);
    backend.header(header, hashes[share]!);
  }
  return hashes;
}

function inLanes(count: number): readonly Uint8Array[] {
  for (let share = 0; share < count; share++) write(lanes.places[share]!.header, share);
  lanes.run(0, 1, 2, 3);
  for (let share = 0; share < count; share++) hashes[share]!.set(lanes.places[share]!.hash);
  return hashes;
}

const expected = oneByOne(nobleSha256d, 4).map((hash) => Uint8Array.from(hash));
deepStrictEqual(oneByOne(wasmSha256d, 4), expected);
deepStrictEqual(inLanes(4), expected);
for (const count of [1, 4]) {
  group(`headers of ${count === 1 ? 'a share' : `${count} shares`}, written and hashed`, () => {
    for (const backend of [nobleSha256d, wasmSha256d])
      bench(`one by one, ${backend.name}`, () => do_not_optimize(oneByOne(backend, count)));
    bench('in lanes', () => do_not_optimize(inLanes(count)));
  });
}
if (!process.argv.includes('--check')) await run();
