import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { FULL_EXTRANONCE_SIZE } from '@sluice/mining/extranonce';
import { coinbaseOf } from '@sluice/mining/share-check';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { job as jobNumber } from '../../../packages/mining/test/work.ts';
import { RootsAhead } from '../src/roots-ahead.ts';

const PLACES = 24;

it('finds the roots that the reference finds, or none', () => {
  const jobs = [jobNumber(16, 3), jobNumber(32, 0), { ...jobNumber(48), coinbaseSuffix: new Uint8Array(100_000) }];
  const written = Array.from({ length: PLACES }, () => new Uint8Array(32));
  const roots = new RootsAhead(written);
  let found = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(0, 0, 0, 1, 2), fc.nat(255)), { maxLength: PLACES }), (shares) => {
      const payload = Buffer.alloc(PLACES * 13 + 5);
      for (const [place, [job, seed]] of shares.entries()) {
        payload.fill(seed, 5 + place * 13, 18 + place * 13);
        roots.add(place, jobs[job]!, new Uint8Array(7).fill(seed + 1), 5 + place * 13);
      }
      const told: number[] = [];
      roots.run(payload, (place) => told.push(place));
      expect(new Set(told).size).toBe(told.length);
      const counts = jobs.map((_, number) => shares.filter(([job]) => job === number).length);
      for (const [place, [number, seed]] of shares.entries()) {
        const job = jobs[number]!;
        if (number === 2 || counts[number]! < 3) expect(told).not.toContain(place);
        if (!told.includes(place)) continue;
        found += 1;
        const coinbase = coinbaseOf(job, new Uint8Array(7).fill(seed + 1), new Uint8Array(13).fill(seed));
        expect(coinbase.length).toBe(job.coinbasePrefix.length + FULL_EXTRANONCE_SIZE + job.coinbaseSuffix.length);
        expect(written[place]).toEqual(foldMerklePath(nobleSha256d.sha256d(coinbase), job.merklePath, nobleSha256d));
      }
    }),
    { numRuns: 100 },
  );
  expect(found).toBeGreaterThan(100);
});
