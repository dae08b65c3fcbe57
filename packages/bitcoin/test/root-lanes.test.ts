import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LANES } from '../src/lane-code.ts';
import { foldMerklePath } from '../src/merkle.ts';
import { RootLanes } from '../src/root-lanes.ts';
import { nobleSha256d } from '../src/sha256d.ts';

const bytes = (max: number, min = 0) => fc.uint8Array({ minLength: min, maxLength: max });
const jobs = fc.record({
  coinbasePrefix: bytes(200),
  coinbaseSuffix: bytes(300),
  merklePath: fc.array(bytes(32, 32), { maxLength: 14 }),
});

describe('RootLanes', () => {
  it('finds the roots that the reference finds, whatever job came before', () => {
    const lanes = new RootLanes();
    const extranonces = fc
      .tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 1, max: 12 }))
      .chain(([prefixSize, size]) =>
        fc.array(fc.tuple(bytes(prefixSize, prefixSize), bytes(size, size)), { minLength: 1, maxLength: LANES }),
      );
    fc.assert(
      fc.property(jobs, extranonces, (job, shares) => {
        const [[prefix, rolled]] = shares as [[Uint8Array, Uint8Array]];
        expect(lanes.begin(job, prefix.length + rolled.length)).toBe(true);
        for (const [lane, [first, rest]] of shares.entries()) lanes.set(lane, first, rest, 0);
        lanes.run();
        for (const [lane, [first, rest]] of shares.entries()) {
          const coinbase = Buffer.concat([job.coinbasePrefix, first, rest, job.coinbaseSuffix]);
          const root = new Uint8Array(32);
          lanes.root(lane, root);
          expect(root).toEqual(foldMerklePath(nobleSha256d.sha256d(coinbase), job.merklePath, nobleSha256d));
        }
      }),
    );
  });

  it('takes a job with shares that come later, and reads them where they stand', () => {
    const lanes = new RootLanes();
    const job = { coinbasePrefix: new Uint8Array(67).fill(1), coinbaseSuffix: new Uint8Array(90), merklePath: [] };
    const root = new Uint8Array(32);
    for (const value of [5, 6]) {
      lanes.begin(job, 3);
      lanes.set(2, Uint8Array.of(9), Uint8Array.of(0, value, 7), 1);
      lanes.run();
      lanes.root(2, root);
      expect(root).toEqual(
        nobleSha256d.sha256d(Buffer.concat([job.coinbasePrefix, Uint8Array.of(9, value, 7), job.coinbaseSuffix])),
      );
    }
  });

  it('leaves a coinbase that is too long to others, and goes on', () => {
    const lanes = new RootLanes();
    const job = { coinbasePrefix: Uint8Array.of(1), coinbaseSuffix: new Uint8Array(100_000), merklePath: [] };
    expect(lanes.begin(job, 4)).toBe(false);
    expect(lanes.begin(job, 4)).toBe(false);
    expect(lanes.begin({ ...job, coinbaseSuffix: new Uint8Array(10_000) }, 4)).toBe(true);
    expect(
      lanes.begin({ ...job, coinbaseSuffix: new Uint8Array(1), merklePath: Array(33).fill(new Uint8Array(32)) }, 4),
    ).toBe(false);
  });
});
