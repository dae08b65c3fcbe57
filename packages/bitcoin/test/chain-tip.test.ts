import { describe, expect, it } from 'vitest';
import { isBetterTip } from '../src/chain-tip.ts';

const UNKNOWN = 0n;

describe('isBetterTip', () => {
  it('goes by work where both are known, whatever the heights', () => {
    expect(isBetterTip({ chainwork: 11n, height: 5 }, { chainwork: 10n, height: 6 })).toBe(true);
    expect(isBetterTip({ chainwork: 10n, height: 6 }, { chainwork: 11n, height: 5 })).toBe(false);
    expect(isBetterTip({ chainwork: 10n, height: 6 }, { chainwork: 10n, height: 5 })).toBe(false);
  });

  it.each([
    [UNKNOWN, UNKNOWN],
    [UNKNOWN, 10n],
    [10n, UNKNOWN],
  ])('goes by height for work %s against %s', (of, against) => {
    expect(isBetterTip({ chainwork: of, height: 6 }, { chainwork: against, height: 5 })).toBe(true);
    expect(isBetterTip({ chainwork: of, height: 5 }, { chainwork: against, height: 5 })).toBe(false);
    expect(isBetterTip({ chainwork: of, height: 4 }, { chainwork: against, height: 5 })).toBe(false);
  });
});
