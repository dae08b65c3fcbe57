import { setImmediate as turn } from 'node:timers/promises';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { ShareOutcome } from '@sluice/mining/share-outcome';
import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import { HeadersAhead } from '../src/headers-ahead.ts';
import { type AuditModules, IncarnationAudit, type SolvedShare } from '../src/incarnation-audit.ts';
import type { KnownJob } from '../src/job-history.ts';
import { EASY, EVERY_SECOND, FakeDistributor, FakeGateway, record, type TestShare } from './fake-pool.ts';

const AT_MS = Date.now();
const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

afterEach(() => {
  vi.restoreAllMocks();
});

/** All that an audit of these batches tells. */
async function judged(
  payloads: readonly Uint8Array[],
  backend: typeof nobleSha256d,
  jobs: AuditModules['jobs'],
): Promise<{ readonly verdicts: readonly object[]; readonly solved: readonly SolvedShare[] }> {
  const solved: SolvedShare[] = [];
  const audit = new IncarnationAudit(
    1n,
    { batch: 0n, sequence: 0, floor: 0, held: false },
    { payoutNetwork: 'regtest' },
    { backend, jobs, yieldNow: () => turn(), onSolution: (share) => solved.push(share) },
  );
  const verdicts = [];
  for (const [index, payload] of payloads.entries()) {
    const verdict = await audit.judge(record(index + 1, payload, AT_MS));
    verdicts.push({ ...verdict, findings: verdict?.findings.list() });
  }
  return { verdicts, solved };
}

/** The same by the reference, one hash after the other. */
async function judgedPlainly(payloads: readonly Uint8Array[], jobs: AuditModules['jobs']): ReturnType<typeof judged> {
  const nothing = vi.spyOn(HeadersAhead.prototype, 'at').mockReturnValue(undefined);
  const told = await judged(payloads, nobleSha256d, jobs);
  nothing.mockRestore();
  return told;
}

it('changes no verdict: credits, findings and blocks are those of shares that are hashed one after the other', async () => {
  const bus = await createInProcessBus();
  const distributor = new FakeDistributor(bus, EVERY_SECOND);
  const gateway = new FakeGateway(1, distributor);
  const first = await distributor.newTip(1, { levels: 2 });
  const second = { ...first, jobId: await distributor.newJob() };
  // The same tip once more: its jobs are other objects.
  const again = await distributor.activate(await distributor.newFutureJob());
  const jobs = [first, second, { ...first, jobId: first.jobId + 3 }, await distributor.newTip(2)];
  const channels = [
    gateway.channel('extended'),
    gateway.channel('extended', 'bob', 'rig'),
    gateway.channel('standard', 'carol'),
    gateway.channel('standard', 'dave'),
    gateway.channel('standard', ADDRESS, 'solo', 5),
    gateway.channel('extended', ADDRESS, 'solo', 2),
  ];
  const pool: TestShare[] = [];
  for (const channel of channels)
    for (const job of jobs) {
      for (let count = 0; count < 3; count += 1) pool.push(await gateway.share(channel, job));
      pool.push(await gateway.share(channel, job, {}, ShareOutcome.difficultyTooLow));
    }
  for (const channel of channels) {
    const share = await gateway.share(channel, first);
    const target = await gateway.share(channel, first, { target: EASY / 2n });
    pool.push(share, { ...share, tipFeed: again }, { ...share, tipFeed: jobs[3]!.tipFeed }, target);
  }
  const [some] = pool as [TestShare];
  pool.push({ ...some, extranonce: new Uint8Array(3) }, { ...some, jobId: 4_096 }, { ...some, version: 1 });
  pool.push({ ...some, channel: new FakeGateway(2, distributor).channel('standard') });
  // Beyond one turn of the judge.
  const picks = fc.array(fc.array(fc.nat(pool.length - 1), { minLength: 1, maxLength: 700, size: 'max' }), {
    minLength: 1,
    maxLength: 3,
  });
  let known = 0;
  let blocks = 0;
  await fc.assert(
    fc.asyncProperty(picks, fc.option(fc.nat(), { freq: 2 }), async (batches, cut) => {
      const written = (isBackwards: boolean) =>
        batches.map((picked, index) => {
          const shares = picked.map((pick) => pool[pick]!);
          const payload = gateway.batch(isBackwards ? shares.reverse() : shares, BigInt(index + 1));
          return index === 0 && cut !== null ? payload.slice(0, payload.length - (cut % payload.length)) : payload;
        });
      // Two at a time take the places from each other: what stands there is another share's then.
      const ways = [written(false), written(true)];
      const expected = [];
      for (const payloads of ways) expected.push(await judgedPlainly(payloads, distributor.history));
      blocks += expected[0]!.solved.length;
      const found = vi.spyOn(HeadersAhead.prototype, 'at');
      const inLanes = ways.map((payloads) => judged(payloads, wasmSha256d, distributor.history));
      expect(await Promise.all(inLanes)).toEqual(expected);
      known += found.mock.results.filter(({ value }) => value !== undefined).length;
      found.mockRestore();
    }),
    { numRuns: 16 },
  );
  expect(known).toBeGreaterThan(500);
  expect(blocks).toBeGreaterThan(10);
  await bus.close();
});

it('takes no root of the first share of a standard channel where that was not hashed', async () => {
  const bus = await createInProcessBus();
  const distributor = new FakeDistributor(bus, EVERY_SECOND);
  const gateway = new FakeGateway(1, distributor);
  const on = await distributor.newTip(1, { levels: 2 });
  const channel = gateway.channel('standard');
  const shares = [await gateway.share(channel, on, {}, ShareOutcome.difficultyTooLow)];
  for (let count = 0; count < 8; count += 1) shares.push(await gateway.share(channel, on));
  const payloads = [gateway.batch(shares, 1n)];
  const expected = await judgedPlainly(payloads, distributor.history);
  expect(await judged(payloads, wasmSha256d, distributor.history)).toEqual(expected);
  await bus.close();
});

it('judges by the job and the tip that are there then, whatever was hashed before', async () => {
  const bus = await createInProcessBus();
  const distributor = new FakeDistributor(bus, EVERY_SECOND);
  const gateway = new FakeGateway(1, distributor);
  const on = await distributor.newTip(1, { levels: 2 });
  const shares: TestShare[] = [];
  for (const kind of ['standard', 'extended'] as const) {
    const channel = gateway.channel(kind);
    for (let count = 0; count < 8; count += 1) shares.push(await gateway.share(channel, on));
  }
  const payloads = [gateway.batch(shares, 1n)];
  const known = await distributor.known(on.tipFeed, on.jobId);
  const others: readonly KnownJob[] = [
    { ...known, tip: { ...known.tip, prevHash: new Uint8Array(32).fill(9) } },
    { ...known, tip: { ...known.tip, nbits: 0x1d00ffff } },
    { ...known, job: { ...known.job, merklePath: [new Uint8Array(32).fill(9)] } },
    { ...known, job: { ...known.job } },
  ];
  const always = (job: KnownJob): AuditModules['jobs'] => ({ find: () => job, fetch: async () => job });
  for (const other of others) {
    let asked = 0;
    const changing = () => {
      asked += 1;
      return asked <= shares.length ? known : other;
    };
    const told = await judged(payloads, wasmSha256d, { find: changing, fetch: async () => other });
    expect(asked).toBe(2 * shares.length);
    expect(told).toEqual(await judgedPlainly(payloads, always(other)));
  }
  await bus.close();
});
