import { scriptFor } from '@sluice/bitcoin/script';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { workOfTarget } from '@sluice/bitcoin/target';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { PAYS_POOL } from '@sluice/bus/payloads/channel';
import { findingKinds } from '@sluice/bus/payloads/credit';
import type { BatchChannel } from '@sluice/bus/payloads/share-batch';
import { coinbaseOf } from '@sluice/mining/share-check';
import { ShareOutcome } from '@sluice/mining/share-outcome';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AuditOptions,
  type AuditStart,
  IncarnationAudit,
  type SolvedShare,
  type Verdict,
} from '../src/incarnation-audit.ts';
import { EASY, EVERY_SECOND, FakeDistributor, FakeGateway, record, type TestShare } from './fake-pool.ts';

const FIRST: AuditStart = { batch: 0n, sequence: 0, floor: 0, held: false };
const MINUTE = 60_000;

let bus: Bus;
let distributor: FakeDistributor;
let gateway: FakeGateway;
let job: { jobId: number; tipFeed: number };
let extended: BatchChannel;
let standard: BatchChannel;
let solved: SolvedShare[];

beforeEach(async () => {
  bus = await createInProcessBus();
  distributor = new FakeDistributor(bus);
  gateway = new FakeGateway(1, distributor);
  job = await distributor.newTip(1, { levels: 2 });
  extended = gateway.channel('extended');
  standard = gateway.channel('standard', 'bob', 'rig');
  solved = [];
});
afterEach(() => bus.close());

function newAudit(
  start: AuditStart = FIRST,
  from: FakeDistributor = distributor,
  options: Partial<AuditOptions> = {},
): IncarnationAudit {
  return new IncarnationAudit(1n, start, options, {
    backend: nobleSha256d,
    jobs: from.history,
    yieldNow: () => Promise.resolve(),
    onSolution: (share) => solved.push(share),
  });
}

const judge = async (audit: IncarnationAudit, sequence: number, payload: Uint8Array, at?: number): Promise<Verdict> => {
  const verdict = await audit.judge(record(sequence, payload, at));
  if (verdict === undefined) throw new Error('nothing to credit');
  return verdict;
};

const kinds = (verdict: Verdict) => verdict.findings.list().map(({ kind }) => kind);

describe('credit', () => {
  it('is the exact work of each identity and worker', async () => {
    const other = { ...extended, worker: 'two' };
    const harder = EASY / 3n;
    const shares = [
      await gateway.share(extended, job),
      await gateway.share(standard, job),
      await gateway.share(other, job),
      await gateway.share(standard, job),
      await gateway.share(gateway.channel('extended'), job, { target: harder }),
    ];
    const verdict = await judge(newAudit(), 1, gateway.batch(shares));
    expect(verdict.findings.list()).toEqual([]);
    expect(verdict).toMatchObject({ batch: 1n, counts: true, held: false, shares: 5 });
    expect(verdict.credits).toEqual([
      { identity: 'alice', worker: 'one', shares: 2, work: workOfTarget(EASY) + workOfTarget(harder) },
      { identity: 'bob', worker: 'rig', shares: 2, work: 2n * workOfTarget(EASY) },
      { identity: 'alice', worker: 'two', shares: 1, work: workOfTarget(EASY) },
    ]);
  });

  it('holds for reissues of a job, each with a target of its own, but one set of shares', async () => {
    const again = { ...job, jobId: job.jobId + 3 };
    const share = await gateway.share(extended, job);
    const easier = await gateway.share(extended, again, { target: EASY * 2n });
    const verdict = await judge(
      newAudit(),
      1,
      gateway.batch([share, easier, { ...share, jobId: again.jobId, target: EASY * 2n }]),
    );
    expect(verdict.credits[0]?.shares).toBe(2);
    expect(kinds(verdict)).toEqual([findingKinds.repeatedShare]);
  });

  it('is given on a tip that was announced twice, and for the job of the second announcement', async () => {
    const next = await distributor.newFutureJob();
    await distributor.activate(next);
    const shares = [
      await gateway.share(extended, job),
      await gateway.share(extended, { jobId: next, tipFeed: job.tipFeed }),
    ];
    expect((await judge(newAudit(), 1, gateway.batch(shares))).credits[0]?.shares).toBe(2);
  });

  it('is asked of the stream when a job comes later than the share', async () => {
    const audit = newAudit();
    await judge(audit, 1, gateway.batch([await gateway.share(extended, job)]));
    const fresh = { ...job, jobId: await distributor.newJob() };
    const verdict = await judge(audit, 2, gateway.batch([await gateway.share(extended, fresh)]));
    expect(verdict.credits[0]?.shares).toBe(1);
  });
});

