import { expect, test } from 'vitest';
import { PerAddress } from '../src/per-address.ts';
import { RateLimit } from '../src/rate-limit.ts';

test('rates of addresses are shared, and those of the address that was longest without a connection are forgotten first', () => {
  const rates = new PerAddress((nowMs) => new RateLimit(1, nowMs), 2);
  expect(rates.of('a', 0).take(10, 0)).toBe(0);
  expect(rates.of('b', 0).take(10, 0)).toBe(0);
  expect(rates.of('a', 0).take(1, 0)).toBe(1_000);
  rates.of('c', 0);
  expect(rates.size).toBe(2);
  expect(rates.of('a', 0).take(1, 0)).toBe(2_000);
  expect(rates.of('b', 0).take(10, 0)).toBe(0);
});

test('of an address whose rate is what it was at first nothing is remembered', () => {
  const rates = new PerAddress((nowMs) => new RateLimit(1, nowMs));
  rates.of('a', 0).take(2, 0);
  rates.of('b', 0).take(20, 0);
  rates.of('c', 0);
  rates.sweep(1_000);
  expect(rates.size).toBe(2);
  rates.sweep(2_000);
  expect(rates.size).toBe(1);
  expect(rates.of('b', 2_000).take(0, 2_000)).toBe(8_000);
  rates.sweep(20_000);
  expect(rates.size).toBe(0);
});

test('a rate limit lets a burst of ten seconds through and says how long to wait', () => {
  const limit = new RateLimit(10, 0);
  expect(limit.take(100, 0)).toBe(0);
  expect(limit.take(5, 0)).toBe(500);
  expect(limit.tryTake(500)).toBe(false);
  expect(limit.tryTake(700)).toBe(true);
});

test('a rate without bound holds nobody back, at any time', () => {
  const limit = new RateLimit(Number.POSITIVE_INFINITY, 0);
  for (const now of [0, 0, 1]) expect(limit.take(1_000, now)).toBe(0);
  expect(limit.isAsNew(1)).toBe(true);
});
