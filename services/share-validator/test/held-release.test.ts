import { setTimeout as sleep, setImmediate as yieldNow } from 'node:timers/promises';
import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { CreditBatch } from '@sluice/bus/payloads/credit';
import type { Clock } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { Shutdown } from '@sluice/runtime/shutdown';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CreditLog } from '../src/credit-log.ts';
import { createHeldRelease } from '../src/held-release.ts';
import { createShareValidatorService } from '../src/service.ts';
import { FakeDistributor, FakeGateway } from './fake-pool.ts';

const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() * 10 };

let bus: Bus;
beforeEach(async () => {
  bus = await createInProcessBus();
});
afterEach(() => bus.close());

async function credits(): Promise<CreditBatch[]> {
  const messages = await bus.read('CREDITS', 1, 100);
  return messages.filter(({ subject }) => subject === 'credit.1').map(({ payload }) => CreditBatch.decode(payload));
}

const credited = (batch: bigint) =>
  vi.waitFor(async () => expect((await credits()).at(-1)?.batch).toBe(batch), { timeout: 8_000, interval: 20 });

it('releases the credit of an incarnation, under a validator at work, and no other', async () => {
  const distributor = new FakeDistributor(bus);
  const gateway = new FakeGateway(1, distributor);
  const job = await distributor.newTip(1);
  const channel = gateway.channel('extended');
  const common = { bus, clock, log: silentLogger() };
  const validator = createShareValidatorService(
    { instance: 'a', leaseTtlMs: 6_000, statisticsEveryMs: 1_000 },
    {
      ...common,
      metrics: new MetricsRegistry(),
      health: new Health(),
      sleep: (ms, value, options) => sleep(ms / 10, value, options),
      yieldNow,
    },
  );
  await validator.start();
  const good = await gateway.share(channel, job);
  await gateway.send(bus, [good, good]);
  await credited(1n);
  const shutdown = new Shutdown(silentLogger());
  await createHeldRelease(1n, { ...common, shutdown }).start();
  expect(await shutdown.requested()).toBe('done');
  await gateway.send(bus, [await gateway.share(channel, job), good]);
  await credited(2n);
  const released = await credits();
  expect(released.map(({ held }) => held)).toEqual([true, false, true]);
  expect(released.map(({ batch }) => batch)).toEqual([1n, 1n, 2n]);
  expect(released.map((credit) => credit.credits.map(({ shares }) => shares))).toEqual([[1], [], [1]]);
  await createHeldRelease(1n, { ...common, shutdown }).start();
  await gateway.send(bus, [await gateway.share(channel, job)]);
  await credited(3n);
  expect((await credits()).at(-1)?.held).toBe(false);
  await validator.stop();
});

it('says nothing of the last record once more, neither what the pool owes for nor what paid its miner', async () => {
  const log = await CreditLog.open(bus, 1n);
  const record: CreditBatch = {
    ...{ incarnation: 1n, batch: 1n, sequence: 1n, held: true, replayFrom: 1n, floor: 0n, shares: 2, findings: [] },
    credits: [{ identity: 'alice', worker: '', shares: 1, work: 1n }],
    minerPaid: [{ identity: 'bob', worker: '', poolPercent: 0, shares: 1, work: 1n }],
    creditedAtMicros: 1n,
  };
  await log.appendCredit(record, CreditBatch.encode(record), 1_000);
  await createHeldRelease(1n, { bus, clock, log: silentLogger(), shutdown: new Shutdown(silentLogger()) }).start();
  expect((await credits()).at(-1)).toMatchObject({ batch: 1n, held: false, shares: 0, credits: [], minerPaid: [] });
});

it('says when there is nothing to release', async () => {
  const modules = { bus, clock, log: silentLogger(), shutdown: new Shutdown(silentLogger()) };
  await expect(createHeldRelease(9n, modules).start()).rejects.toThrow('the credit of incarnation 9 is not held');
});
