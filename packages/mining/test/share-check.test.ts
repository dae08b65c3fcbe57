import type { HashedHeader } from '@sluice/bitcoin/header-lanes';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { MiningChannel } from '../src/channel.ts';
import { jobPaying } from '../src/miner-payout.ts';
import { ShareChecker } from '../src/share-check.ts';
import { ShareOutcome, shareErrorCodes } from '../src/share-outcome.ts';
import { shareTarget } from '../src/share-target.ts';
import { type ReferenceWork, referenceCheck, referencePaying } from './reference-check.ts';
import { EASY, job, NOW, NOW_MS, tip } from './work.ts';

const prefix7 = new Uint8Array(7).fill(5);
const prefix20 = new Uint8Array(20).fill(6);
const nothing = new Uint8Array(0);
/** A miner's output script. */
const MINER = Uint8Array.of(0x51, 0x20, ...new Array(32).fill(9));
const words = (outcome: ShareOutcome) => (outcome === ShareOutcome.accepted ? 'accepted' : shareErrorCodes[outcome]);

function extended(target = EASY) {
  return new MiningChannel({ kind: 'extended', extranoncePrefix: prefix7, target: shareTarget(target) });
}

interface Submission {
  jobId?: number;
  nonce?: number;
  ntime?: number;
  version?: number;
  extranonce?: Uint8Array;
  nowMs?: number;
}

function submit(checker: ShareChecker, channel: MiningChannel, share: Submission = {}): string | undefined {
  const extranonce = share.extranonce ?? (channel.kind === 'extended' ? new Uint8Array(13) : nothing);
  return words(
    checker.check(
      channel,
      share.jobId ?? 16,
      share.nonce ?? 0,
      share.ntime ?? NOW,
      share.version ?? 0x20000000,
      extranonce,
      0,
      extranonce.length,
      share.nowMs ?? NOW_MS,
    ),
  );
}

/** A nonce whose share is accepted. */
function goodNonce(checker: ShareChecker, make: () => MiningChannel, share: Submission = {}): number {
  for (let nonce = 0; nonce < 1_000; nonce += 1)
    if (submit(checker, make(), { ...share, nonce }) === 'accepted') return nonce;
  throw new Error('no share in 1,000 nonces');
}

