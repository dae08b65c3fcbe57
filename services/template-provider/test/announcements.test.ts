import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { Template } from '@sluice/bus/payloads/template';
import { TipNews as TipNewsPayload } from '@sluice/bus/payloads/tip-news';
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Announcements } from '../src/announcements.ts';
import { KeptTemplates } from '../src/kept-templates.ts';
import { templateProviderMetrics } from '../src/metrics.ts';
import type { TipNews } from '../src/node-source.ts';
import { type PreparedTemplate, prepareTemplate } from '../src/prepare-template.ts';
import { TemplateStore } from '../src/template-store.ts';

const hash = (fill: number) => new Uint8Array(32).fill(fill);

const tipOf = (fill: number): TipNews => ({
  hash: hash(fill),
  header: new Uint8Array(80),
  height: fill,
  chainwork: BigInt(fill),
  minNtime: 1,
  nextNbits: 0x207fffff,
  seenAtMicros: 1n,
});

const templateOn = (fill: number): PreparedTemplate =>
  prepareTemplate(
    {
      height: fill + 1,
      previousBlockHash: hash(fill),
      version: 2,
      nbits: 0x207fffff,
      minTime: 1,
      currentTime: 1,
      coinbaseValue: 1n,
      weightLimit: 4_000_000,
      sigopsCostLimit: 80_000,
      transactions: [],
    },
    { outputsSize: 0, outputsSigops: 0 },
  );

describe('Announcements', () => {
  let bus: Bus;
  let directory: string;
  let clock: ManualClock;
  let store: TemplateStore;
  let made: Announcements;

  async function open(): Promise<Announcements> {
    store = new TemplateStore({ directory, maxBytes: 1e9 }, clock);
    await store.load();
    const announcements = new Announcements('a', {
      bus,
      store,
      kept: new KeptTemplates('a', { store, clock }),
      log: silentLogger(),
      metrics: createMetrics(new MetricsRegistry(), templateProviderMetrics),
      sleep: () => new Promise((resolve) => setTimeout(resolve, 2)),
    });
    await announcements.start();
    return announcements;
  }

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-announcements-'));
    bus = await createInProcessBus();
    clock = new ManualClock();
    made = await open();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await made.stop();
    await bus.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** What the stream has: `tip 1`, or the id of a template. */
  async function told(): Promise<(string | bigint)[]> {
    await made.stop();
    return (await bus.read('TEMPLATES', 1, 100)).map(({ subject, payload }) =>
      subject === 'tip.a' ? `tip ${TipNewsPayload.decode(payload).height}` : Template.decode(payload).templateId,
    );
  }

  const micros = () => BigInt(clock.now()) * 1_000n;

  it('gives a template one id for good, however often it is offered', async () => {
    const first = templateOn(1);
    const second = templateOn(1);
    made.tip(tipOf(1), 'n');
    for (const template of [first, second, first, second, first]) made.template(template, 1n);
    await vi.waitFor(() => expect(store.count).toBe(1));
    made.template(first, 1n);
    expect(await told()).toEqual(['tip 1', micros() + 1n]);
  });

  it('tells again what is in force, under the same id, for a bus that lost it', async () => {
    made.tip(tipOf(1), 'n');
    made.template(templateOn(1), 1n);
    made.repeat();
    expect(await told()).toEqual(['tip 1', 'tip 1', micros(), micros()]);
  });

  it('does not tell a template again that stands on another tip', async () => {
    made.tip(tipOf(1), 'n');
    made.template(templateOn(1), 1n);
    made.tip(tipOf(2), 'n');
    made.repeat();
    expect((await told()).filter((each) => typeof each === 'bigint')).toHaveLength(1);
  });

  it('tells again after a failure of a bus that is up, as long as nothing newer has come', async () => {
    const append = vi.spyOn(bus, 'append').mockRejectedValueOnce(new Error('timeout'));
    made.tip(tipOf(1), 'n');
    made.template(templateOn(1), 1n);
    await vi.waitFor(async () => expect(await bus.read('TEMPLATES', 1, 10)).toHaveLength(2));
    append.mockRejectedValueOnce(new Error('timeout'));
    made.tip(tipOf(2), 'n');
    made.tip(tipOf(3), 'n');
    expect(await told()).toEqual(['tip 1', micros(), 'tip 3']);
  });

  it('leaves it to the return of a bus that is away', async () => {
    vi.spyOn(bus, 'status').mockReturnValue('down');
    const append = vi.spyOn(bus, 'append').mockRejectedValue(new Error('down'));
    made.tip(tipOf(1), 'n');
    await vi.waitFor(() => expect(append).toHaveBeenCalledTimes(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(append).toHaveBeenCalledTimes(1);
  });

  it('goes on behind the newest id of an earlier run when the clock was set back', async () => {
    made.tip(tipOf(1), 'n');
    made.template(templateOn(1), 1n);
    await made.stop();
    const before = micros();
    clock.set(clock.now() - 3_600_000);
    made = await open();
    made.template(templateOn(1), 1n);
    expect((await told()).at(-1)).toBe(before + 1n);
    // The stream is in memory: what is on disk serves when it has gone.
    vi.spyOn(bus, 'last').mockRejectedValue(new Error('down'));
    made = await open();
    made.template(templateOn(1), 1n);
    expect((await told()).at(-1)).toBe(before + 2n);
  });

  it('tells a template though the disk takes nothing', async () => {
    rmSync(directory, { recursive: true });
    made.tip(tipOf(1), 'n');
    made.template(templateOn(1), 1n);
    expect(await told()).toEqual(['tip 1', micros()]);
    expect(store.inMemory).toBe(1);
  });
});
