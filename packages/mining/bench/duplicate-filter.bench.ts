// Hashes of accepted shares looked up and kept, beside a Set of their text; the answers are compared before anything is timed.
import assert from 'node:assert/strict';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { bench, do_not_optimize, group, run } from 'mitata';
import { DuplicateFilter, FilterAnswer } from '../src/duplicate-filter.ts';

const HASHES = 4_096;

/** Every eighth one comes again. */
const hashes = Array.from({ length: HASHES }, (_, index) => {
  const number = index % 8 === 7 ? index - 7 : index;
  return wasmSha256d.sha256d(Uint8Array.of(number & 0xff, number >> 8));
});

function byFilter(): number {
  const filter = new DuplicateFilter();
  let again = 0;
  for (const hash of hashes) if (filter.add(hash) === FilterAnswer.duplicate) again += 1;
  return again;
}

function bySet(): number {
  const seen = new Set<string>();
  let again = 0;
  for (const hash of hashes) {
    const name = Buffer.from(hash.buffer, hash.byteOffset, 8).toString('latin1');
    if (seen.has(name)) again += 1;
    seen.add(name);
  }
  return again;
}

assert.equal(byFilter(), HASHES / 8);
assert.equal(bySet(), HASHES / 8);

group(`${HASHES} hashes of one job and channel`, () => {
  bench('open addressing', () => do_not_optimize(byFilter()));
  bench('Set of text', () => do_not_optimize(bySet()));
});

if (!process.argv.includes('--check')) await run();