describe('a share that does not hold', () => {
  const forged: Record<string, (good: TestShare) => Partial<TestShare>> = {
    'a target that its hash does not meet': () => ({ target: 1n }),
    'an extranonce of another size': (good) => ({ extranonce: good.extranonce.subarray(1) }),
    'a time beyond the limit': (good) => ({ ntime: good.ntime + 700, receivedAtMs: good.receivedAtMs + 40_000 }),
    'a time before the tip': () => ({ ntime: 1_000 }),
    'version bits that are not free': (good) => ({ version: (good.version | 1) >>> 0 }),
  };
  for (const [name, change] of Object.entries(forged)) {
    it(`is not credited and damns its gateway: ${name}`, async () => {
      const good = await gateway.share(extended, job);
      const bad = { ...(await gateway.share(gateway.channel('extended'), job)), ...change(good) };
      const verdict = await judge(newAudit(), 1, gateway.batch([good, bad]));
      expect(verdict.credits).toEqual([{ identity: 'alice', worker: 'one', shares: 1, work: workOfTarget(EASY) }]);
      expect(kinds(verdict)).toContain(findingKinds.invalidShare);
      expect(verdict.held).toBe(true);
    });
  }

  it('is one whose target was chosen after the job was given out with another', async () => {
    const first = await gateway.share(standard, job);
    const lucky = await gateway.share(standard, job, { target: EASY / 5n });
    const verdict = await judge(newAudit(), 1, gateway.batch([first, lucky]));
    expect(verdict.credits[0]).toMatchObject({ shares: 1, work: workOfTarget(EASY) });
    expect(kinds(verdict)).toEqual([findingKinds.invalidShare]);
  });

  it('is one with the prefix of another incarnation', async () => {
    const foreign = new FakeGateway(2, distributor).channel('standard');
    const verdict = await judge(newAudit(), 1, gateway.batch([await gateway.share(foreign, job)]));
    expect(verdict).toMatchObject({ credits: [], held: true });
    expect(kinds(verdict)).toEqual([findingKinds.malformed]);
  });

  it('is below the target', async () => {
    const weak = await gateway.share(extended, job, {}, ShareOutcome.difficultyTooLow);
    const verdict = await judge(newAudit(), 1, gateway.batch([weak]));
    expect(verdict.findings.list()[0]?.detail).toBe(`difficulty-too-low on job ${job.jobId}`);
  });

  it('is for a job that nobody announced, which alone damns no gateway', async () => {
    const share = await gateway.share(extended, job);
    const notYet = await distributor.newFutureJob();
    const verdict = await judge(
      newAudit(),
      1,
      gateway.batch([{ ...share, jobId: 9_600 }, { ...share, tipFeed: 99 }, { ...share, jobId: notYet }, share]),
    );
    expect(kinds(verdict)).toEqual([findingKinds.unknownJob, findingKinds.unknownJob, findingKinds.unknownJob]);
    expect(verdict).toMatchObject({ held: false });
    expect(verdict.credits[0]?.shares).toBe(1);
  });

  it('cannot be judged when the feed has been trimmed, and the finding says so', async () => {
    const share = await gateway.share(extended, job);
    await distributor.newTip(2);
    await bus.trim('JOBS', job.tipFeed + 1);
    const verdict = await judge(newAudit(FIRST, new FakeDistributor(bus)), 1, gateway.batch([share]));
    expect(verdict.findings.list()[0]?.detail).toContain('no longer kept');
  });

  it('is told with bounds', async () => {
    const share = { ...(await gateway.share(extended, job)), target: 1n };
    const verdict = await judge(newAudit(), 1, gateway.batch(Array.from({ length: 100 }, () => share)));
    expect(verdict.findings.list()).toHaveLength(32);
    expect(verdict.findings.list().at(-1)?.detail).toContain('of 100 findings');
  });
});

