// Jobs and tips for the tests of this package.
import { encodeHeightPush } from '@sluice/bitcoin/coinbase';
import { buildJobCoinbase, emptyTemplate } from '../src/build-job.ts';
import { type ExtendedJob, type Tip, tipOf } from '../src/job.ts';

export const EASY = (1n << 255n) - 1n;
export const NOW_MS = 1_700_000_000_000;
export const NOW = NOW_MS / 1000;

/** Its merkle path has `levels` siblings. */
export function job(jobId: number, levels = 0, overrides: Partial<ExtendedJob> = {}): ExtendedJob {
  const template = { ...emptyTemplate(1_000, 'regtest'), coinbasePrefix: encodeHeightPush(1_000) };
  return {
    jobId,
    height: 1_000,
    version: 0x20000000,
    versionRollingAllowed: true,
    merklePath: Array.from({ length: levels }, (_, level) => new Uint8Array(32).fill(level + 1)),
    ...buildJobCoinbase(template, jobId, {
      payouts: [{ script: Uint8Array.of(0x51), weight: 1 }],
      tag: Buffer.from('/test/'),
    }),
    provider: 'test',
    templateId: 7n,
    ...overrides,
  };
}

export function tip(feed: number, nbits = 0x1d00ffff): Tip {
  return tipOf({ feed, prevHash: new Uint8Array(32).fill(feed), nbits, minNtime: NOW - 100 });
}
