import type { Bus } from '@sluice/bus/bus';
import { BusError, type BusErrorCode } from '@sluice/bus/errors';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { JobBook } from '@sluice/mining/job-book';
import { silentLogger } from '@sluice/runtime/logger';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createCounters } from '../src/counters.ts';
import { JobFeed } from '../src/job-feed.ts';

let bus: Bus;

beforeEach(async () => {
  bus = await createInProcessBus();
});
afterEach(() => bus.close());

/** Over a bus whose newest record cannot be read for the first `times`. */
function feedOver(
  times: number,
  code: BusErrorCode = 'bus-timeout',
): { readonly feed: JobFeed; readonly attempts: () => number; readonly listens: () => number } {
  let left = times;
  let open = 0;
  const last = vi.fn((...of: Parameters<Bus['last']>) => {
    left -= 1;
    if (left >= 0) return Promise.reject(new BusError(code, 'away'));
    return bus.last(...of);
  });
  const subscribe: Bus['subscribe'] = (...of) => {
    const subscription = bus.subscribe(...of);
    open += 1;
    return {
      close: () => {
        open -= 1;
        subscription.close();
      },
    };
  };
  const over = { last, subscribe, consume: bus.consume.bind(bus), state: bus.state.bind(bus) } as unknown as Bus;
  const book = new JobBook();
  const feed = new JobFeed({
    ...{ bus: over, log: silentLogger(), book, counters: createCounters() },
    onWork: () => undefined,
  });
  return { feed, attempts: () => last.mock.calls.length, listens: () => open };
}

test('a feed that cannot be opened is tried again, and nothing is left of the attempts', async () => {
  const { feed, attempts, listens } = feedOver(2);
  const opened = feed.open();
  await expect.poll(attempts, { timeout: 5_000 }).toBe(3);
  await expect.poll(listens).toBe(1);
  await feed.close();
  await opened;
  expect(listens()).toBe(0);
});

test('what waiting does not mend is no reason to wait', async () => {
  const { feed, attempts, listens } = feedOver(1, 'bus-bad-payload');
  await expect(feed.open()).rejects.toMatchObject({ code: 'bus-bad-payload' });
  expect([attempts(), listens()]).toEqual([1, 0]);
});

test('whoever closes it meanwhile waits for nothing', async () => {
  const { feed, attempts, listens } = feedOver(1_000);
  const opened = feed.open();
  await expect.poll(attempts).toBe(1);
  await feed.close();
  await opened;
  expect(listens()).toBe(0);
});
