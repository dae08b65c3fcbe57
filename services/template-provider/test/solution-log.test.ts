import type { Bus } from '@sluice/bus/bus';
import { expect, it } from 'vitest';
import { SolutionLog, UNSTORED_BOUND } from '../src/solution-log.ts';

/** A bus that takes appends only while it is up. */
function setUp() {
  const stored: number[] = [];
  const subjects: string[] = [];
  const bus = {
    up: false,
    async append(_stream: string, subject: string, payload: Uint8Array) {
      if (!this.up) throw new Error('down');
      stored.push(payload[0] ?? 0);
      subjects.push(subject);
      return { sequence: stored.length, duplicate: false };
    },
  };
  const failures: unknown[] = [];
  const log = new SolutionLog({
    bus: bus as unknown as Bus,
    onFailure: (error) => void failures.push(error),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms / 200)),
  });
  return { bus, stored, subjects, failures, log };
}

it('stores what came while the bus was away, in order', async () => {
  const { bus, stored, subjects, failures, log } = setUp();
  log.add('solution', '1', Uint8Array.of(1));
  for (const answer of [2, 3]) log.add('solutionResult', `${answer}`, Uint8Array.of(answer));
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(log.waiting).toBe(3);
  expect(failures.length).toBeGreaterThan(1);
  bus.up = true;
  await log.close();
  expect(stored).toEqual([1, 2, 3]);
  expect(subjects).toEqual(['solution', 'solution.result', 'solution.result']);
  expect(log.waiting).toBe(0);
});

it('stores what comes just as the one before has been stored', async () => {
  const { bus, stored, log } = setUp();
  bus.up = true;
  const BETWEEN = 12;
  for (let steps = 0; steps < BETWEEN; steps += 1) {
    log.add('solution', `${steps}`, Uint8Array.of(steps));
    for (let step = 0; step < steps; step += 1) await undefined;
    log.add('solutionResult', `${steps}`, Uint8Array.of(steps));
    await expect.poll(() => log.waiting).toBe(0);
  }
  expect(stored).toHaveLength(2 * BETWEEN);
});

it('drops the oldest at its bound and counts it', async () => {
  const { bus, stored, log } = setUp();
  for (let answer = 0; answer < UNSTORED_BOUND + 2; answer += 1)
    log.add('solutionResult', `${answer}`, Uint8Array.of(answer));
  expect([log.waiting, log.dropped]).toEqual([UNSTORED_BOUND, 2]);
  bus.up = true;
  await log.close();
  expect(stored).toHaveLength(UNSTORED_BOUND);
});

it('does not wait for ever at its end', async () => {
  const { log } = setUp();
  log.add('solution', '1', Uint8Array.of(1));
  await log.close();
  expect(log.waiting).toBe(1);
});
