import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BIP320_MASK, BIP323_MASK, submittedVersion } from '../src/version-bits.ts';

test.each([
  ['no bits: the version of the job', 0x2000_2000, undefined, BIP320_MASK, 0x2000_2000],
  ['bits replace those of the job', 0x2000_2000, 0x0000_4000, BIP320_MASK, 0x2000_4000],
  ['no bits at all clear those of the job', 0x2000_2000, 0, BIP320_MASK, 0x2000_0000],
  ['a bit outside of the mask', 0x2000_0000, 0x0000_1000, BIP320_MASK, undefined],
  ['the same bit where BIP 323 is agreed on', 0x2000_0000, 0x0000_1000, BIP323_MASK, 0x2000_1000],
  ['the highest bit', 0x2000_0000, 0x8000_0000, BIP323_MASK, undefined],
  ['a version above 2^31', 0xe000_0000, 0x0000_2000, BIP320_MASK, 0xe000_2000],
  ['nothing agreed on, nothing changed', 0x2000_0000, 0, 0, 0x2000_0000],
  ['nothing agreed on, the version of the job', 0x2000_2000, 0x2000_2000, 0, 0x2000_2000],
  ['nothing agreed on, but rolled', 0x2000_0000, 0x0000_2000, 0, undefined],
])('%s', (_, jobVersion, bits, mask, version) => {
  expect(submittedVersion(jobVersion, bits, mask)).toBe(version);
});

test('a version differs from the job inside of the mask alone, and there it is what was submitted', () => {
  const u32 = fc.nat({ max: 0xffff_ffff });
  fc.assert(
    fc.property(u32, u32, u32, (jobVersion, any, mask) => {
      const bits = (any & mask) >>> 0;
      const version = submittedVersion(jobVersion, bits, mask || 1);
      if (version === undefined) return;
      expect(((version ^ jobVersion) & ~(mask || 1)) >>> 0).toBe(0);
      expect((version & mask) >>> 0).toBe(bits);
    }),
  );
});
