import { expect, test } from 'vitest';
import { boundOutbound } from '../src/outbound-total.ts';

test('when too much waits for all readers together, those are cut for whom most does', () => {
  const cut: string[] = [];
  const reader = (name: string, queuedBytes: number) => ({ writer: { queuedBytes }, cut: () => cut.push(name) });
  const readers = [reader('a', 10), reader('b', 400), reader('c', 0), reader('d', 300)];
  expect(boundOutbound(readers, 710)).toBe(710);
  expect(cut).toEqual([]);
  expect(boundOutbound(readers, 310)).toBe(310);
  expect(cut).toEqual(['b']);
  expect(boundOutbound(readers, 9)).toBe(0);
  expect(cut).toEqual(['b', 'b', 'd', 'a']);
});
