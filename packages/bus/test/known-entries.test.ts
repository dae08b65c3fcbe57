import { expect, it } from 'vitest';
import { KNOWN_ENTRIES_BOUND, KnownEntries } from '../src/payloads/known-entries.ts';

const bytesOf = (number: number) => Uint8Array.of(number, number >> 8, number >> 16, 7);

it('knows what it was given, wherever the bytes stand, and nothing that differs from it', () => {
  const known = new KnownEntries<string>();
  known.keep(Uint8Array.of(1, 2, 3), 'a');
  const payload = Uint8Array.of(9, 1, 2, 3, 9);
  expect(known.find(payload, 1, 4)).toBe('a');
  expect(known.find(payload, 1, 3)).toBeUndefined();
  expect(known.find(payload, 0, 3)).toBeUndefined();
  payload[3] = 4;
  expect(known.find(payload, 1, 4)).toBeUndefined();
});

it('forgets all at its bound', () => {
  const known = new KnownEntries<number>();
  const find = (number: number) => known.find(bytesOf(number), 0, 4);
  for (let number = 0; number < KNOWN_ENTRIES_BOUND; number++) known.keep(bytesOf(number), number);
  expect(find(0)).toBe(0);
  expect(find(KNOWN_ENTRIES_BOUND - 1)).toBe(KNOWN_ENTRIES_BOUND - 1);
  known.keep(bytesOf(KNOWN_ENTRIES_BOUND), KNOWN_ENTRIES_BOUND);
  expect(find(0)).toBeUndefined();
  expect(find(KNOWN_ENTRIES_BOUND)).toBe(KNOWN_ENTRIES_BOUND);
});
