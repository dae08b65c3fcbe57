import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockHash } from '../src/block.ts';
import { displayHash, hashFromDisplay } from '../src/display.ts';
import { decodeHeader, encodeHeader, HEADER_SIZE } from '../src/header.ts';
import { coinbaseMerklePath, foldMerklePath, merkleRoot } from '../src/merkle.ts';
import { nobleSha256d } from '../src/sha256d.ts';
import { compactToTarget, meetsTarget, targetToBytes } from '../src/target.ts';

const hash = (display: string) => hashFromDisplay(display)!;

/** Mainnet block 100,000. */
const BLOCK_100000 = {
  hash: '000000000003ba27aa200b1cecaad478d2b00432346c3f1f3986da1afd33e506',
  header: {
    version: 1,
    prevHash: hash('000000000002d01c1fccc21636b607dfd930d31d01c3a62104612a1719011250'),
    merkleRoot: hash('f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766'),
    ntime: 1293623863,
    nbits: 0x1b04864c,
    nonce: 274148111,
  },
  txids: [
    '8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87',
    'fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4',
    '6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4',
    'e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d',
  ].map(hash),
};

test('the genesis block', () => {
  const header = encodeHeader({
    version: 1,
    prevHash: new Uint8Array(32),
    merkleRoot: hash('4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b'),
    ntime: 1231006505,
    nbits: 0x1d00ffff,
    nonce: 2083236893,
  });
  expect(displayHash(blockHash(header))).toBe('000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f');
});

test('block 100,000: hash, proof of work, merkle root and path', () => {
  const { header, txids } = BLOCK_100000;
  const found = blockHash(encodeHeader(header));
  expect(displayHash(found)).toBe(BLOCK_100000.hash);
  expect(meetsTarget(found, targetToBytes(compactToTarget(header.nbits)))).toBe(true);
  expect(meetsTarget(found, targetToBytes(compactToTarget(header.nbits) >> 10n))).toBe(false);

  expect(merkleRoot(txids)).toEqual(header.merkleRoot);
  const path = coinbaseMerklePath(txids.slice(1));
  expect(path).toHaveLength(2);
  expect(path[0]).toEqual(txids[1]);
  expect(foldMerklePath(txids[0]!, path)).toEqual(header.merkleRoot);
});

test('every field comes back', () => {
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const fields = { version: u32, prevHash: bytes32, merkleRoot: bytes32, ntime: u32, nbits: u32, nonce: u32 };
  fc.assert(
    fc.property(fc.record(fields, { noNullPrototype: true }), (header) => {
      const bytes = encodeHeader(header);
      expect(bytes).toHaveLength(HEADER_SIZE);
      expect(decodeHeader(bytes)).toEqual(header);
      // Also out of the middle of a larger buffer.
      const larger = new Uint8Array(100);
      larger.set(bytes, 7);
      expect(decodeHeader(larger.subarray(7, 87))).toEqual(header);
    }),
  );
});

test('another length is refused', () => {
  const wrongLength = expect.objectContaining({ code: 'wrong-length' });
  expect(() => decodeHeader(new Uint8Array(79))).toThrow(wrongLength);
  expect(() => encodeHeader({ ...BLOCK_100000.header, prevHash: new Uint8Array(31) })).toThrow(wrongLength);
  expect(() => merkleRoot([])).toThrow(wrongLength);
});

/** The definition, level by level, with none of the path's short cuts. */
function plainRoot(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0]!;
  const parents: Uint8Array[] = [];
  for (let index = 0; index < leaves.length; index += 2) {
    parents.push(nobleSha256d.sha256d(Buffer.concat([leaves[index]!, leaves[index + 1] ?? leaves[index]!])));
  }
  return plainRoot(parents);
}

test('roots and paths of trees of any size', () => {
  for (let size = 1; size <= 40; size += 1) {
    const leaves = Array.from({ length: size }, (_, index) => new Uint8Array(32).fill(index + 1));
    const root = plainRoot(leaves);
    expect(merkleRoot(leaves), `size ${size}`).toEqual(root);
    const path = coinbaseMerklePath(leaves.slice(1), nobleSha256d);
    expect(path).toHaveLength(Math.ceil(Math.log2(size)));
    expect(foldMerklePath(leaves[0]!, path, nobleSha256d)).toEqual(root);
  }
});

test('the display form', () => {
  expect(hashFromDisplay(displayHash(BLOCK_100000.header.prevHash))).toEqual(BLOCK_100000.header.prevHash);
  for (const wrong of ['', 'zz'.repeat(32), '00'.repeat(31), `${'00'.repeat(32)}0`]) {
    expect(hashFromDisplay(wrong)).toBeUndefined();
  }
});
