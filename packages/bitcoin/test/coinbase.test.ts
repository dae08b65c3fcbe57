import { readFileSync } from 'node:fs';
import { OutScript } from '@scure/btc-signer/payment.js';
import { Script } from '@scure/btc-signer/script.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBlock } from '../src/block.ts';
import {
  buildCoinbase,
  type CoinbaseParts,
  coinbaseTxid,
  committedWitness,
  decodeHeightPush,
  emptyWitnessCommitment,
  encodeHeightPush,
  encodeOutput,
  witnessCoinbase,
  witnessCommitmentScript,
} from '../src/coinbase.ts';
import { concatBytes } from '../src/serialize.ts';
import { decodeOutputs, decodeTransaction } from '../src/transaction.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const coded = (code: string) => expect.objectContaining({ code });
const script = OutScript.encode({ type: 'wpkh', hash: new Uint8Array(20).fill(7) });

const parts: CoinbaseParts = {
  version: 2,
  coinbasePrefix: encodeHeightPush(840_000),
  tag: Buffer.from('/sluice/'),
  extranonceSize: 20,
  sequence: 0xfffffffe,
  locktime: 839_999,
  outputs: [{ value: 312_500_000n, script }],
};
const commitment = { value: 0n, script: witnessCommitmentScript(emptyWitnessCommitment()) };

test('height pushes are what Bitcoin Core writes', () => {
  const rows: [number, string][] = [
    [0, '00'],
    [1, '51'],
    [16, '60'],
    [17, '0111'],
    [127, '017f'],
    [128, '028000'],
    [255, '02ff00'],
    [256, '020001'],
    [32767, '02ff7f'],
    [32768, '03008000'],
    [227_836, '03fc7903'],
    [840_000, '0340d10c'],
    [8_388_608, '0400008000'],
    [0x7fffffff, '04ffffff7f'],
  ];
  for (const [height, push] of rows) {
    expect(hex(encodeHeightPush(height))).toBe(push);
    if (height > 16) expect(hex(Script.encode([height]))).toBe(push);
    const bytes = Buffer.from(push, 'hex');
    expect(decodeHeightPush(bytes)).toBe(height);
    expect(decodeHeightPush(Buffer.concat([bytes, Buffer.from('00')]))).toBe(height);
  }
  for (const height of [-1, 0.5, 0x80000000, Number.NaN]) {
    expect(() => encodeHeightPush(height)).toThrow(coded('number-out-of-range'));
  }
});

test.each([
  ['nothing', ''],
  ['an opcode that is no number', '6a'],
  ['a push longer than it says', '03fc79'],
  ['a push that is not the shortest', '04fc790300'],
  ['a small number by its bytes', '0105'],
  ['a negative number', '0181'],
  ['more than 31 bits', '050000000001'],
])('%s is no height push', (_, push) => {
  expect(decodeHeightPush(Buffer.from(push, 'hex'))).toBeUndefined();
});

test('the last commitment among outputs counts, and others are none', () => {
  const [first, last] = [1, 2].map((fill) => witnessCommitmentScript(new Uint8Array(32).fill(fill)));
  const short = first!.subarray(0, 37);
  const outputs = [script, first!, last!, short].map((each) => ({ value: 0n, script: each }));
  expect(committedWitness(outputs)).toEqual(new Uint8Array(32).fill(2));
  expect(committedWitness(outputs.slice(0, 1))).toBeUndefined();
});

test('outputs are read as they were written, and only as many as there are', () => {
  const outputs = [{ value: 5n, script }, commitment];
  const bytes = concatBytes(...outputs.map(encodeOutput));
  expect(decodeOutputs(bytes, 2)).toEqual(outputs);
  expect(decodeOutputs(new Uint8Array(), 0)).toEqual([]);
  for (const count of [0, 1, 3, 0xffff_ffff]) expect(decodeOutputs(bytes, count)).toBeUndefined();
  expect(decodeOutputs(bytes.subarray(0, -1), 2)).toBeUndefined();
});

test('the commitment of an empty block is the well-known one', () => {
  expect(hex(commitment.script)).toBe('6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9');
});