describe('a channel whose blocks pay its miner', () => {
  const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
  const OTHER = 'mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r';
  const byIdentity = () => newAudit(FIRST, distributor, { payoutNetwork: 'regtest' });

  it('is credited apart from the work that the pool owes for, by address, worker and percentage', async () => {
    const solo = gateway.channel('extended', ADDRESS, 'rig', 0);
    const giving = gateway.channel('standard', ADDRESS, 'rig', 5);
    const shares = [
      await gateway.share(solo, job),
      await gateway.share(extended, job),
      await gateway.share(giving, job),
      await gateway.share(giving, job),
      await gateway.share({ ...solo, worker: 'two' }, job),
    ];
    const verdict = await judge(byIdentity(), 1, gateway.batch(shares));
    expect(verdict.findings.list()).toEqual([]);
    const work = workOfTarget(EASY);
    expect(verdict.credits).toEqual([{ identity: 'alice', worker: 'one', shares: 1, work }]);
    expect(verdict.minerPaid).toEqual([
      { identity: ADDRESS, worker: 'rig', poolPercent: 0, shares: 1, work },
      { identity: ADDRESS, worker: 'two', poolPercent: 0, shares: 1, work },
      { identity: ADDRESS, worker: 'rig', poolPercent: 5, shares: 2, work: 2n * work },
    ]);
  });

  const forged: Record<string, Partial<BatchChannel>> = {
    'the pool': { poolPercent: PAYS_POOL },
    'an account of the pool': { poolPercent: PAYS_POOL, identity: 'mallory' },
    'another address': { identity: OTHER },
    'the same address with another percentage': { poolPercent: 1 },
  };
  for (const [name, claim] of Object.entries(forged)) {
    it.each(['standard', 'extended'] as const)(
      `earns nothing for ${name}, but by luck: the shares of a %s channel are of its own coinbase`,
      async (kind) => {
        const solo = gateway.channel(kind, ADDRESS, 'rig', 0);
        await expectWorthless(solo, { ...solo, ...claim });
      },
    );
  }

  it("is not made of a channel that worked on the pool's coinbase", async () => {
    await expectWorthless(extended, { ...extended, identity: ADDRESS, poolPercent: 0 });
  });

  /** Four shares, each of which is good on another coinbase once in 256 times: all of them never are. */
  async function expectWorthless(worked: BatchChannel, claimed: BatchChannel): Promise<void> {
    const shares: TestShare[] = [];
    for (let count = 0; count < 4; count += 1) shares.push(await gateway.share(worked, job, { target: EASY / 64n }));
    const good = await judge(byIdentity(), 1, gateway.batch(shares));
    expect([...good.credits, ...good.minerPaid]).toMatchObject([{ shares: 4 }]);
    const claims = shares.map((share) => ({ ...share, channel: claimed }));
    const verdict = await judge(byIdentity(), 1, gateway.batch(claims, 1n));
    const lucky = [...verdict.credits, ...verdict.minerPaid].reduce((sum, credit) => sum + credit.shares, 0);
    expect(lucky).toBeLessThan(4);
    expect(kinds(verdict)).toEqual(Array(4 - lucky).fill(findingKinds.invalidShare));
    expect(verdict.held).toBe(true);
  }

  it('is no channel where its identity is no address of the network', async () => {
    const solo = gateway.channel('extended', ADDRESS, 'rig', 0);
    const share = await gateway.share(solo, job);
    const other = newAudit(FIRST, distributor, { payoutNetwork: 'mainnet' });
    const verdict = await judge(other, 1, gateway.batch([share]));
    expect(verdict).toMatchObject({ credits: [], minerPaid: [], held: true });
    expect(verdict.findings.list()[0]?.detail).toContain('no address of mainnet');
  });

  it('is told and credited to nobody where the policy is off, which holds no credit of others', async () => {
    const solo = gateway.channel('extended', ADDRESS, 'rig', 0);
    const shares = [await gateway.share(solo, job), await gateway.share(extended, job)];
    const verdict = await judge(newAudit(), 1, gateway.batch(shares));
    expect(verdict).toMatchObject({ minerPaid: [], held: false });
    expect(verdict.credits).toMatchObject([{ identity: 'alice', shares: 1 }]);
    expect(kinds(verdict)).toEqual([findingKinds.implausible]);
  });

  it('has its repeats known, also over jobs that alternate', async () => {
    const solo = gateway.channel('standard', ADDRESS, 'rig', 0);
    const second = { ...job, jobId: await distributor.newJob() };
    const shares = [];
    for (const on of [job, second, job, second]) shares.push(await gateway.share(solo, on));
    const verdict = await judge(byIdentity(), 1, gateway.batch([...shares, ...shares]));
    expect(verdict.minerPaid).toMatchObject([{ shares: 4 }]);
    expect(kinds(verdict)).toEqual(Array(4).fill(findingKinds.repeatedShare));
  });

  it('has its blocks saved with the coinbase that pays it', async () => {
    const easyBus = await createInProcessBus();
    const easy = new FakeDistributor(easyBus, EVERY_SECOND);
    const miner = new FakeGateway(1, easy);
    const tip = await easy.newTip(1);
    const share = await miner.share(miner.channel('extended', ADDRESS, 'rig', 0), tip);
    await judge(newAudit(FIRST, easy, { payoutNetwork: 'regtest' }), 1, miner.batch([share]));
    const found = solved[0] as SolvedShare;
    const coinbase = decodeTransaction(coinbaseOf(found.known.job, found.extranonce, new Uint8Array()));
    expect(coinbase?.outputs[0]?.script).toEqual(scriptFor(ADDRESS, 'regtest'));
    expect(coinbase?.txid).toEqual(found.header.slice(36, 68));
    await easyBus.close();
  });
});

