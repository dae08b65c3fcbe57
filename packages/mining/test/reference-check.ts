// The rules of a share once more, written to be read: bigints, objects and @noble/hashes. The fast checker is held equal to it.
import { encodeOutput } from '@sluice/bitcoin/coinbase';
import { sha256d } from '@sluice/bitcoin/hash';
import { encodeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { compactToTarget, targetFromBytes } from '@sluice/bitcoin/target';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import type { ExtendedJob, Tip } from '../src/job.ts';

export interface ReferenceShare {
  readonly nonce: number;
  readonly ntime: number;
  readonly version: number;
  readonly extranonce: Uint8Array;
}

export interface ReferenceWork {
  readonly job: ExtendedJob;
  readonly tip: Tip;
  readonly late: boolean;
  readonly target: bigint;
  readonly prefix: Uint8Array;
  readonly seen: Set<string>;
}

export interface ReferenceAnswer {
  readonly outcome: string;
  readonly solution: boolean;
  readonly hash: string;
}

export function referenceCheck(work: ReferenceWork, share: ReferenceShare, nowSeconds: number): ReferenceAnswer {
  const { job, tip } = work;
  if (work.prefix.length + share.extranonce.length !== 20)
    return { outcome: 'bad-extranonce-size', solution: false, hash: '' };
  const coinbase = Buffer.concat([job.coinbasePrefix, work.prefix, share.extranonce, job.coinbaseSuffix]);
  const merkleRoot = foldMerklePath(sha256d(coinbase), job.merklePath, nobleSha256d);
  const header = encodeHeader({ ...share, prevHash: tip.prevHash, merkleRoot, nbits: tip.nbits });
  const hash = sha256d(header);
  const value = targetFromBytes(hash);
  const answer = (outcome: string): ReferenceAnswer => ({
    outcome,
    solution: value <= compactToTarget(tip.nbits),
    hash: Buffer.from(hash).toString('hex'),
  });
  if (work.late) return answer('stale-share');
  for (let bit = 0; bit < 32; bit += 1) {
    const differs = ((share.version >>> bit) & 1) !== ((job.version >>> bit) & 1);
    if (differs && (bit < 5 || bit > 28)) return answer('invalid-non-rollable-version-bit');
  }
  if (share.version !== job.version && !job.versionRollingAllowed) return answer('version-rolling-not-allowed');
  if (share.ntime < tip.minNtime || share.ntime > nowSeconds + 600) return answer('invalid-share');
  if (value > work.target) return answer('difficulty-too-low');
  const key = Buffer.from(hash).toString('hex');
  if (work.seen.has(key)) return answer('duplicate-share');
  work.seen.add(key);
  return answer('accepted');
}

/** The job with its coinbase taken apart as a transaction and paid out once more; the pool has one output in it. */
export function referencePaying(job: ExtendedJob, miner: Uint8Array, poolPercent: number): ExtendedJob {
  const { coinbasePrefix, coinbaseSuffix } = job;
  const coinbase = decodeTransaction(Buffer.concat([coinbasePrefix, new Uint8Array(20), coinbaseSuffix]));
  const [pool, ...templates] = coinbase?.outputs ?? [];
  if (pool === undefined) throw new Error('no coinbase of the pool');
  const kept = (pool.value * BigInt(poolPercent)) / 100n;
  const paid = [{ value: pool.value - kept, script: miner }];
  const outputs = [...(poolPercent === 0 ? [] : [{ value: kept, script: pool.script }]), ...paid, ...templates];
  const sequence = coinbaseSuffix.subarray(0, 4);
  const locktime = coinbaseSuffix.subarray(-4);
  const suffix = Buffer.concat([sequence, Uint8Array.of(outputs.length), ...outputs.map(encodeOutput), locktime]);
  return { ...job, coinbaseSuffix: suffix };
}
