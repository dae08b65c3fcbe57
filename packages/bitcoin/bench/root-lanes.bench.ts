// Merkle roots of shares, one after the other beside four at a time, on the same coinbases.
import { deepStrictEqual } from 'node:assert';
import { bench, do_not_optimize, group, run } from 'mitata';
import { RootLanes } from '../src/root-lanes.ts';
import { wasmSha256d } from '../src/sha256d-wasm.ts';

const LEVELS = 12;
const bytes = (length: number, seed: number) => Uint8Array.from({ length }, (_, index) => (index * 131 + seed) & 0xff);
const job = {
  coinbasePrefix: bytes(75, 1),
  coinbaseSuffix: bytes(160, 2),
  merklePath: Array.from({ length: LEVELS }, (_, level) => bytes(32, level)),
};
const prefixes = [1, 2, 3, 4].map((seed) => bytes(2, seed));
const extranonce = bytes(4, 9);
const coinbase = Buffer.concat([job.coinbasePrefix, new Uint8Array(6), job.coinbaseSuffix]);
const roots = prefixes.map(() => new Uint8Array(32));
const lanes = new RootLanes();

function oneByOne(count: number): readonly Uint8Array[] {
  for (let share = 0; share < count; share++) {
    coinbase.set(prefixes[share]!, job.coinbasePrefix.length);
    coinbase.set(extranonce, job.coinbasePrefix.length + 2);
    wasmSha256d.sha256dInto(coinbase, coinbase.length, roots[share]!);
    wasmSha256d.foldMerkle(roots[share]!, job.merklePath, roots[share]!);
  }
  return roots;
}

function inLanes(count: number): readonly Uint8Array[] {
  lanes.begin(job, 6);
  for (let share = 0; share < count; share++) lanes.set(share, prefixes[share]!, extranonce, 0);
  lanes.run();
  for (let share = 0; share < count; share++) lanes.root(share, roots[share]!);
  return roots;
}

const expected = oneByOne(4).map((root) => Uint8Array.from(root));
deepStrictEqual(inLanes(4), expected);
for (const count of [1, 4]) {
  group(`roots of ${count === 1 ? 'a share' : `${count} shares`}, path of ${LEVELS} levels`, () => {
    bench('one by one', () => do_not_optimize(oneByOne(count)));
    bench('in lanes', () => do_not_optimize(inLanes(count)));
  });
}
if (!process.argv.includes('--check')) await run();
