import { expect, it } from 'vitest';
import { KNOWN_TIPS_BOUND, KnownTips } from '../../src/template-server/known-tips.ts';

const hash = (id: number) => Uint8Array.from({ length: 32 }, (_, index) => (index < 4 ? id >>> (8 * index) : 0));
const never = new AbortController().signal;

it('remembers tips, the newest ones', () => {
  const tips = new KnownTips();
  for (let id = 0; id <= KNOWN_TIPS_BOUND; id++) tips.add(hash(id));
  expect([tips.has(hash(0)), tips.has(hash(1)), tips.has(hash(KNOWN_TIPS_BOUND))]).toEqual([false, true, true]);
});

it('tells everybody who waits for a tip, and nobody else', async () => {
  const tips = new KnownTips();
  const [first, second] = [tips.until(hash(1), 5_000, never), tips.until(hash(1), 5_000, never)];
  const other = tips.until(hash(2), 1, never);
  tips.add(hash(1));
  expect(await Promise.all([first, second, other])).toEqual([true, true, false]);
});

it('ends the wait at the signal, also one that came before', async () => {
  const tips = new KnownTips();
  const abort = new AbortController();
  const waiting = tips.until(hash(1), 5_000, abort.signal);
  abort.abort();
  expect(await waiting).toBe(false);
  expect(await tips.until(hash(1), 5_000, abort.signal)).toBe(false);
});
