import { expect, it } from 'vitest';
import { prepareTemplate } from '../../src/prepare-template.ts';
import { LARGEST_RESERVE, reserveFor, reserveLadder } from '../../src/template-distribution/reserves.ts';
import { transaction } from '../support/test-distribution.ts';

const own = { outputsSize: 1_000, outputsSigops: 16 };
const ladder = reserveLadder(own);

it.each([
  [0, 0, own],
  [1_000, 16, own],
  [1_001, 0, { outputsSize: 1_024, outputsSigops: 32 }],
  [0, 17, { outputsSize: 1_024, outputsSigops: 32 }],
  [20_000, 4, { outputsSize: 32_768, outputsSigops: 1_024 }],
  [0, 16_385, LARGEST_RESERVE],
  [999_708, 20_000, LARGEST_RESERVE],
])('%i bytes and %i operations are rounded up', (size, sigops, reserve) => {
  expect(ladder[reserveFor(ladder, size, sigops) ?? -1]).toEqual(reserve);
});

it.each([
  [999_709, 0],
  [0, 20_001],
  [0xffff_ffff, 0xffff],
])('%i bytes and %i operations are held by no block', (size, sigops) => {
  expect(reserveFor(ladder, size, sigops)).toBeUndefined();
});

it('are few', () => {
  expect(ladder).toHaveLength(12);
});

it('leave a block of the coinbase alone where all of it is asked for', () => {
  const template = prepareTemplate(
    {
      height: 1,
      previousBlockHash: new Uint8Array(32),
      version: 2,
      nbits: 0x207fffff,
      minTime: 1,
      currentTime: 1,
      coinbaseValue: 1_001_000n,
      weightLimit: 4_000_000,
      sigopsCostLimit: 80_000,
      transactions: [transaction(1)],
    },
    LARGEST_RESERVE,
  );
  expect(template).toMatchObject({ transactionCount: 0, coinbaseValue: 1_000_000n });
});
