import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  ANSWER_DEADLINE_MS,
  OUTSTANDING_BOUND,
  TransactionRequests,
  WAITING_BOUND,
} from '../../src/template-server/transaction-requests.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const asked: bigint[] = [];
  const overdue = vi.fn();
  return { asked, overdue, requests: new TransactionRequests({ ask: (id) => asked.push(id), onOverdue: overdue }) };
}

it('asks for few at a time, for the newest first, and never for the oldest of a flood', () => {
  const { asked, requests } = setUp();
  for (let id = 1n; id <= 1_000n; id++) requests.want(id);
  expect(asked).toEqual([1n, 2n, 3n, 4n]);
  expect(asked).toHaveLength(OUTSTANDING_BOUND);
  for (const id of [1n, 2n, 3n, 4n, 1_000n, 999n, 998n, 997n]) expect(requests.answered(id)).toBe(true);
  expect(asked.slice(OUTSTANDING_BOUND)).toEqual([1_000n, 999n, 998n, 997n]);
  expect(asked).toHaveLength(OUTSTANDING_BOUND + WAITING_BOUND);
});

it('knows an answer that nobody asked for', () => {
  const { requests } = setUp();
  requests.want(1n);
  expect(requests.answered(2n)).toBe(false);
  expect(requests.answered(1n)).toBe(true);
  expect(requests.answered(1n)).toBe(false);
});

it('says when one was not answered, also among others that are', () => {
  const { overdue, requests } = setUp();
  requests.want(1n);
  for (let id = 2n; id < 12n; id++) {
    requests.want(id);
    vi.advanceTimersByTime(ANSWER_DEADLINE_MS / 10 - 1);
    requests.answered(id);
  }
  expect(overdue).not.toHaveBeenCalled();
  vi.advanceTimersByTime(10);
  expect(overdue).toHaveBeenCalledTimes(1);
  requests.want(20n);
  requests.stop();
  vi.advanceTimersByTime(2 * ANSWER_DEADLINE_MS);
  expect(overdue).toHaveBeenCalledTimes(1);
});
