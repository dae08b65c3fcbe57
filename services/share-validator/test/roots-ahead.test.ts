import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { FULL_EXTRANONCE_SIZE } from '@sluice/mining/extranonce';
import { coinbaseOf } from '@sluice/mining/share-check';
import { ShareOutcome } from '@sluice/mining/share-outcome';
import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import { job as jobNumber } from '../../../packages/mining/test/work.ts';
import { IncarnationAudit, type SolvedShare } from '../src/incarnation-audit.ts';
import { RootsAhead } from '../src/roots-ahead.ts';
import { EVERY_SECOND, FakeDistributor, FakeGateway, record, type TestShare } from './fake-pool.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const PLACES = 24;

it('finds the roots that the reference finds, or none', () => {
  const jobs = [jobNumber(16, 3), jobNumber(32, 0), { ...jobNumber(48), coinbaseSuffix: new Uint8Array(100_000) }];
  const roots = new RootsAhead(PLACES);
  let found = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(0, 0, 0, 1, 2), fc.nat(255)), { maxLength: PLACES }), (shares) => {
      const payload = Buffer.alloc(PLACES * 13 + 5);
      roots.clear();
      for (const [place, [job, seed]] of shares.entries()) {
        payload.fill(seed, 5 + place * 13, 18 + place * 13);
        roots.add(place, jobs[job]!, new Uint8Array(7).fill(seed + 1), 5 + place * 13);
      }
      roots.run(payload);
      const counts = jobs.map((_, number) => shares.filter(([job]) => job === number).length);
      for (const [place, [number, seed]] of shares.entries()) {
        const job = jobs[number]!;
        const root = roots.root(place, job);
        if (number === 2 || counts[number]! < 3) expect(root).toBeUndefined();
        if (root === undefined) continue;
        found += 1;
        const coinbase = coinbaseOf(job, new Uint8Array(7).fill(seed + 1), new Uint8Array(13).fill(seed));
        expect(coinbase.length).toBe(job.coinbasePrefix.length + FULL_EXTRANONCE_SIZE + job.coinbaseSuffix.length);
        expect(root).toEqual(foldMerklePath(nobleSha256d.sha256d(coinbase), job.merklePath, nobleSha256d));
        expect(roots.root(place, jobNumber(64))).toBeUndefined();
      }
    }),
    { numRuns: 100 },
  );
  expect(found).toBeGreaterThan(100);
});

it('changes no verdict: credits, findings and blocks are those of shares that are hashed one after the other', async () => {
  const bus = await createInProcessBus();
  const distributor = new FakeDistributor(bus, EVERY_SECOND);
  const gateway = new FakeGateway(1, distributor);
  const first = await distributor.newTip(1, { levels: 2 });
  const jobs = [first, { ...first, jobId: await distributor.newJob() }, await distributor.newTip(2)];
  const channels = [
    gateway.channel('extended'),
    gateway.channel('extended', 'bob', 'rig'),
    gateway.channel('standard', 'carol'),
    gateway.channel('extended', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', 'solo', 2),
  ];
  const pool: TestShare[] = [];
  for (const channel of channels)
    for (const job of jobs) {
      for (let count = 0; count < 4; count += 1) pool.push(await gateway.share(channel, job));
      pool.push(await gateway.share(channel, job, {}, ShareOutcome.difficultyTooLow));
    }
  const [some] = pool as [TestShare];
  pool.push({ ...some, extranonce: new Uint8Array(3) }, { ...some, jobId: 4_096 }, { ...some, version: 1 });
  // Beyond one turn of the judge.
  const picks = fc.array(fc.array(fc.nat(pool.length - 1), { minLength: 1, maxLength: 700, size: 'max' }), {
    minLength: 1,
    maxLength: 3,
  });
  let known = 0;
  let blocks = 0;
  const judged = async (payloads: readonly Uint8Array[], backend: typeof nobleSha256d) => {
    const solved: SolvedShare[] = [];
    const audit = new IncarnationAudit(
      1n,
      { batch: 0n, sequence: 0, floor: 0, held: false },
      { ntimeAhead: 600, payoutNetwork: 'regtest' },
      {
        ...{ backend, jobs: distributor.history, yieldNow: () => Promise.resolve() },
        onSolution: (share) => solved.push(share),
      },
    );
    const verdicts = [];
    for (const [index, payload] of payloads.entries())
      verdicts.push(await audit.judge(record(index + 1, payload, AT_MS)));
    return { verdicts, solved };
  };
  await fc.assert(
    fc.asyncProperty(picks, async (batches) => {
      const payloads = batches.map((shares, index) =>
        gateway.batch(
          shares.map((pick) => pool[pick]!),
          BigInt(index + 1),
        ),
      );
      const found = vi.spyOn(RootsAhead.prototype, 'root');
      const inLanes = await judged(payloads, wasmSha256d);
      blocks += inLanes.solved.length;
      known += found.mock.results.filter(({ value }) => value !== undefined).length;
      found.mockReturnValue(undefined);
      expect(inLanes).toEqual(await judged(payloads, nobleSha256d));
      found.mockRestore();
    }),
    { numRuns: 6 },
  );
  expect(known).toBeGreaterThan(200);
  expect(blocks).toBeGreaterThan(10);
  await bus.close();
});

const AT_MS = Date.now();
