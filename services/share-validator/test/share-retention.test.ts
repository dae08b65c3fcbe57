import { setTimeout as sleep, setImmediate as yieldNow } from 'node:timers/promises';
import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { CreditBatch } from '@sluice/bus/payloads/credit';
import { subjectName } from '@sluice/bus/subjects';
import type { Clock } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CreditLog } from '../src/credit-log.ts';
import { createShareValidatorService } from '../src/service.ts';
import { ShareRetention } from '../src/share-retention.ts';
import { firstStoredSince } from '../src/stored-since.ts';
import { FakeDistributor, FakeGateway } from './fake-pool.ts';

const DAY = 86_400_000;
const BOUND = 100_000;

let bus: Bus;
let day: number;
let retention: ShareRetention;
const clock: Clock = { now: () => Date.now() + day * DAY, monotonic: () => performance.now() };

beforeEach(async () => {
  day = 0;
  bus = await createInProcessBus({ clock, maxBytes: { SHARES: BOUND } });
  retention = new ShareRetention({ instance: 'a', retentionMs: 7 * DAY }, { bus, clock, log: silentLogger(), sleep });
});
afterEach(() => bus.close());

const job = () => bus.append('JOBS', subjectName('jobs'), Uint8Array.of(1));
const share = async (incarnation: number, bytes = 10) =>
  (await bus.append('SHARES', subjectName('shares', incarnation), new Uint8Array(bytes))).sequence;

/** Credits everything up to a sequence; a successor has to read from `replayFrom`. */
async function credit(incarnation: number, sequence: number, replayFrom: number, held = false): Promise<void> {
  const log = await CreditLog.open(bus, BigInt(incarnation));
  const record: CreditBatch = {
    incarnation: BigInt(incarnation),
    batch: log.start.batch + 1n,
    sequence: BigInt(sequence),
    held,
    replayFrom: BigInt(replayFrom),
    floor: 1n,
    shares: 1,
    credits: [{ identity: 'alice', worker: 'one', shares: 1, work: 4n }],
    findings: [],
    minerPaid: [],
    creditedAtMicros: 0n,
  };
  expect(await log.appendCredit(record, CreditBatch.encode(record), 1_000)).toBe('stored');
}

const firstKept = async () => (await bus.state('SHARES')).firstSequence;
const creditOf = async (incarnation: number) => {
  const last = await bus.last('CREDITS', subjectName('credit', incarnation));
  return CreditBatch.decode(last?.payload as Uint8Array);
};

