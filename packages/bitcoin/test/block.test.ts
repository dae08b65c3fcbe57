import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assembleBlock, decodeBlock } from '../src/block.ts';
import { encodeHeightPush, witnessCommitment, witnessCommitmentScript } from '../src/coinbase.ts';
import { displayHash } from '../src/display.ts';
import { merkleRoot } from '../src/merkle.ts';
import { decodeTransaction } from '../src/transaction.ts';

interface BlockVector {
  name: string;
  height: number;
  hash: string;
  block: string;
}
const vectors = JSON.parse(
  readFileSync(new URL('./vectors/testnet3-blocks.json', import.meta.url), 'utf8'),
) as BlockVector[];

describe.each(vectors)('testnet3 block $height: $name', ({ height, hash, block }) => {
  const bytes = Uint8Array.from(Buffer.from(block, 'hex'));
  const decoded = decodeBlock(bytes)!;

  test('has its hash, merkle root and height', () => {
    expect(displayHash(decoded.hash)).toBe(hash);
    expect(merkleRoot(decoded.transactions.map(({ txid }) => txid))).toEqual(decoded.header.merkleRoot);
    if (decoded.header.version < 2) return;
    const push = encodeHeightPush(height);
    expect(decoded.transactions[0]!.inputs[0]!.script.subarray(0, push.length)).toEqual(push);
  });

  test('has its witness commitment', () => {
    const [coinbase, ...rest] = decoded.transactions;
    const committed = coinbase!.outputs.findLast(
      ({ script }) => Buffer.from(script).toString('hex', 0, 6) === '6a24aa21a9ed',
    );
    expect(committed !== undefined).toBe(coinbase!.inputs[0]!.witness.length > 0);
    if (committed === undefined) return;
    const expected = witnessCommitmentScript(witnessCommitment(rest.map(({ wtxid }) => wtxid)));
    expect(Buffer.from(committed.script)).toEqual(Buffer.from(expected));
    expect(coinbase!.inputs[0]!.witness).toEqual([new Uint8Array(32)]);
  });

  test('weighs what its bytes say, and is put together again', () => {
    const bodies = decoded.transactions.map((transaction) => transaction.bytes);
    expect(assembleBlock(bytes.subarray(0, 80), bodies[0]!, bodies.slice(1))).toEqual(bytes);
    const stripped = decoded.transactions.reduce((sum, { weight, size }) => sum + (weight - size) / 3, 81);
    expect(decoded.weight).toBe(3 * stripped + bytes.length);
    for (const [index, body] of bodies.entries()) {
      expect(decodeTransaction(body)?.wtxid).toEqual(decoded.transactions[index]!.wtxid);
    }
  });

  test('is nothing when cut short or followed by a byte', () => {
    for (let length = 0; length < Math.min(bytes.length, 700); length += 1) {
      expect(decodeBlock(bytes.subarray(0, length))).toBeUndefined();
    }
    expect(decodeBlock(bytes.subarray(0, -1))).toBeUndefined();
    expect(decodeBlock(Buffer.concat([bytes, Buffer.of(0)]))).toBeUndefined();
  });
});

test('a vector with witnesses has other wtxids and less weight than four times its size', () => {
  const { transactions } = decodeBlock(Buffer.from(vectors.find(({ height }) => height === 926485)!.block, 'hex'))!;
  const different = transactions.filter(({ txid, wtxid }) => displayHash(txid) !== displayHash(wtxid));
  expect(different).toHaveLength(2);
  for (const { weight, size } of different) expect(weight).toBeLessThan(4 * size);
});

test('any bytes decode to something or nothing', () => {
  const seeds = vectors.map(({ block }) => Buffer.from(block, 'hex'));
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      (seed, changes) => {
        const bytes = Buffer.from(seed);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const block = decodeBlock(bytes);
        if (block !== undefined) expect(block.transactions.length).toBeGreaterThan(0);
      },
    ),
  );
});

test.each([
  ['no inputs', '01000000' + '00' + '00' + '00000000'],
  ['a witness that is empty', `01000000000101${'00'.repeat(36)}00ffffffff000000000000`],
  ['a count that is longer than needed', `01000000fd0100${'00'.repeat(36)}00ffffffff0000000000`],
  ['more inputs than bytes', '01000000' + 'ffffffffffffffff01'],
])('a transaction with %s is none', (_, hex) => {
  expect(decodeTransaction(Buffer.from(hex, 'hex'))).toBeUndefined();
});

test('a block has a coinbase', () => {
  const header = Buffer.from(vectors[0]!.block, 'hex').subarray(0, 80);
  expect(decodeBlock(Buffer.concat([header, Buffer.of(0)]))).toBeUndefined();
});

test('a header of another length cannot be put in a block', () => {
  expect(() => assembleBlock(new Uint8Array(79), new Uint8Array(60), [])).toThrow(
    expect.objectContaining({ code: 'wrong-length' }),
  );
});
