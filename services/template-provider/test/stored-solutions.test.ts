import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { subjectName } from '@sluice/bus/subjects';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SOLUTIONS_AHEAD_BOUND, StoredSolutions } from '../src/stored-solutions.ts';

describe('StoredSolutions', () => {
  let bus: Bus;
  const opened: StoredSolutions[] = [];

  beforeEach(async () => {
    // A record that is left at a stop is a failure of its handler.
    bus = await createInProcessBus({ onError: () => undefined });
  });
  afterEach(async () => {
    for (const solutions of opened.splice(0)) await solutions.close();
    await bus.close();
  });

  const append = (number: number) => bus.append('SOLUTIONS', subjectName('solution'), Uint8Array.of(number));

  /** `answers` holds back what it has a promise for. */
  async function open(answers: ReadonlyMap<number, Promise<unknown>> = new Map()) {
    const seen: number[] = [];
    const solutions = new StoredSolutions({
      bus,
      handle: async ([number = 0]) => {
        if (!seen.includes(number)) seen.push(number);
        await answers.get(number);
      },
      onFailure: () => undefined,
    });
    opened.push(solutions);
    await solutions.open('provider');
    return { seen, solutions };
  }

  it('lets no solution wait for one before it, and gives the one without answer again after a restart', async () => {
    await append(1);
    await append(2);
    const { seen, solutions } = await open(new Map([[2, new Promise(() => undefined)]]));
    await append(3);
    await append(4);
    await vi.waitFor(() => expect(seen).toEqual([1, 2, 3, 4]));
    await solutions.close();
    opened.length = 0;
    const after = await open();
    await vi.waitFor(() => expect(after.seen).toEqual([2, 3, 4]));
    await after.solutions.close();
    opened.length = 0;
    const last = await open();
    await append(5);
    await vi.waitFor(() => expect(last.seen).toEqual([5]));
  });

  it('hands over a bounded number of solutions at once', async () => {
    const answer = Promise.withResolvers<void>();
    const held = new Map<number, Promise<unknown>>();
    for (let number = 0; number < 100; number += 1) {
      held.set(number, answer.promise);
      await append(number);
    }
    const { seen } = await open(held);
    await vi.waitFor(() => expect(seen.length).toBe(1 + SOLUTIONS_AHEAD_BOUND));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen.length).toBe(1 + SOLUTIONS_AHEAD_BOUND);
    answer.resolve();
    await vi.waitFor(() => expect(seen.length).toBe(100));
  });
});