describe('repeats', () => {
  it('of a share are credited once, in one batch or over several', async () => {
    const audit = newAudit();
    const share = await gateway.share(standard, job);
    const first = await judge(audit, 1, gateway.batch([share, share]));
    expect(first.credits[0]?.shares).toBe(1);
    expect(kinds(first)).toEqual([findingKinds.repeatedShare]);
    const second = await judge(audit, 2, gateway.batch([share]));
    expect(second).toMatchObject({ credits: [], held: true });
  });

  it('of a batch add nothing', async () => {
    const audit = newAudit();
    const payload = gateway.batch([await gateway.share(standard, job)]);
    await judge(audit, 1, payload);
    expect(await audit.judge(record(2, payload.slice()))).toBeUndefined();
    expect((await judge(audit, 3, gateway.batch([await gateway.share(standard, job)]))).findings.list()).toEqual([]);
  });

  it('of a number with other shares are a finding without credit', async () => {
    const audit = newAudit();
    await judge(audit, 1, gateway.batch([await gateway.share(standard, job)]));
    const verdict = await judge(audit, 2, gateway.batch([await gateway.share(standard, job)], 1n));
    expect(verdict).toMatchObject({ counts: false, held: true });
    expect(kinds(verdict)).toEqual([findingKinds.malformed]);
  });

  it('are told from a number that was left out', async () => {
    const audit = newAudit();
    await judge(audit, 1, gateway.batch([await gateway.share(standard, job)]));
    const verdict = await judge(audit, 2, gateway.batch([await gateway.share(standard, job)], 4n));
    expect(verdict).toMatchObject({ batch: 4n, counts: true, held: false });
    expect(kinds(verdict)).toEqual([findingKinds.missingBatch]);
    expect(verdict.credits[0]?.shares).toBe(1);
  });
});

