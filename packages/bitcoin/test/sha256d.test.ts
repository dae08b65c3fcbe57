import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256, sha256d } from '../src/hash.ts';
import { nobleSha256d } from '../src/sha256d.ts';
import { wasmSha256d } from '../src/sha256d-wasm.ts';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

function into(write: (out: Uint8Array) => void): Uint8Array {
  const out = new Uint8Array(32);
  write(out);
  return out;
}

describe('reference', () => {
  test('gives the digests of FIPS 180-2', () => {
    expect(Buffer.from(sha256(Buffer.from('abc'))).toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(sha256d(Buffer.from('abc'))).toEqual(sha256(sha256(Buffer.from('abc'))));
  });
});

describe('WebAssembly equals the reference', () => {
  test('for every length around a block and the size of its input', () => {
    for (let length = 0; length < 1200; length += 1) {
      const data = Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 0xff);
      expect(Buffer.compare(wasmSha256d.sha256d(data), sha256d(data)), `length ${length}`).toBe(0);
    }
  });

  test('for the beginning of a longer buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 1500 }), fc.nat(), (data, at) => {
        const length = at % data.length;
        expect(into((out) => wasmSha256d.sha256dInto(data, length, out))).toEqual(
          into((out) => nobleSha256d.sha256dInto(data, length, out)),
        );
      }),
    );
  });

  test('for headers', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 80, maxLength: 80 }), (header) => {
        expect(into((out) => wasmSha256d.header(header, out))).toEqual(into((out) => nobleSha256d.header(header, out)));
      }),
    );
  });

  test('for pairs and paths, also when the result goes over an operand', () => {
    fc.assert(
      fc.property(bytes32, bytes32, fc.array(bytes32, { maxLength: 14 }), (left, right, path) => {
        const pair = into((out) => nobleSha256d.pair(left, right, out));
        const root = into((out) => nobleSha256d.foldMerkle(left, path, out));
        expect(into((out) => wasmSha256d.foldMerkle(left, path, out))).toEqual(root);
        for (const backend of [nobleSha256d, wasmSha256d]) {
          const [overLeft, overRight, overLeaf] = [left, right, left].map((operand) => Uint8Array.from(operand));
          backend.pair(overLeft!, right, overLeft!);
          backend.pair(left, overRight!, overRight!);
          backend.foldMerkle(overLeaf!, path, overLeaf!);
          expect([overLeft, overRight, overLeaf]).toEqual([pair, pair, root]);
        }
      }),
    );
  });

  test('whatever was hashed before', () => {
    const header = new Uint8Array(80).fill(3);
    const expected = sha256d(header);
    wasmSha256d.sha256d(new Uint8Array(5000).fill(9));
    expect(into((out) => wasmSha256d.header(header, out))).toEqual(expected);
  });
});
