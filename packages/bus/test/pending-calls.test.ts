import { describe, expect, it } from 'vitest';
import { PendingCalls } from '../src/nats/pending-calls.ts';

describe('pending calls', () => {
  it('keep nothing of a call that has ended', async () => {
    const calls = new PendingCalls();
    for (let round = 0; round < 100; round += 1) {
      const answers = Array.from({ length: 1_000 }, (_, index) => {
        const call = index % 10 === 0 ? Promise.reject(new Error('refused')) : Promise.resolve(index);
        return calls.add(call).catch(() => undefined);
      });
      expect(calls.size).toBe(1_000);
      await Promise.all(answers);
      expect(calls.size).toBe(0);
    }
  });

  it('end together, and what becomes of them afterwards is of no interest', async () => {
    const calls = new PendingCalls();
    const late = Promise.withResolvers<number>();
    const failing = Promise.withResolvers<number>();
    const ended = Promise.allSettled([calls.add(late.promise), calls.add(failing.promise)]);
    const loss = new Error('lost');
    calls.rejectAll(loss);
    expect(calls.size).toBe(0);
    late.resolve(1);
    failing.reject(new Error('too late'));
    expect(await ended).toEqual([
      { status: 'rejected', reason: loss },
      { status: 'rejected', reason: loss },
    ]);
    expect(await calls.add(Promise.resolve(2))).toBe(2);
  });
});