describe('share retention', () => {
  it('forgets what is credited and older than the retention', async () => {
    for (day = 0; day < 10; day += 1) {
      const sequence = await share(1);
      await job();
      await credit(1, sequence, Math.max(1, sequence - 1));
    }
    // Ten days, one record each: those of the last seven stay.
    day = 9.5;
    await retention.pass();
    expect(await firstKept()).toBe(4);
    expect((retention.oldestMs ?? 0) / DAY).toBeCloseTo(6.5, 1);
    expect(await creditOf(1)).toMatchObject({ batch: 10n, shares: 1, replayFrom: 9n, floor: 1n });
  });

  it('keeps what a successor of a gateway at work has to read again', async () => {
    await share(1);
    const needed = await share(1);
    await share(1);
    day = 8;
    await job();
    await credit(1, await share(1), needed);
    await retention.pass();
    expect(await firstKept()).toBe(needed);
  });

  it('keeps what is not credited, however old it is', async () => {
    await share(1);
    await credit(1, await share(1), 2);
    await share(1);
    await share(2);
    day = 30;
    await job();
    await retention.pass();
    expect(await firstKept()).toBe(1);
    await credit(2, 4, 4);
    await retention.pass();
    expect(await firstKept()).toBe(2);
    await credit(1, 3, 3);
    day = 30.01;
    await retention.pass();
    expect(await firstKept()).toBe(5);
  });

  it('closes the jobs of an incarnation that fell silent, and changes nothing else of its credit', async () => {
    await job();
    await share(1);
    await credit(1, await share(1), 1, true);
    day = 8;
    await job();
    await retention.pass();
    expect(await firstKept()).toBe(1);
    day = 8.01;
    await retention.pass();
    expect(await firstKept()).toBe(3);
    const closed = { batch: 1n, sequence: 2n, held: true, replayFrom: 3n, floor: 2n, shares: 0, credits: [] };
    expect(await creditOf(1)).toMatchObject(closed);
    const { lastSequence } = await bus.state('CREDITS');
    await retention.pass();
    expect((await bus.state('CREDITS')).lastSequence).toBe(lastSequence);
  });

  it('closes no job that is still the newest', async () => {
    await job();
    await share(1);
    await credit(1, await share(1), 1);
    day = 8;
    await retention.pass();
    expect(await firstKept()).toBe(1);
  });

  it('forgets sooner where the stream runs full, but nothing of the last day', async () => {
    const fill = async (count: number) => {
      for (let index = 0; index < count; index += 1) await share(1, 1_000);
      const { lastSequence } = await bus.state('SHARES');
      await credit(1, lastSequence, lastSequence);
      await job();
    };
    await fill(30);
    day = 2;
    await fill(55);
    await retention.pass();
    const { bytes } = await bus.state('SHARES');
    expect(bytes).toBeLessThanOrEqual(BOUND * 0.61);
    expect(bytes).toBeGreaterThan(BOUND * 0.55);
    await fill(30);
    await retention.pass();
    expect(await firstKept()).toBe(31);
  });

  it('finds the first record of a time', async () => {
    expect(await firstStoredSince(bus, 'SHARES', clock.now())).toBe(1);
    for (; day < 5; day += 1) await share(1);
    for (const [since, wanted] of [
      [-1, 1],
      [0.5, 2],
      [3.5, 5],
      [4.5, 6],
    ] as const) {
      expect(await firstStoredSince(bus, 'SHARES', Date.now() + since * DAY)).toBe(wanted);
    }
  });

  it('credits no share twice that comes again after it was forgotten', async () => {
    const distributor = new FakeDistributor(bus);
    const gateway = new FakeGateway(1, distributor);
    const channel = gateway.channel('extended');
    const old = await distributor.newTip(1);
    const metrics = new MetricsRegistry();
    const service = createShareValidatorService(
      { instance: 'a', leaseTtlMs: 600, statisticsEveryMs: 1_000 },
      {
        bus,
        clock: { ...clock, monotonic: () => performance.now() * 100 },
        log: silentLogger(),
        metrics,
        health: new Health(),
        sleep: (ms, value, options) => sleep(ms / 100, value, options),
        yieldNow,
      },
    );
    const again = await gateway.share(channel, old);
    const { lastSequence: batches } = await bus.state('SHARES');
    await gateway.send(bus, [again]);
    await service.start();
    await vi.waitFor(async () => expect(await creditOf(1)).toMatchObject({ shares: 1 }), { timeout: 5_000 });
    day = 8;
    const fresh = await distributor.newTip(2);
    day = 8.5;
    await vi.waitFor(async () => expect(await firstKept()).toBe(batches + 2), { timeout: 15_000 });
    const atMs = clock.now();
    const fields = { ntime: Math.floor(atMs / 1000), receivedAtMs: atMs };
    await gateway.send(bus, [again, await gateway.share(channel, fresh, fields)]);
    await vi.waitFor(async () => expect(await creditOf(1)).toMatchObject({ batch: 2n }), { timeout: 5_000 });
    const { credits, findings, held } = await creditOf(1);
    expect(credits.map(({ shares }) => shares)).toEqual([1]);
    expect(findings.map(({ detail }) => detail)).toContain(`job ${old.jobId} was closed before`);
    expect(held).toBe(false);
    await service.stop();
  });
});