describe('ShareChecker', () => {
  it.each([nobleSha256d, wasmSha256d])('is equal to the readable reference with $name', (backend) => {
    const checker = new ShareChecker(backend);
    const versions = fc.oneof(fc.constant(0x20000000), fc.constant(0x3fffffe0), fc.nat(0xffffffff));
    const ntimes = fc.integer({ min: NOW - 200, max: NOW + 700 });
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.integer({ min: 0, max: 13 }),
        fc.boolean(),
        fc.boolean(),
        fc.bigInt({ min: 1n << 250n, max: (1n << 256n) - 1n }),
        fc.constantFrom(0x1d00ffff, 0x207fffff),
        fc.option(fc.integer({ min: 0, max: 99 }), { nil: undefined }),
        fc.array(
          fc.record({ nonce: fc.nat(20), ntime: ntimes, version: versions, long: fc.boolean(), fill: fc.nat(3) }),
          { maxLength: 12 },
        ),
        (standard, levels, rolling, late, target, nbits, poolPercent, shares) => {
          const prefix = standard ? prefix20 : prefix7;
          const pools = job(16, levels, { versionRollingAllowed: rolling });
          const work = poolPercent === undefined ? pools : jobPaying(pools, { script: MINER, poolPercent });
          if (work === undefined) throw new Error('no job');
          const channel = new MiningChannel({
            kind: standard ? 'standard' : 'extended',
            extranoncePrefix: prefix,
            target: shareTarget(target),
          });
          const on = tip(1, nbits);
          channel.tipSent(work, on, NOW_MS);
          if (late) channel.tipSent(job(32), tip(2), NOW_MS);
          const paid = poolPercent === undefined ? pools : referencePaying(pools, MINER, poolPercent);
          const reference: ReferenceWork = { job: paid, tip: on, late, target, prefix, seen: new Set() };
          for (const share of shares) {
            const extranonce = new Uint8Array((standard ? 0 : 13) + (share.long ? 1 : 0)).fill(share.fill);
            const expected = referenceCheck(reference, { ...share, extranonce }, NOW);
            expect(submit(checker, channel, { ...share, extranonce })).toBe(expected.outcome);
            expect(checker.solution).toBe(expected.solution);
            if (expected.hash !== '') expect(Buffer.from(checker.hash).toString('hex')).toBe(expected.hash);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('takes the extranonce size that a channel of another server than the pool has', () => {
    const checker = new ShareChecker(wasmSha256d);
    const open = () => {
      const sizes = { extranoncePrefix: Uint8Array.of(0, 1), extranonceSize: 4 };
      const channel = new MiningChannel({ kind: 'extended', ...sizes, target: shareTarget(EASY) });
      channel.tipSent(job(16), tip(1), NOW_MS);
      return channel;
    };
    const extranonce = Uint8Array.of(1, 2, 3, 4);
    const nonce = goodNonce(checker, open, { extranonce });
    expect(submit(checker, open(), { nonce, extranonce: new Uint8Array(18) })).toBe('bad-extranonce-size');
    const { coinbasePrefix, coinbaseSuffix, merklePath } = job(16);
    const coinbase = Buffer.concat([coinbasePrefix, Uint8Array.of(0, 1), extranonce, coinbaseSuffix]);
    submit(checker, open(), { nonce, extranonce });
    const root = foldMerklePath(nobleSha256d.sha256d(coinbase), merklePath);
    expect(checker.header.subarray(36, 68)).toEqual(root);
  });

  it('takes a hash that was made ahead for the very header alone', () => {
    const checker = new ShareChecker(nobleSha256d);
    const open = () => {
      const channel = extended();
      channel.tipSent(job(16), tip(1, 0x207fffff), NOW_MS);
      return channel;
    };
    const judged = (nonce: number, ahead?: HashedHeader) => {
      const extranonce = new Uint8Array(13);
      const outcome = checker.check(
        ...([open(), 16, nonce, NOW, 0x20000000, extranonce, 0, extranonce.length, NOW_MS, true, ahead] as const),
      );
      return [outcome, checker.solution, Uint8Array.from(checker.hash), Uint8Array.from(checker.header)] as const;
    };
    fc.assert(
      fc.property(fc.nat(), fc.nat(80 * 8 - 1), (nonce, bit) => {
        const expected = judged(nonce);
        const bytes = Uint8Array.from(expected[3]);
        // It meets every target.
        const hash = new Uint8Array(32);
        const ahead: HashedHeader = {
          header: bytes,
          words: new Uint32Array(bytes.buffer),
          root: Uint8Array.from(bytes.subarray(36, 68)),
          hash,
        };
        expect(judged(nonce, ahead).slice(0, 3)).toEqual([ShareOutcome.accepted, true, hash]);
        bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
        expect(judged(nonce, ahead)).toEqual(expected);
      }),
    );
  });

  it('answers each rule with its code', () => {
    const checker = new ShareChecker(wasmSha256d);
    const open = (target = EASY) => {
      const channel = extended(target);
      channel.tipSent(job(16), tip(1), NOW_MS);
      return channel;
    };
    const nonce = goodNonce(checker, open);
    expect(submit(checker, extended(), { nonce })).toBe('invalid-job-id');
    expect(submit(checker, open(), { nonce, jobId: 48 })).toBe('invalid-job-id');
    expect(submit(checker, open(), { nonce, extranonce: new Uint8Array(12) })).toBe('bad-extranonce-size');
    expect(submit(checker, open(), { nonce, version: 0x20000001 })).toBe('invalid-non-rollable-version-bit');
    expect(submit(checker, open(), { nonce, version: 0xa0000000 })).toBe('invalid-non-rollable-version-bit');
    expect(submit(checker, open(), { nonce, ntime: NOW - 101 })).toBe('invalid-share');
    expect(submit(checker, open(), { nonce, ntime: NOW + 601 })).toBe('invalid-share');
    expect(submit(checker, open(1n), { nonce })).toBe('difficulty-too-low');
    const channel = open();
    expect(submit(checker, channel, { nonce })).toBe('accepted');
    expect(submit(checker, channel, { nonce })).toBe('duplicate-share');
    channel.tipSent(job(32), tip(2), NOW_MS);
    expect(submit(checker, channel, { nonce })).toBe('stale-share');
    channel.tipSent(job(48), tip(3), NOW_MS);
    expect(submit(checker, channel, { nonce })).toBe('invalid-job-id');
    const fixed = extended();
    fixed.tipSent(job(16, 0, { versionRollingAllowed: false }), tip(1), NOW_MS);
    expect(submit(checker, fixed, { nonce, version: 0x20000020 })).toBe('version-rolling-not-allowed');
  });

  it('sees a solution in a late share, and in one that is above the target of its channel', () => {
    const checker = new ShareChecker(wasmSha256d);
    const open = () => {
      const channel = extended();
      channel.tipSent(job(16), tip(1, 0x207fffff), NOW_MS);
      return channel;
    };
    const nonce = goodNonce(checker, open);
    const late = open();
    late.tipSent(job(32), tip(2), NOW_MS);
    expect(submit(checker, late, { nonce })).toBe('stale-share');
    expect(checker.solution).toBe(true);
    const hard = extended(1n);
    hard.tipSent(job(16), tip(1, 0x207fffff), NOW_MS);
    expect(submit(checker, hard, { nonce })).toBe('difficulty-too-low');
    expect(checker.solution).toBe(true);
    expect(submit(checker, extended(), { nonce })).toBe('invalid-job-id');
    expect(checker.solution).toBe(false);
  });

  it('sees a solution on a job of the tip that is too old for a share', () => {
    const checker = new ShareChecker(wasmSha256d);
    const open = () => {
      const channel = extended();
      channel.tipSent(job(16), tip(1, 0x207fffff), NOW_MS);
      return channel;
    };
    const nonce = goodNonce(checker, open);
    const channel = open();
    channel.jobSent(job(32), 32, NOW_MS);
    expect(submit(checker, channel, { nonce, nowMs: NOW_MS + 600_001 })).toBe('invalid-job-id');
    expect(checker.solution).toBe(true);
  });

  it('ends a job at the bound of its filter and still knows its duplicates', () => {
    const checker = new ShareChecker(wasmSha256d, 3);
    const channel = extended((1n << 256n) - 1n);
    channel.tipSent(job(16), tip(1), NOW_MS);
    const answers = [0, 1, 2, 3, 0].map((nonce) => submit(checker, channel, { nonce }));
    expect(answers).toEqual(['accepted', 'accepted', 'accepted', 'invalid-job-id', 'duplicate-share']);
  });
});

describe('MiningChannel', () => {
  const anything = (1n << 256n) - 1n;

  it('keeps the target of an active job and gives the newest to a later one', () => {
    const checker = new ShareChecker(wasmSha256d);
    const channel = extended(anything);
    channel.tipSent(job(16), tip(1), NOW_MS);
    channel.setTarget(shareTarget(1n));
    channel.jobSent(job(32), 32, NOW_MS);
    expect(submit(checker, channel, { jobId: 16 })).toBe('accepted');
    expect(submit(checker, channel, { jobId: 32 })).toBe('difficulty-too-low');
    expect(channel.setTarget(shareTarget(anything))).toBe(true);
    channel.tipSent(job(48), tip(2), NOW_MS);
    expect(submit(checker, channel, { jobId: 48 })).toBe('accepted');
    expect(channel.setTarget(shareTarget(1n))).toBe(false);
    expect(channel.activeTarget.value).toBe(anything);
  });

  it('takes a share of a job and of its reissue once', () => {
    const checker = new ShareChecker(wasmSha256d);
    for (const submitBefore of [true, false]) {
      const channel = extended(anything);
      const work = job(16);
      channel.tipSent(work, tip(1), NOW_MS);
      if (submitBefore) expect(submit(checker, channel, { jobId: 16 })).toBe('accepted');
      channel.jobSent(work, 17, NOW_MS);
      if (!submitBefore) expect(submit(checker, channel, { jobId: 16 })).toBe('accepted');
      expect(submit(checker, channel, { jobId: 17 })).toBe('duplicate-share');
      expect(submit(checker, channel, { jobId: 17, nonce: 1 })).toBe('accepted');
      expect(submit(checker, channel, { jobId: 16, nonce: 1 })).toBe('duplicate-share');
    }
  });

  it('accepts at most 16 jobs of a tip, and a replaced one for ten minutes', () => {
    const checker = new ShareChecker(wasmSha256d);
    const channel = extended(anything);
    channel.tipSent(job(16), tip(1), NOW_MS);
    for (let count = 2; count <= 17; count += 1) channel.jobSent(job(count * 16), count * 16, NOW_MS);
    expect(submit(checker, channel, { jobId: 16 })).toBe('invalid-job-id');
    expect(submit(checker, channel, { jobId: 32 })).toBe('accepted');
    expect(submit(checker, channel, { jobId: 32, nonce: 1, nowMs: NOW_MS + 600_000 })).toBe('accepted');
    expect(submit(checker, channel, { jobId: 32, nonce: 2, nowMs: NOW_MS + 600_001 })).toBe('invalid-job-id');
    expect(submit(checker, channel, { jobId: 17 * 16, nowMs: NOW_MS + 3_600_000, ntime: NOW + 3_600 })).toBe(
      'accepted',
    );
  });

  it('has one merkle root for a job, before and after it was sent', () => {
    const channel = new MiningChannel({ kind: 'standard', extranoncePrefix: prefix20, target: shareTarget(EASY) });
    const work = job(16, 5);
    const next = job(32, 5);
    const fold = vi.spyOn(wasmSha256d, 'foldMerkle');
    const root = Uint8Array.from(channel.rootOf(work, wasmSha256d));
    channel.tipSent(work, tip(1), NOW_MS);
    // What is made for the next job leaves the root of this one alone.
    channel.rootOf(next, wasmSha256d);
    expect(channel.rootOf(work, wasmSha256d)).toEqual(root);
    expect(fold).toHaveBeenCalledTimes(2);
    fold.mockRestore();
    const other = new MiningChannel({ kind: 'standard', extranoncePrefix: prefix20, target: shareTarget(EASY) });
    other.tipSent(work, tip(1), NOW_MS);
    expect(other.rootOf(work, nobleSha256d)).toEqual(root);
  });

  it('takes a root that was made elsewhere for the job that is sent next', () => {
    const channel = new MiningChannel({ kind: 'standard', extranoncePrefix: prefix20, target: shareTarget(EASY) });
    const made = new Uint8Array(32).fill(7);
    const next = job(16, 5);
    channel.takeRoot(next, made);
    // Its bytes are used again by whoever made it.
    made.fill(8);
    expect(channel.rootOf(next, wasmSha256d)).toEqual(new Uint8Array(32).fill(7));
    channel.tipSent(job(32, 5), tip(1), NOW_MS);
    const work = job(48, 5);
    channel.takeRoot(work, new Uint8Array(32).fill(9));
    channel.jobSent(work, 48, NOW_MS);
    expect(channel.rootOf(work, wasmSha256d)).toEqual(new Uint8Array(32).fill(9));
  });
});
