import { describe, expect, it } from 'vitest';
import { payoutScript, reserveFor } from '../src/start/payout.ts';

describe('the room of the payout', () => {
  it.each([
    ['a segwit address', 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202', 8 + 1 + 22, 0],
    ['an address of old', 'mfWxJ45yp2SFn7UciZyNpvDKrzbhyfKrY8', 8 + 1 + 25, 1],
    ['two multisignatures of any size', 'raw(aeae)', 8 + 1 + 2, 40],
    ['nobody', undefined, 8 + 1 + 1, 0],
  ])('is that of the script: %s', (_, payout, outputsSize, outputsSigops) => {
    const script = payoutScript(payout, 'regtest');
    expect(reserveFor(script, false)).toEqual({ outputsSize, outputsSigops });
    expect(reserveFor(script, true)).toEqual({
      outputsSize: outputsSize + 8 + 1 + 34,
      outputsSigops: outputsSigops + 1,
    });
  });
});
