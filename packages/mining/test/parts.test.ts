import { coinbaseTxid } from '@sluice/bitcoin/coinbase';
import { DIFFICULTY_1_TARGET, targetOfDifficulty, workOfTarget } from '@sluice/bitcoin/target';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildJobCoinbase, emptyTemplate, hasRoomFor, splitValue, withJobId } from '../src/build-job.ts';
import { DuplicateFilter, FilterAnswer } from '../src/duplicate-filter.ts';
import { JobBook } from '../src/job-book.ts';
import { baseJobId, JOB_ID_STRIDE, nextJobId, reissuedJobId } from '../src/job-id.ts';
import { clampTarget, shareTarget } from '../src/share-target.ts';
import { DIFFICULTY_1_WORK, WorkSum } from '../src/work-sum.ts';
import { job, tip } from './work.ts';

describe('DuplicateFilter', () => {
  it('is a set of the low-order 64 bits', () => {
    const key = fc.uint8Array({ minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(key, fc.constantFrom(new Uint8Array(8).fill(1), new Uint8Array(8))), { maxLength: 200 }),
        (keys) => {
          const filter = new DuplicateFilter();
          const model = new Set<string>();
          for (const low of keys) {
            const hash = new Uint8Array(32);
            hash.set(low);
            const name = Buffer.from(low).toString('hex');
            expect(filter.add(hash)).toBe(model.has(name) ? FilterAnswer.duplicate : FilterAnswer.added);
            model.add(name);
          }
          expect(filter.size).toBe(model.size);
        },
      ),
    );
  });
});

describe('WorkSum', () => {
  it('loses no fraction of a difficulty', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { maxLength: 50 }), (difficulties) => {
        const sum = new WorkSum();
        let told = 0n;
        let work = 0n;
        for (const difficulty of difficulties) {
          const target = shareTarget(targetOfDifficulty(difficulty));
          sum.add(target.work);
          work += target.work;
          told += sum.take();
        }
        expect(told).toBe(work / DIFFICULTY_1_WORK);
      }),
    );
  });

  it('counts a share of difficulty 1 as 1', () => {
    const sum = new WorkSum();
    sum.add(workOfTarget(DIFFICULTY_1_TARGET));
    expect(sum.take()).toBe(1n);
    expect(sum.take()).toBe(0n);
  });

  it('keeps for the next time what does not fit a u64', () => {
    const sum = new WorkSum();
    sum.add(DIFFICULTY_1_WORK * (1n << 64n));
    expect(sum.take()).toBe((1n << 64n) - 1n);
    expect(sum.take()).toBe(1n);
  });
});

describe('job ids', () => {
  it('come in steps, with room for reissues, and start again behind the last', () => {
    expect(nextJobId(0)).toBe(JOB_ID_STRIDE);
    expect(nextJobId(16)).toBe(32);
    expect(nextJobId(2 ** 32 - JOB_ID_STRIDE)).toBe(JOB_ID_STRIDE);
    expect(nextJobId(0, 3)).toBe(3 * JOB_ID_STRIDE);
    expect(nextJobId(2 ** 32 - JOB_ID_STRIDE, 3)).toBe(3 * JOB_ID_STRIDE);
    expect(nextJobId(32, 2 ** 28 - 1)).toBe(32);
    let id: number | undefined = 2 ** 32 - JOB_ID_STRIDE;
    let reissues = 0;
    for (;;) {
      expect(baseJobId(id)).toBe(2 ** 32 - JOB_ID_STRIDE);
      id = reissuedJobId(id);
      if (id === undefined) break;
      reissues += 1;
    }
    expect(reissues).toBe(JOB_ID_STRIDE - 1);
  });
});

describe('JobBook', () => {
  it('activates a future job that it knows and voids the others', () => {
    const book = new JobBook();
    book.addFuture(job(16));
    book.addFuture(job(32));
    expect(book.activate(48, tip(1))).toBeUndefined();
    expect(book.tip).toBeUndefined();
    expect(book.activate(16, tip(1))?.jobId).toBe(16);
    expect(book.active?.jobId).toBe(16);
    expect(book.next).toBeUndefined();
    expect(book.activate(32, tip(2))).toBeUndefined();
  });

  it('keeps a bounded number of future jobs', () => {
    const book = new JobBook();
    for (let count = 1; count <= 9; count += 1) book.addFuture(job(count * 16));
    expect(book.activate(16, tip(1))).toBeUndefined();
    expect(book.activate(32, tip(1))?.jobId).toBe(32);
  });
});

