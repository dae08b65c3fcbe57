import { sha256d } from '@sluice/bitcoin/hash';
import { decodeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { describe, expect, it } from 'vitest';
import { ClientChannel, type Work } from '../src/channel.ts';
import { NONCE_SPACE } from '../src/hashing/nonce-search.ts';
import { ROLLABLE_VERSION_BITS, rollVersion, SearchSpace } from '../src/search-space.ts';
import { extendedJob, filled, MIN_NTIME, newTip, standardJob } from './fake-pool.ts';

const NOW = 1_700_000_100_000;

function workOf(kind: 'standard' | 'extended', rolling = true): Work {
  const channel = new ClientChannel({
    ...{ kind, channelId: 2, groupChannelId: 1, target: filled(0xff), extranoncePrefix: filled(3, 8) },
    extranonceSize: kind === 'standard' ? 0 : 12,
  });
  if (kind === 'standard') channel.addStandardJob(standardJob(2, 5), NOW);
  else channel.addExtendedJob({ ...extendedJob(2, 5), versionRollingAllowed: rolling }, NOW);
  channel.setNewPrevHash(newTip(2, 5), NOW);
  return channel.work!;
}

const space = (work: Work, start = 0, versionRolling = true) =>
  new SearchSpace(work, { sha256d: nobleSha256d, versionRolling, start });

describe('SearchSpace', () => {
  it('gives the nonces of a header first, each once', () => {
    const searched = space(workOf('standard'));
    const first = searched.take(1_000, NOW)!;
    const second = searched.take(NONCE_SPACE, NOW)!;
    expect([first.first, first.count, second.first, second.count]).toEqual([0, 1_000, 1_000, NONCE_SPACE - 1_000]);
    expect(second.header).toBe(first.header);
    expect(searched.take(4, NOW)!.header).not.toEqual(first.header);
  });

  it('rolls the version bits of BIP 323 and nothing else of a standard job', () => {
    const searched = space(workOf('standard'), 77);
    const headers = Array.from({ length: 50 }, () => searched.take(NONCE_SPACE, NOW)!);
    expect(new Set(headers.map(({ version }) => version)).size).toBe(50);
    for (const { header, version, ntime, extranonce } of headers) {
      const decoded = decodeHeader(header);
      expect(decoded).toMatchObject({ version, ntime, merkleRoot: filled(5), prevHash: filled(0x77) });
      expect((version & ~ROLLABLE_VERSION_BITS) >>> 0).toBe((0x2000_0000 & ~ROLLABLE_VERSION_BITS) >>> 0);
      expect([ntime, extranonce.length]).toEqual([MIN_NTIME, 0]);
    }
  });

  it('has for a standard job of a fixed version one header a second', () => {
    const searched = space(workOf('standard'), 77, false);
    expect(searched.take(NONCE_SPACE, NOW)).toMatchObject({ ntime: MIN_NTIME, version: 0x2000_0000 });
    expect(searched.take(4, NOW + 999)).toBeUndefined();
    expect(searched.take(NONCE_SPACE, NOW + 1_000)).toMatchObject({ ntime: MIN_NTIME + 1 });
    expect(searched.take(4, NOW + 1_999)).toBeUndefined();
  });

  it('rolls the extranonce where the version is fixed, and builds the merkle root from it', () => {
    const searched = space(workOf('extended', false), 0x0102_0304);
    const [a, b] = [searched.take(NONCE_SPACE, NOW)!, searched.take(NONCE_SPACE, NOW + 3_000)!];
    expect([...a.extranonce]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    expect([...b.extranonce].slice(-4)).toEqual([1, 2, 3, 5]);
    expect([a.version, b.version, b.ntime]).toEqual([0x2000_0000, 0x2000_0000, MIN_NTIME + 3]);
    const coinbase = Buffer.concat([filled(0x11, 50), filled(3, 8), a.extranonce, filled(0x22, 40)]);
    const root = foldMerklePath(sha256d(coinbase), [filled(0xaa), filled(0xbb)]);
    expect(decodeHeader(a.header).merkleRoot).toEqual(root);
  });

  it('keeps what is not rolled of a version, however far it counts', () => {
    expect(rollVersion(0x2000_0000, 1)).toBe(0x2000_0020);
    expect(rollVersion(0x3fff_ffe4, 1)).toBe(0x2000_0004);
    expect(rollVersion(0xffff_ffff, 2 ** 24)).toBe(0xffff_ffff);
  });
});