describe('time', () => {
  it('closes a job eleven minutes after the next one was worked on, for good', async () => {
    const now = Date.now();
    const audit = newAudit();
    const old = await gateway.share(extended, job, { receivedAtMs: now });
    const late = await gateway.share(extended, job, { receivedAtMs: now + 9 * MINUTE });
    const tooLate = await gateway.share(extended, job, { receivedAtMs: now + 13 * MINUTE });
    const fresh = { ...job, jobId: await distributor.newJob() };
    const on = (at: number) => gateway.share(extended, fresh, { receivedAtMs: at });
    await judge(audit, 1, gateway.batch([old, await on(now + 1)]), now);
    const verdict = await judge(audit, 2, gateway.batch([late]), now + 9 * MINUTE);
    expect(verdict).toMatchObject({ floor: 0, replayFrom: 1 });
    expect(verdict.credits[0]?.shares).toBe(1);
    const closing = await judge(audit, 3, gateway.batch([await on(now + 12 * MINUTE)]), now + 12 * MINUTE);
    expect(closing.floor).toBeGreaterThan(job.tipFeed);
    const closed = await judge(audit, 4, gateway.batch([tooLate, old]), now + 13 * MINUTE);
    expect(closed).toMatchObject({ credits: [], held: false });
    expect(kinds(closed)).toEqual([findingKinds.implausible, findingKinds.implausible]);
    const start = { batch: closed.batch, sequence: 4, floor: closed.floor, held: false };
    const restarted = await judge(newAudit(start), 5, gateway.batch([old]), now + 13 * MINUTE);
    expect(restarted.credits).toEqual([]);
  });

  it('keeps a job closed that is announced as work once more', async () => {
    const now = Date.now();
    const audit = newAudit();
    const old = await gateway.share(extended, job, { receivedAtMs: now });
    const fresh = { ...job, jobId: await distributor.newJob() };
    const on = (at: number) => gateway.share(extended, fresh, { receivedAtMs: at });
    await judge(audit, 1, gateway.batch([old, await on(now + 1)]), now);
    const { batch, floor } = await judge(audit, 2, gateway.batch([await on(now + 12 * MINUTE)]), now + 12 * MINUTE);
    const again = { ...old, tipFeed: await distributor.activate(job.jobId) };
    const start = { batch, sequence: 2, floor, held: false };
    const restarted = newAudit(start, new FakeDistributor(bus));
    const verdict = await judge(restarted, 3, gateway.batch([again, old]), now + 13 * MINUTE);
    expect(verdict.credits).toEqual([]);
    expect(kinds(verdict)).toEqual([findingKinds.implausible, findingKinds.implausible]);
  });

  it('tells clocks that are apart, and credits all the same', async () => {
    const share = await gateway.share(extended, job, { receivedAtMs: Date.now() + 100_000 });
    const verdict = await judge(newAudit(), 1, gateway.batch([share, await gateway.share(extended, job)]));
    expect(kinds(verdict)).toEqual([findingKinds.implausible]);
    expect(verdict).toMatchObject({ held: false });
    expect(verdict.credits[0]?.shares).toBe(2);
  });

  it('holds nothing for a header time that was good by a clock which is ahead', async () => {
    const ahead = { receivedAtMs: Date.now() + 60_000, ntime: Math.floor(Date.now() / 1_000) + 645 };
    const verdict = await judge(newAudit(), 1, gateway.batch([await gateway.share(extended, job, ahead)]));
    expect(kinds(verdict)).toEqual([findingKinds.implausible, findingKinds.implausible]);
    expect(verdict).toMatchObject({ held: false, credits: [] });
  });

  it('holds for a header time that is good by no clock', async () => {
    const receivedAtMs = Date.now() + 60_000;
    const share = await gateway.share(extended, job, { receivedAtMs });
    const late = { ...share, ntime: Math.floor(receivedAtMs / 1_000) + 601 };
    const verdict = await judge(newAudit(), 1, gateway.batch([late]));
    expect(kinds(verdict)).toEqual([findingKinds.implausible, findingKinds.invalidShare]);
    expect(verdict).toMatchObject({ held: true });
  });
});