describe('the coinbase of a job', () => {
  it('splits a value exactly', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 5_000_000_000n }),
        fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 9 }),
        (value, weights) => {
          const outputs = splitValue(
            value,
            weights.map((weight) => ({ weight, script: new Uint8Array(1) })),
          );
          expect(outputs.reduce((sum, output) => sum + output.value, 0n)).toBe(value);
          expect(outputs.every((output) => output.value >= 0n)).toBe(true);
        },
      ),
    );
  });

  it('pays the subsidy in a block of the coinbase alone, locked to the height before', () => {
    const template = emptyTemplate(300, 'regtest');
    expect(template.coinbaseValue).toBe(1_250_000_000n);
    expect(template.coinbaseLocktime).toBe(299);
    const { coinbasePrefix, coinbaseSuffix } = buildJobCoinbase(template, 16, {
      payouts: [{ script: Uint8Array.of(0x51), weight: 1 }],
      tag: Buffer.from('/x/'),
    });
    const coinbase = Buffer.concat([coinbasePrefix, new Uint8Array(20), coinbaseSuffix]);
    expect(coinbaseTxid(coinbase)).toHaveLength(32);
    expect(coinbase.readUInt32LE(coinbase.length - 4)).toBe(299);
    expect(coinbase.includes(Buffer.from('6a24aa21a9ed', 'hex'))).toBe(true);
  });

  it('knows whether a block has room for the outputs', () => {
    const payouts = Array.from({ length: 10 }, () => ({ script: new Uint8Array(22), weight: 1 }));
    const outputsWeight = 4 * 10 * (8 + 1 + 22);
    const weight = 4_000_000 - 1_168 - outputsWeight;
    expect(hasRoomFor(payouts, { weight, sigopsCost: 80_000 })).toBe(true);
    expect(hasRoomFor(payouts, { weight: weight + 1, sigopsCost: 0 })).toBe(false);
  });

  it("knows whether a block has room for the outputs' signature operations", () => {
    // Three of pay-to-pubkey-hash, one each, and a bare multisignature, which counts for twenty.
    const keyHash = Uint8Array.of(0x76, 0xa9, 0x14, ...new Uint8Array(20), 0x88, 0xac);
    const payouts = [keyHash, keyHash, keyHash, Uint8Array.of(0xae)].map((script) => ({ script, weight: 1 }));
    expect(hasRoomFor(payouts, { weight: 0, sigopsCost: 80_000 - 4 * 23 })).toBe(true);
    expect(hasRoomFor(payouts, { weight: 0, sigopsCost: 80_000 - 4 * 23 + 1 })).toBe(false);
  });

  it('makes no two jobs of one template alike', () => {
    const pool = { payouts: [{ script: Uint8Array.of(0x51), weight: 1 }], tag: Buffer.from('/x/') };
    const [first, second] = [16, 32].map((jobId) => buildJobCoinbase(emptyTemplate(300, 'regtest'), jobId, pool));
    expect(first?.coinbaseSuffix).toEqual(second?.coinbaseSuffix);
    expect(first?.coinbasePrefix).not.toEqual(second?.coinbasePrefix);
    expect(first?.coinbasePrefix).toHaveLength(second?.coinbasePrefix.length ?? 0);
  });

  it('is the same for another id but for the id', () => {
    const pool = { payouts: [{ script: Uint8Array.of(0x51), weight: 1 }], tag: Buffer.from('/x/') };
    const [first, second] = [0xffff_fff0, 16].map((jobId) =>
      buildJobCoinbase(emptyTemplate(300, 'regtest'), jobId, pool),
    );
    const prefix = first?.coinbasePrefix ?? new Uint8Array();
    expect(withJobId(prefix, 0xffff_fff0, 16)).toEqual(second?.coinbasePrefix);
    expect(withJobId(prefix, 32, 48)).toBeUndefined();
    expect(withJobId(new Uint8Array(3), 0, 16)).toBeUndefined();
  });

  it('says at once when the tag does not fit', () => {
    const pool = { payouts: [{ script: Uint8Array.of(0x51), weight: 1 }], tag: new Uint8Array(75) };
    expect(() => buildJobCoinbase(emptyTemplate(1_000_000, 'mainnet'), 16, pool)).toThrow(/script/);
  });
});

describe('clampTarget', () => {
  it("never exceeds the device's largest target, even when that is harder than the pool's hardest", () => {
    expect(clampTarget(50n, 10n, 100n)).toBe(50n);
    expect(clampTarget(500n, 10n, 100n)).toBe(100n);
    expect(clampTarget(5n, 10n, 100n)).toBe(10n);
    expect(clampTarget(5n, 10n, 2n)).toBe(2n);
    expect(clampTarget(1n, 10n, 2n)).toBe(2n);
  });
});