describe('a coinbase', () => {
  test('is read back as it was asked for', () => {
    const { prefix, suffix } = buildCoinbase({
      ...parts,
      trailingOutputs: { count: 1, bytes: encodeOutput(commitment) },
    });
    const extranonce = new Uint8Array(20).map((_, index) => index);
    const stripped = concatBytes(prefix, extranonce, suffix);
    const read = decodeTransaction(stripped)!;
    expect(read).toMatchObject({ version: 2, locktime: 839_999 });
    expect(read.inputs).toHaveLength(1);
    expect(read.inputs[0]).toMatchObject({ prevIndex: 0xffffffff, sequence: 0xfffffffe });
    expect(read.inputs[0]!.prevTxid).toEqual(new Uint8Array(32));
    expect(hex(read.inputs[0]!.script)).toBe(
      `0340d10c08${Buffer.from('/sluice/').toString('hex')}14${hex(extranonce)}`,
    );
    expect(read.outputs.map(({ value, script: output }) => [value, hex(output)])).toEqual([
      [312_500_000n, hex(script)],
      [0n, hex(commitment.script)],
    ]);

    const full = decodeTransaction(witnessCoinbase(stripped))!;
    expect(full.txid).toEqual(coinbaseTxid(stripped));
    expect(full.txid).toEqual(read.txid);
    expect(full.inputs[0]!.witness).toEqual([new Uint8Array(32)]);
    expect(full.weight).toBe(read.weight + 36);
  });

  test('has many outputs, a long tag or none', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 300 }),
        fc.nat({ max: 74 }),
        fc.integer({ min: 1, max: 75 }),
        fc.integer({ min: 0, max: 0x7fffffff }),
        (outputs, tagSize, extranonceSize, height) => {
          const asked = {
            ...parts,
            coinbasePrefix: encodeHeightPush(height),
            tag: new Uint8Array(tagSize).fill(0x61),
            extranonceSize,
            outputs: Array.from({ length: outputs }, (_, index) => ({ value: BigInt(index), script })),
          };
          const scriptSize = asked.coinbasePrefix.length + tagSize + (tagSize > 0 ? 1 : 0) + 1 + extranonceSize;
          if (scriptSize > 100) {
            expect(() => buildCoinbase(asked)).toThrow(coded('coinbase-script-too-long'));
            return;
          }
          const { prefix, suffix } = buildCoinbase(asked);
          const read = decodeTransaction(concatBytes(prefix, new Uint8Array(extranonceSize), suffix))!;
          expect(read.inputs[0]!.script).toHaveLength(scriptSize);
          expect(read.outputs).toHaveLength(outputs);
        },
      ),
    );
  });

  test('takes a tag of 76 bytes with the longer push', () => {
    const { prefix } = buildCoinbase({ ...parts, tag: new Uint8Array(76).fill(0x61), extranonceSize: 8 });
    expect(hex(prefix.subarray(42 + 4, 42 + 6))).toBe('4c4c');
  });

  test.each([0, 76, 1.5, Number.NaN])('has no extranonce of %d bytes', (extranonceSize) => {
    expect(() => buildCoinbase({ ...parts, extranonceSize })).toThrow(coded('number-out-of-range'));
  });

  test('refuses a tag of any other size that does not fit', () => {
    for (const size of [77, 255, 256, 1000]) {
      expect(() => buildCoinbase({ ...parts, tag: new Uint8Array(size) })).toThrow(coded('coinbase-script-too-long'));
    }
  });

  test('refuses an amount that has no encoding', () => {
    expect(() => buildCoinbase({ ...parts, outputs: [{ value: -1n, script }] })).toThrow(coded('number-out-of-range'));
  });
});

describe.each([
  // Height and a counter; the extranonce is where the pool wrote /P2SH/.
  { height: 180_480, coinbasePrefix: '0300c102', tag: '4608', extranonceSize: 6 },
  // With witness and commitment: the extranonce is where the pool wrote its name.
  {
    height: 926_485,
    coinbasePrefix: '0315230e0004ae03ca57043e3d1e1d',
    tag: '8796bf579aef0c0000000000',
    extranonceSize: 18,
  },
])('the coinbase of testnet3 block $height', ({ height, coinbasePrefix, tag, extranonceSize }) => {
  const vectors = JSON.parse(
    readFileSync(new URL('./vectors/testnet3-blocks.json', import.meta.url), 'utf8'),
  ) as readonly { readonly height: number; readonly block: string }[];
  const block = Buffer.from(vectors.find((vector) => vector.height === height)!.block, 'hex');
  const real = decodeBlock(block)!.transactions[0]!;

  test('is built byte for byte, however its outputs are given', () => {
    const input = real.inputs[0]!;
    expect(hex(input.script).startsWith(hex(encodeHeightPush(height)))).toBe(true);
    const common = {
      ...{ version: real.version, locktime: real.locktime, sequence: input.sequence, extranonceSize },
      ...{ coinbasePrefix: Buffer.from(coinbasePrefix, 'hex'), tag: Buffer.from(tag, 'hex') },
    };
    for (let own = 0; own <= real.outputs.length; own += 1) {
      const trailing = real.outputs.slice(own);
      const bytes = concatBytes(...trailing.map(encodeOutput));
      const { prefix, suffix } = buildCoinbase({
        ...{ ...common, outputs: real.outputs.slice(0, own), trailingOutputs: { count: trailing.length, bytes } },
      });
      const stripped = concatBytes(prefix, input.script.subarray(-extranonceSize), suffix);
      expect(coinbaseTxid(stripped)).toEqual(real.txid);
      const carried = input.witness.length > 0 ? witnessCoinbase(stripped) : stripped;
      expect(hex(carried)).toBe(hex(real.bytes));
    }
  });
});

test('only a coinbase without witness can be given one', () => {
  const { prefix, suffix } = buildCoinbase(parts);
  const full = witnessCoinbase(concatBytes(prefix, new Uint8Array(20), suffix));
  expect(() => witnessCoinbase(full)).toThrow(coded('coinbase-invalid'));
  expect(() => witnessCoinbase(new Uint8Array(20))).toThrow(coded('coinbase-invalid'));
  const stripped = concatBytes(prefix, new Uint8Array(20), suffix);
  for (const at of [5, 36, 37, 40]) {
    const spending = Uint8Array.from(stripped);
    spending[at]! ^= 1;
    expect(() => witnessCoinbase(spending)).toThrow(coded('coinbase-invalid'));
  }
  expect(() => witnessCoinbase(concatBytes(stripped, Uint8Array.of(0)))).toThrow(coded('coinbase-invalid'));
  expect(() => witnessCommitmentScript(new Uint8Array(31))).toThrow(coded('wrong-length'));
});
