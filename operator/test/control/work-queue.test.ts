// The queue's promises: one key never twice at once, nothing that was added is lost, each failure waits longer.
import { systemClock } from '@sluice/runtime/clock';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { queueMetrics } from '../../src/control/metrics.ts';
import { WorkQueue } from '../../src/control/work-queue.ts';

const backoff = { firstMs: 100, longestMs: 1_000 };
let registry: MetricsRegistry;

function queueOf(random = () => 0): WorkQueue {
  registry = new MetricsRegistry();
  const metrics = createMetrics(registry, queueMetrics);
  return new WorkQueue({ name: 'miningpool', backoff }, { clock: systemClock, random, metrics });
}

const metricOf = async (name: string) => (await registry.series(name)).map(({ value }) => value);
/** What is given out without waiting. */
const now = (queue: WorkQueue) => Promise.race([queue.take(), Promise.resolve('nothing')]);

describe('the work queue', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('has a key once, however often it is added', async () => {
    const queue = queueOf();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    expect(await metricOf('workqueue_depth')).toEqual([2]);
    expect([await queue.take(), await queue.take()]).toEqual(['a', 'b']);
    expect(await now(queue)).toBe('nothing');
    expect(await metricOf('workqueue_adds_total')).toEqual([2]);
    expect(await metricOf('workqueue_depth')).toEqual([0]);
  });

  it('gives a key that is worked on to nobody else, and once more afterwards when it was added meanwhile', async () => {
    const queue = queueOf();
    queue.add('a');
    expect(await queue.take()).toBe('a');
    queue.add('a');
    queue.add('a');
    const next = vi.fn();
    const taken = queue.take().then(next);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(next).not.toHaveBeenCalled();
    queue.done('a');
    await taken;
    expect(next).toHaveBeenCalledExactlyOnceWith('a');
    queue.done('a');
    expect(await now(queue)).toBe('nothing');
  });

  it('takes the earliest of several times for a key', async () => {
    const queue = queueOf();
    queue.addAfter('a', 500);
    queue.addAfter('a', 50);
    queue.addAfter('a', 5_000);
    await vi.advanceTimersByTimeAsync(49);
    expect(await metricOf('workqueue_depth')).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await queue.take()).toBe('a');
    queue.done('a');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await metricOf('workqueue_adds_total')).toEqual([1]);
  });

  it('gives out together what is to come about the same time, and nothing too early', async () => {
    const queue = queueOf();
    const times: number[] = [];
    const begin = performance.now();
    const work = async () => {
      for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
        times.push(performance.now() - begin);
        queue.done(key);
      }
    };
    const working = work();
    const waits = Array.from({ length: 100 }, (_, number) => 5_000 + number * 10);
    for (const ms of waits) queue.addAfter(`key-${ms}`, ms);
    queue.addAfter('soon', 1_234);
    await vi.advanceTimersByTimeAsync(7_000);
    expect(times).toHaveLength(waits.length + 1);
    expect(times[0]).toBeCloseTo(1_234, 0);
    for (const [at, ms] of waits.entries()) {
      // Timers of Node know whole milliseconds.
      expect(times[at + 1]).toBeGreaterThanOrEqual(ms - 1);
      expect(times[at + 1]).toBeLessThanOrEqual(ms + 250);
    }
    expect(new Set(times.slice(1).map(Math.round)).size).toBeLessThanOrEqual(5);
    queue.close();
    await working;
  });

  it('parts what is to come minutes later', async () => {
    let part = 0;
    const queue = queueOf(() => part);
    const times = new Map<string, number>();
    const begin = performance.now();
    for (part = 0; part < 1; part += 0.25) {
      queue.addAfter(`minutes ${part}`, 120_000);
      queue.addAfter(`seconds ${part}`, 50_000);
    }
    const work = async () => {
      for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
        times.set(key, Math.round((performance.now() - begin) / 1_000));
        queue.done(key);
      }
    };
    const working = work();
    await vi.advanceTimersByTimeAsync(140_000);
    expect([...times.values()]).toEqual([50, 50, 50, 50, 120, 123, 126, 129]);
    queue.close();
    await working;
  });

  it('waits twice as long after each failure up to a bound, and as at first after a success', async () => {
    const queue = queueOf();
    const waitOf = async () => {
      queue.addFailed('a');
      const begin = performance.now();
      const taken = queue.take().then((key) => [key, Math.round(performance.now() - begin)]);
      await vi.advanceTimersByTimeAsync(2_000);
      queue.done('a');
      return taken;
    };
    const waits: unknown[] = [];
    for (let failure = 0; failure < 6; failure += 1) waits.push(await waitOf());
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000].map((ms) => ['a', ms]));
    queue.succeeded('a');
    expect(await waitOf()).toEqual(['a', 100]);
    expect(await metricOf('workqueue_retries_total')).toEqual([7]);
  });

  it('leaves half of a wait to chance, and waits as long as is asked for', async () => {
    const queue = queueOf(() => 0.5);
    queue.addFailed('a');
    queue.addFailed('b', 700);
    const times: number[] = [];
    const begin = performance.now();
    for (const _ of 'ab') void queue.take().then(() => times.push(Math.round(performance.now() - begin)));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(times).toEqual([75, 700]);
  });

  it('gives nothing out once it is closed, and lets those who wait go', async () => {
    const queue = queueOf();
    const waiting = queue.take();
    queue.addAfter('a', 10);
    queue.close();
    queue.add('b');
    expect(await waiting).toBe(undefined);
    expect(await queue.take()).toBe(undefined);
    expect(vi.getTimerCount()).toBe(0);
  });
});

it('loses no key and works on none twice at once, whatever the workers and the order', async () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c'), turns: fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), async (steps, workers) => {
      const queue = queueOf();
      const current = new Map<string, number>();
      const seen = new Map<string, number>();
      const active = new Set<string>();
      const work = async () => {
        for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
          expect(active.has(key)).toBe(false);
          active.add(key);
          const version = current.get(key) ?? 0;
          await Promise.resolve();
          await Promise.resolve();
          seen.set(key, version);
          active.delete(key);
          queue.done(key);
        }
      };
      const running = Array.from({ length: workers }, work);
      for (const { key, turns } of steps) {
        current.set(key, (current.get(key) ?? 0) + 1);
        queue.add(key);
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      }
      // Every step of a worker is a microtask: after a turn of the loop all of them are done.
      await new Promise(setImmediate);
      expect(seen).toEqual(current);
      queue.close();
      await Promise.all(running);
    }),
  );
});
