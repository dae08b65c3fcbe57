// What may wait inside one process, and what happens beyond.
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectCode, until } from '../../../test/support/bus-contract.ts';
import type { Bus } from '../src/bus.ts';
import { WAITING_BOUND } from '../src/in-process/delivery-queue.ts';
import { createInProcessBus } from '../src/in-process/in-process-bus.ts';
import { PENDING_BYTES_BOUND, Stream } from '../src/in-process/stream.ts';
import type { StreamLog } from '../src/in-process/stream-log.ts';
import { followBus } from '../src/metrics.ts';
import { streams } from '../src/streams.ts';

describe('deliveries of one process', () => {
  let bus: Bus;
  beforeEach(async () => {
    bus = await createInProcessBus();
  });
  afterEach(() => bus.close());

  it('are dropped beyond the bound, all but requests, and counted', async () => {
    const metrics = new MetricsRegistry();
    followBus(metrics, bus);
    let heard = 0;
    bus.subscribe('control.1', () => {
      heard += 1;
    });
    bus.serve('channel.open', 'q', (payload) => payload);
    const payload = new Uint8Array(1);
    for (let count = 0; count < WAITING_BOUND + 10; count += 1) bus.publish('control.1', payload);
    const answer = bus.request('channel.open', payload, 5_000);
    expect(bus.backlog()).toEqual({ waiting: WAITING_BOUND + 1, dropped: 10 });
    const shown = await metrics.scrape();
    expect(shown).toContain('sluice_bus_dropped_total 10');
    expect(shown).toMatch(/sluice_bus_waiting \d/);
    expect(await answer).toEqual(payload);
    await until(() => bus.backlog().waiting === 0);
    expect(heard).toBe(WAITING_BOUND);
  });
});

describe('appends of one process', () => {
  it('are refused while too much waits for the disk, and leave no gap', async () => {
    const stored: number[] = [];
    const waiting: (() => void)[] = [];
    const slow: Partial<StreamLog> = {
      bytes: 0,
      firstSequence: 1,
      append: ({ sequence }) => {
        stored.push(sequence);
        return new Promise((resolve) => waiting.push(resolve));
      },
    };
    const empty = { lastSequence: 0, lastBySubject: new Map(), ids: new Map() };
    const clock = { now: () => 0, monotonic: () => 0 };
    const stream = new Stream(streams.SHARES, 2 ** 40, slow as StreamLog, empty, clock);
    const payload = new Uint8Array(1_000_000);
    const count = Math.floor(PENDING_BYTES_BOUND / 1_000_050);
    const appends = Array.from({ length: count }, () => stream.append('shares.1', payload, {}));
    await expectCode(stream.append('shares.1', payload, { messageId: 'm' }), 'bus-down');
    expect(stream.pending).toBe(count);
    for (const resolve of waiting.splice(0)) resolve();
    await Promise.all(appends);
    expect(stream.pending).toBe(0);
    const again = stream.append('shares.1', payload, { messageId: 'm', expectedLastSubjectSequence: count });
    for (const resolve of waiting.splice(0)) resolve();
    expect(await again).toEqual({ sequence: count + 1, duplicate: false });
    expect(stored).toEqual(Array.from({ length: count + 1 }, (_, index) => index + 1));
  });
});
