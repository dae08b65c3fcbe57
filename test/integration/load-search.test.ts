// The load tool's shares: each meets the target of its job by the readable reference, and none is sent twice, also where a header has no
// nonces left.
import { writeHeader } from '@sluice/bitcoin/header';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { meetsTarget, targetToBytes } from '@sluice/bitcoin/target';
import { targetOfHashes } from '@sluice/mining/vardiff-difficulty';
import { readU32 } from '@sluice/sv2/bytes';
import { encodePayload } from '@sluice/sv2/message';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { describe, expect, it } from 'vitest';
import { ChannelWork, storeJob } from '../load/channel-work.ts';
import { ShareSearch } from '../load/share-search.ts';

const NONCES = 2 ** 32;
const JOB_ID = 7;
const MIN_NTIME = 1_700_000_000;
const VERSION = 0x2000_0000;
const prefix = new Uint8Array(8).fill(3);
const merklePath = [1, 2].map((fill) => new Uint8Array(32).fill(fill));
const prevHash = new Uint8Array(32).fill(9);
const coinbaseTxPrefix = new Uint8Array(50).fill(4);
const coinbaseTxSuffix = new Uint8Array(60).fill(5);
const merkleRoot = new Uint8Array(32).fill(6);
const HARD_NBITS = 0x1b00ffff;
const EASIEST_NBITS = 0x207fffff;

function workOf(kind: 'standard' | 'extended', hashes: number, nbits = HARD_NBITS): ChannelWork {
  const work = new ChannelWork(prefix, kind === 'extended' ? 12 : 0, targetToBytes(targetOfHashes(hashes)));
  const fields = { channelId: 2, jobId: JOB_ID, minNtime: undefined, version: VERSION };
  const payload =
    kind === 'standard'
      ? encodePayload(NewMiningJob, { ...fields, merkleRoot })
      : encodePayload(NewExtendedMiningJob, {
          ...{ ...fields, merklePath, coinbaseTxPrefix, coinbaseTxSuffix },
          versionRollingAllowed: true,
        });
  work.onJob(storeJob(payload, kind === 'standard'));
  work.onTip({ channelId: 2, jobId: JOB_ID, prevHash, minNtime: MIN_NTIME, nbits });
  return work;
}

/** Names of so many shares, each checked by the reference. */
function shares(work: ChannelWork, search: ShareSearch, count: number): readonly string[] {
  const names: string[] = [];
  for (let calls = 0; names.length < count && calls < 1_000; calls++) {
    expect(work.prepare(wasmSha256d)).toBe(true);
    if (!search.find(work)) continue;
    const { version, ntime, extranonce, target } = work;
    const header = new Uint8Array(80);
    writeHeader(header, version, prevHash, rootOf(extranonce), ntime, readU32(work.header, 72), search.nonce);
    expect(meetsTarget(nobleSha256d.sha256d(header), target)).toBe(true);
    expect(ntime).toBe(MIN_NTIME);
    names.push(`${version} ${Buffer.from(extranonce).toString('hex')} ${search.nonce}`);
  }
  expect(names).toHaveLength(count);
  return names;
}

function rootOf(extranonce: Uint8Array): Uint8Array {
  if (extranonce.length === 0) return merkleRoot;
  const coinbase = Buffer.concat([coinbaseTxPrefix, prefix, extranonce, coinbaseTxSuffix]);
  const root = new Uint8Array(32);
  nobleSha256d.foldMerkle(nobleSha256d.sha256d(coinbase), merklePath, root);
  return root;
}

describe.each(['standard', 'extended'] as const)('shares of a channel: %s', (kind) => {
  it.each([1, 5, 200])('meet a target of %i hashes, none twice, over the end of the nonces', (hashes) => {
    const work = workOf(kind, hashes);
    work.position = NONCES - 10 * hashes - 3;
    const names = shares(work, new ShareSearch(wasmSha256d, false), 50);
    expect(new Set(names).size).toBe(names.length);
    const headers = new Set(names.map((name) => name.slice(0, name.lastIndexOf(' '))));
    expect(headers.size).toBe(2);
  });

  it('are no blocks unless blocks are wanted', () => {
    const held = new ShareSearch(wasmSha256d, false);
    shares(workOf(kind, 1, EASIEST_NBITS), held, 50);
    expect(held.blocksHeldBack).toBeGreaterThan(10);
    const sent = new ShareSearch(wasmSha256d, true);
    shares(workOf(kind, 1, EASIEST_NBITS), sent, 50);
    expect(sent.blocksHeldBack).toBe(0);
  });
});

describe('work of a channel', () => {
  it('keeps the target of an active job, and takes a new one with the next', () => {
    const work = workOf('standard', 5);
    const harder = targetToBytes(targetOfHashes(50));
    work.setTarget(harder);
    work.prepare(wasmSha256d);
    expect(work.hashes).toBeCloseTo(5, 3);
    const next = { channelId: 2, jobId: JOB_ID + 1, minNtime: MIN_NTIME + 30, version: VERSION, merkleRoot };
    work.onJob(storeJob(encodePayload(NewMiningJob, next), true));
    work.prepare(wasmSha256d);
    expect(work.hashes).toBeCloseTo(50, 3);
    expect(work.ntime).toBe(MIN_NTIME + 30);
  });

  it('has none after a tip that names a job which is not there', () => {
    const work = workOf('standard', 1);
    work.onTip({ channelId: 2, jobId: 99, prevHash, minNtime: MIN_NTIME, nbits: HARD_NBITS });
    expect(work.hasJob).toBe(false);
    expect(work.prepare(wasmSha256d)).toBe(false);
  });
});