describe('a block among the shares', () => {
  it('is handed on with its header, once', async () => {
    const easyBus = await createInProcessBus();
    const easy = new FakeDistributor(easyBus, EVERY_SECOND);
    const miner = new FakeGateway(1, easy);
    const tip = await easy.newTip(1);
    const share = await miner.share(miner.channel('extended', 'carol'), tip);
    const audit = newAudit(FIRST, easy);
    await judge(audit, 1, miner.batch([share, share]));
    expect(solved).toHaveLength(1);
    expect(solved[0]?.channel.identity).toBe('carol');
    expect(nobleSha256d.sha256d(solved[0]?.header as Uint8Array)).toEqual(solved[0]?.hash);
    await easyBus.close();
  });
});

describe('whatever the bytes are', () => {
  it('no record throws, and none that is not a batch is credited', async () => {
    const good = gateway.batch([await gateway.share(extended, job), await gateway.share(standard, job)]);
    const damaged = fc
      .record({ at: fc.nat(good.length - 1), bit: fc.nat(7), cut: fc.nat(good.length) })
      .map(({ at, bit, cut }) => {
        const bytes = good.slice(0, cut % 3 === 0 ? cut : good.length);
        if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << bit);
        return bytes;
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged), async (bytes) => {
        const verdict = await newAudit().judge(record(1, bytes, 0));
        const credited = verdict?.credits.reduce((sum, { shares }) => sum + shares, 0) ?? 0;
        expect(credited).toBeLessThanOrEqual(2);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a restart', () => {
  it('after any batch changes nothing: credit, holding and what is known of repeats', async () => {
    const jobs = [job, { ...job, jobId: await distributor.newJob() }, await distributor.newTip(2)];
    const channels = [extended, standard, gateway.channel('standard', 'dave')];
    const pool: TestShare[] = [];
    for (const channel of channels)
      for (const on of jobs) for (let count = 0; count < 3; count += 1) pool.push(await gateway.share(channel, on));
    const batches = fc.array(fc.array(fc.nat(pool.length - 1), { maxLength: 6 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(batches, fc.array(fc.boolean(), { maxLength: 8 }), async (picked, restarts) => {
        const records = picked.map((shares, index) =>
          record(
            index + 1,
            gateway.batch(
              shares.map((pick) => pool[pick] as TestShare),
              BigInt(index + 1),
            ),
          ),
        );
        const straight = newAudit();
        let interrupted = newAudit();
        let credited = 0;
        for (const [index, message] of records.entries()) {
          const expected = await straight.judge(message);
          const found = await interrupted.judge(message);
          expect(found).toEqual(expected);
          credited += expected?.credits.reduce((sum, { shares }) => sum + shares, 0) ?? 0;
          if (restarts[index] !== true || found === undefined) continue;
          const { batch, held, floor, replayFrom } = found;
          interrupted = newAudit({ batch, sequence: message.sequence, floor, held });
          for (const earlier of records.slice(replayFrom - 1, index + 1))
            expect(await interrupted.judge(earlier)).toBeUndefined();
        }
        expect(credited).toBe(new Set(picked.flat()).size);
      }),
      { numRuns: 60 },
    );
  });
});
