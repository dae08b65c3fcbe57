import { targetOfDifficulty } from '@sluice/bitcoin/target';
import { shareTarget } from '@sluice/mining/share-target';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShareAcks } from '../src/share-acks.ts';

const targets = [1, 2, 4_096, 1e9].map((difficulty) => shareTarget(targetOfDifficulty(difficulty)));
const shares = fc.array(fc.record({ entry: fc.nat(3), number: fc.nat(2 ** 32 - 1), target: fc.nat(3) }), {
  maxLength: 60,
});

test('each channel is told the last number, the count and the exact work of its shares, batch after batch', () => {
  const acks = new ShareAcks();
  fc.assert(
    fc.property(fc.array(shares, { minLength: 1, maxLength: 3 }), (batches) => {
      for (const batch of batches) {
        const told: unknown[] = [];
        const entries = [0, 1, 2, 3].map((entry) =>
          acks.open({ acknowledge: (last, count, work) => told.push([entry, last, count, work]) }, targets[0]!),
        );
        for (const { entry, number, target } of batch) acks.add(entries[entry]!, number, targets[target]!);
        acks.deliver();
        const expected = [0, 1, 2, 3].flatMap((entry) => {
          const own = batch.filter((share) => share.entry === entry);
          const work = own.reduce((sum, { target }) => sum + targets[target]!.work, 0n);
          return own.length === 0 ? [] : [[entry, own.at(-1)?.number, own.length, work]];
        });
        expect(told).toEqual(expected);
      }
    }),
  );
});
