import { sha256d } from '@sluice/bitcoin/hash';
import { encodeHeader } from '@sluice/bitcoin/header';
import type { Network } from '@sluice/bitcoin/network';
import { describe, expect, it } from 'vitest';
import { KNOWN_PARENTS_BOUND, RequiredWork } from '../src/required-work.ts';

const parent = (fill: number) => new Uint8Array(32).fill(fill);
const MET = new Uint8Array(32);

const header = (nbits: number, prevHash = parent(1)) =>
  encodeHeader({ version: 2, prevHash, merkleRoot: new Uint8Array(32), ntime: 1, nbits, nonce: 0 });

function required(network: Network, ...known: readonly (readonly [parent: Uint8Array, nbits: number])[]) {
  const work = new RequiredWork(network);
  for (const [hash, nbits] of known) work.learn(hash, nbits);
  return work;
}

describe('RequiredWork', () => {
  it('asks for a hash that meets the target of the header itself', () => {
    const work = required('mainnet', [parent(1), 0x17020000]);
    const weak = header(0x17020000);
    expect(work.fault(weak, sha256d(weak))).toBe('no-proof-of-work');
    expect(work.fault(weak, MET)).toBeUndefined();
  });

  it.each([0x17820000, 0xff7fffff, 0x2300ffff])('has a word for a target that is none: %x', (nbits) => {
    expect(required('mainnet').fault(header(nbits), MET)).toBe('no-proof-of-work');
  });

  it('learns no target that is none', () => {
    const work = required('mainnet', [parent(1), 0xff7fffff]);
    expect(work.fault(header(0x1d00ffff), MET)).toBeUndefined();
  });

  it('takes on a known parent the target that was asked for, and no other', () => {
    const work = required('mainnet', [parent(1), 0x17020000], [parent(2), 0x17030000]);
    expect(work.fault(header(0x17020000, parent(1)), MET)).toBeUndefined();
    expect(work.fault(header(0x17030000, parent(1)), MET)).toBe('target-too-easy');
    expect(work.fault(header(0x207fffff, parent(1)), MET)).toBe('target-too-easy');
    expect(work.fault(header(0x17010000, parent(1)), MET)).toBe('target-too-easy');
  });

  it('takes on an unknown parent a target up to four times easier than the newest', () => {
    const work = required('mainnet', [parent(1), 0x17020000]);
    expect(work.fault(header(0x17080000, parent(9)), MET)).toBeUndefined();
    expect(work.fault(header(0x17080001, parent(9)), MET)).toBe('target-too-easy');
  });

  it('takes nothing easier than the network allows before it has heard of a tip', () => {
    const work = required('mainnet', [parent(1), 0]);
    expect(work.fault(header(0x1d00ffff), MET)).toBeUndefined();
    expect(work.fault(header(0x207fffff), MET)).toBe('target-too-easy');
  });

  it('takes the easiest target on every parent where a late block may have it', () => {
    const work = required('testnet4', [parent(1), 0x1a020000]);
    expect(work.fault(header(0x1d00ffff), MET)).toBeUndefined();
    expect(work.fault(header(0x1e00ffff), MET)).toBe('target-too-easy');
  });

  it('takes a simulated chain that is easier than its network', () => {
    const work = required('mainnet', [parent(1), 0x1f00ffff]);
    expect(work.fault(header(0x1f00ffff, parent(9)), MET)).toBeUndefined();
    expect(work.fault(header(0x1f010000, parent(9)), MET)).toBe('target-too-easy');
  });

  it('forgets the parent it heard of first at its bound', () => {
    const work = required('mainnet', [parent(0), 0x17010000]);
    for (let fill = 1; fill <= KNOWN_PARENTS_BOUND; fill += 1) work.learn(parent(fill), 0x17020000);
    expect(work.fault(header(0x17020000, parent(0)), MET)).toBeUndefined();
    expect(work.fault(header(0x17010000, parent(1)), MET)).toBe('target-too-easy');
  });
});
