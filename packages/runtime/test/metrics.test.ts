import { closeSync, openSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { counter, createMetrics, defineMetrics, gauge, histogram, MetricsRegistry } from '../src/metrics.ts';
import { showProcess } from '../src/process-metrics.ts';

const table = defineMetrics({
  shares: counter('sluice_test_shares_total', 'Shares.', { outcome: ['accepted', 'stale'] }),
  blocks: counter('sluice_test_blocks_total', 'Blocks.'),
  open: gauge('sluice_test_open', 'Open connections.'),
  append: histogram('sluice_test_append_seconds', 'Appends.', [0.01, 0.1]),
});

describe('metrics', () => {
  it('follow numbers that hot paths count', async () => {
    const registry = new MetricsRegistry();
    const metrics = createMetrics(registry, table);
    let accepted = 0;
    metrics.shares.with({ outcome: 'accepted' }).follow(() => accepted);
    accepted = 5;
    expect(await registry.scrape()).toContain('sluice_test_shares_total{outcome="accepted"} 5');
    accepted = 12;
    expect(await registry.scrape()).toContain('sluice_test_shares_total{outcome="accepted"} 12');
  });

  it('exist with zero before anything has happened', async () => {
    const registry = new MetricsRegistry();
    createMetrics(registry, table);
    const text = await registry.scrape();
    expect(text).toContain('sluice_test_blocks_total 0');
    expect(text).toContain('sluice_test_open 0');
  });

  it('count, set and observe', async () => {
    const registry = new MetricsRegistry();
    const metrics = createMetrics(registry, table);
    metrics.blocks.inc();
    metrics.open.set(3);
    metrics.append.observe(0.05);
    const text = await registry.scrape();
    expect(text).toContain('sluice_test_blocks_total 1');
    expect(text).toContain('sluice_test_open 3');
    expect(text).toContain('sluice_test_append_seconds_bucket{le="0.1"} 1');
    expect(text).toContain('sluice_test_append_seconds_bucket{le="0.01"} 0');
  });

  it('can be read one by one', async () => {
    const registry = new MetricsRegistry();
    const metrics = createMetrics(registry, table);
    metrics.shares.with({ outcome: 'stale' }).follow(() => 2);
    metrics.shares.with({ outcome: 'accepted' }).inc(3);
    expect(await registry.series('sluice_test_shares_total')).toEqual([
      { labels: { outcome: 'stale' }, value: 2 },
      { labels: { outcome: 'accepted' }, value: 3 },
    ]);
    expect(await registry.series('sluice_test_absent')).toEqual([]);
  });

  it('say what runs', async () => {
    const registry = new MetricsRegistry();
    showProcess(registry);
    const line = /^sluice_build_info\{version="\d+\.\d+\.\d+",node="24\.\d+\.\d+"\} 1$/m;
    expect(await registry.scrape()).toMatch(line);
  });

  it('tell a scrape how late the event loop was, once, whoever looked at a series in between', async () => {
    const registry = new MetricsRegistry();
    showProcess(registry);
    const name = 'nodejs_eventloop_lag_max_seconds';
    const seen = async () => (await registry.series(name))[0]?.value;
    const scraped = async () => Number(new RegExp(`^${name} (.+)$`, 'm').exec(await registry.scrape())?.[1]);
    expect(await scraped()).toBe(0);
    const until = performance.now() + 500;
    while (performance.now() < until);
    await vi.waitFor(async () => expect(await seen()).toBeGreaterThan(0.2), { timeout: 10_000 });
    expect(await registry.series('sluice_build_info')).toHaveLength(1);
    expect(await scraped()).toBeGreaterThan(0.2);
    expect(await scraped()).toBe(0);
    expect(await registry.scrape()).not.toContain('nodejs_eventloop_lag_seconds');
  });

  it('tell apart how much of that the thread worked, and how much it waited', async () => {
    const registry = new MetricsRegistry();
    showProcess(registry);
    const names = ['nodejs_eventloop_lag_max_seconds', 'sluice_event_loop_lag_work_max_seconds'];
    const seen = () => Promise.all(names.map(async (name) => (await registry.series(name))[0]?.value ?? Number.NaN));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
    await vi.waitFor(async () => expect((await seen())[0]).toBeGreaterThan(0.3), { timeout: 10_000 });
    expect((await seen())[1]).toBeLessThan(0.2);
    await registry.scrape();
    const { user } = process.threadCpuUsage();
    while (process.threadCpuUsage().user < user + 300_000);
    await vi.waitFor(async () => expect((await seen())[1]).toBeGreaterThan(0.2), { timeout: 10_000 });
  });

  it('tell how many files are open, and list no sockets for it', async () => {
    const registry = new MetricsRegistry();
    showProcess(registry);
    const open = async () => Number(/^process_open_fds (\d+)$/m.exec(await registry.scrape())?.[1]);
    const before = await open();
    expect(before).toBeGreaterThan(2);
    const files = Array.from({ length: 20 }, () => openSync('/dev/null', 'r'));
    expect(await open()).toBeGreaterThanOrEqual(before + 10);
    for (const file of files) closeSync(file);
    expect(await registry.scrape()).not.toContain('nodejs_active_');
  });

  it('refuse a name that breaks the rules', () => {
    expect(() => defineMetrics({ a: counter('sluice_shares', 'No _total.') })).toThrow('sluice_shares');
    expect(() => defineMetrics({ a: gauge('connections', 'No prefix.') })).toThrow('connections');
  });

  it('refuse to be registered twice', () => {
    const registry = new MetricsRegistry();
    createMetrics(registry, table);
    expect(() => createMetrics(registry, table)).toThrow();
  });
});
