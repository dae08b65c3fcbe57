// The readable counterpart of the audit: what honest shares of one job are worth, with objects, bigints and one hash after the other.
import { coinbaseTxid } from '@sluice/bitcoin/coinbase';
import { sha256d } from '@sluice/bitcoin/hash';
import { encodeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { targetFromBytes, workOfTarget } from '@sluice/bitcoin/target';
import { coinbaseOf } from '@sluice/mining/share-check';
import type { Credit } from '../src/credit-sums.ts';
import type { KnownJob } from '../src/job-history.ts';
import type { TestShare } from './fake-pool.ts';

/** Credits in the order in which workers first appear; repeats and hashes above the target count nothing. */
export function referenceCredit({ job, tip }: KnownJob, shares: readonly TestShare[]): Credit[] {
  const seen = new Set<string>();
  const credits = new Map<string, Credit>();
  for (const { channel, extranonce, version, ntime, nonce, target } of shares) {
    const coinbase = coinbaseOf(job, channel.extranoncePrefix, extranonce);
    const merkleRoot = foldMerklePath(coinbaseTxid(coinbase), job.merklePath, nobleSha256d);
    const header = encodeHeader({ version, prevHash: tip.prevHash, merkleRoot, ntime, nbits: tip.nbits, nonce });
    const hash = sha256d(header);
    const name = Buffer.from(hash).toString('hex');
    if (targetFromBytes(hash) > target || seen.has(name)) continue;
    seen.add(name);
    const { identity, worker } = channel;
    const before = credits.get(`${identity} ${worker}`) ?? { identity, worker, shares: 0, work: 0n };
    credits.set(`${identity} ${worker}`, {
      ...before,
      shares: before.shares + 1,
      work: before.work + workOfTarget(target),
    });
  }
  return [...credits.values()];
}
