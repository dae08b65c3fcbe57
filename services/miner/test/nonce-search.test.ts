import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { meetsTarget } from '@sluice/bitcoin/target';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NonceSearch } from '../src/hashing/nonce-search.ts';

const search = new NonceSearch(nobleSha256d);

/** The nonces whose headers meet the target, by the plain definition. */
function expected(header: Uint8Array, target: Uint8Array, first: number, count: number): number[] {
  const found: number[] = [];
  const copy = header.slice();
  const view = new DataView(copy.buffer);
  for (let position = first; position < first + count; position++) {
    view.setUint32(76, position);
    if (meetsTarget(nobleSha256d.sha256d(copy), target)) found.push(view.getUint32(76, true));
  }
  return found;
}

function found(header: Uint8Array, target: Uint8Array, first: number, count: number): number[] {
  const nonces: number[] = [];
  search.search(header.slice(), target, first, count, (nonce) => nonces.push(nonce));
  return nonces;
}

describe('NonceSearch', () => {
  it('finds what the plain definition finds, and nothing else', () => {
    const input = fc.record({
      header: fc.uint8Array({ minLength: 80, maxLength: 80 }),
      // From every second hash to one in 2^10.
      zeroBits: fc.integer({ min: 1, max: 10 }),
      first: fc.integer({ min: 0, max: 2 ** 30 - 1 }).map((value) => value * 4),
      groups: fc.integer({ min: 1, max: 200 }),
    });
    fc.assert(
      fc.property(input, ({ header, zeroBits, first, groups }) => {
        const target = new Uint8Array(32).fill(0x5a);
        new DataView(target.buffer).setUint32(28, 0xffff_ffff >>> zeroBits, true);
        expect(found(header, target, first, groups * 4)).toEqual(expected(header, target, first, groups * 4));
      }),
      { numRuns: 30 },
    );
  });

  it('takes every nonce when every hash is a share', () => {
    const nonces = found(new Uint8Array(80), new Uint8Array(32).fill(0xff), 0, 64);
    expect(new Set(nonces).size).toBe(64);
  });

  it('finds the genesis block', () => {
    const header = Buffer.from(
      '0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d00000000',
      'hex',
    );
    const target = new Uint8Array(32);
    target[26] = target[27] = 0xff;
    // Its nonce 0x7c2bac1d is read big-endian here: 0x1dac2b7c.
    expect(found(Uint8Array.from(header), target, 0x1dac_2b00, 0x100)).toEqual([0x7c2b_ac1d]);
  });
});
