import { targetOfDifficulty, targetToBytes } from '@sluice/bitcoin/target';
import { expect, test } from 'vitest';
import { BestShare } from '../src/best-share.ts';

test('the best share is the lowest hash', () => {
  const best = new BestShare();
  expect(best.difficulty).toBe(0);
  const seen = [4, 2, 4096, 4095, 5].map((difficulty) => {
    best.note(targetToBytes(targetOfDifficulty(difficulty)));
    return Math.round(best.difficulty);
  });
  expect(seen).toEqual([4, 4, 4096, 4096, 4096]);
});
