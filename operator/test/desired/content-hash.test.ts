import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentHash } from '../../src/desired/content-hash.ts';

describe('the hash of a content', () => {
  it('is what releases before have made of it', () => {
    expect(contentHash({ b: [1, { d: 'x', c: null }], a: true })).toMatchInlineSnapshot(`"10ea11db42"`);
  });

  it('does not depend on the order of fields, nor on fields without a value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries([...Object.entries(value).reverse(), ['absent', undefined]]);
        expect(contentHash(reversed)).toBe(contentHash({ absent: undefined, ...value }));
      }),
    );
  });

  it('depends on the order of a list, and on every value', () => {
    const hashes = [[1, 2], [2, 1], [1], ['1'], { 0: 1 }, { a: { b: 1 } }, { a: { b: 2 } }, { a: null }, {}].map(
      contentHash,
    );
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
