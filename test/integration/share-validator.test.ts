// Two share-validators over a real nats-server that is killed while they work: every batch is credited once.
import { setTimeout as sleep, setImmediate as yieldNow } from 'node:timers/promises';
import type { Bus } from '@sluice/bus/bus';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { CreditBatch } from '@sluice/bus/payloads/credit';
import { subjectName } from '@sluice/bus/subjects';
import { systemClock } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import type { Service } from '@sluice/runtime/run-service';
import { createShareValidatorService } from '@sluice/share-validator/service';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EASY, FakeDistributor, FakeGateway, type TestShare } from '../../services/share-validator/test/fake-pool.ts';
import { NatsServer } from '../support/nats-server.ts';

const GATEWAYS = 4;
const BATCHES = 40;
const KILLS = 4;
const SHARES_PER_BATCH = 5;

let server: NatsServer;
let bus: Bus;
const buses: Bus[] = [];
const services: Service[] = [];

const connect = async (): Promise<Bus> => {
  const opened = await connectNatsBus({ servers: [server.url] });
  buses.push(opened);
  return opened;
};

async function startValidator(instance: string): Promise<Service> {
  const service = createShareValidatorService(
    { instance, leaseTtlMs: 2_000, statisticsEveryMs: 1_000 },
    {
      bus: await connect(),
      clock: systemClock,
      log: silentLogger(),
      metrics: new MetricsRegistry(),
      health: new Health(),
      sleep,
      yieldNow,
    },
  );
  await service.start();
  services.push(service);
  return service;
}

beforeAll(async () => {
  server = await NatsServer.start();
  bus = await connect();
});
afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await Promise.all(buses.map((opened) => opened.close()));
  await server.dispose();
});

async function creditsOf(incarnation: number): Promise<CreditBatch[]> {
  const found: CreditBatch[] = [];
  const { lastSequence } = await bus.state('CREDITS');
  for (let from = 1; from <= lastSequence; ) {
    const page = await bus.read('CREDITS', from, 100);
    for (const { subject, payload } of page)
      if (subject === subjectName('credit', incarnation)) found.push(CreditBatch.decode(payload));
    from = (page.at(-1)?.sequence ?? lastSequence) + 1;
  }
  return found;
}

/** The same bytes under the same id until the stream has them, as a gateway does. */
async function sendUntilStored(gateway: FakeGateway, shares: readonly TestShare[], batch: bigint): Promise<void> {
  const payload = gateway.batch(shares, batch);
  const messageId = `${gateway.incarnation}-${batch}`;
  for (;;) {
    try {
      await bus.append('SHARES', subjectName('shares', gateway.incarnation), payload, { messageId, timeoutMs: 1_000 });
      return;
    } catch {
      await sleep(100);
    }
  }
}

describe('share-validator over a nats-server', () => {
  it('credits every share once, whatever is killed', async () => {
    const distributor = new FakeDistributor(bus);
    const job = await distributor.newTip(1);
    const gateways = Array.from({ length: GATEWAYS }, (_, index) => new FakeGateway(index + 1, distributor));
    const first = await startValidator('one');
    await startValidator('two');
    const send = async (gateway: FakeGateway) => {
      const channel = gateway.channel('extended');
      for (let batch = 1n; batch <= BATCHES; batch += 1n) {
        const shares: TestShare[] = [];
        for (let count = 0; count < SHARES_PER_BATCH; count += 1) shares.push(await gateway.share(channel, job));
        await sendUntilStored(gateway, shares, batch);
        await sleep(200);
      }
    };
    const kill = async () => {
      for (let kills = 0; kills < KILLS; kills += 1) {
        await sleep(1_500);
        await server.kill();
        await sleep(300);
        await server.launch();
      }
      services.splice(services.indexOf(first), 1);
      await first.stop();
    };
    await Promise.all([...gateways.map(send), kill()]);
    for (const { incarnation } of gateways) {
      const credits = await vi.waitFor(
        async () => {
          const found = await creditsOf(Number(incarnation));
          expect(found.at(-1)?.batch).toBe(BigInt(BATCHES));
          return found;
        },
        { timeout: 60_000, interval: 500 },
      );
      // Batches that came close together stand in one record; none of them in two.
      const numbers = credits.map(({ batch }) => Number(batch));
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      expect(credits.reduce((sum, { shares }) => sum + shares, 0)).toBe(BATCHES * SHARES_PER_BATCH);
      const credited = credits.flatMap((credit) => credit.credits);
      expect(credited.reduce((sum, { shares }) => sum + shares, 0)).toBe(BATCHES * SHARES_PER_BATCH);
      expect(credited.reduce((sum, { work }) => sum + work, 0n)).toBe(
        BigInt(BATCHES * SHARES_PER_BATCH) * ((1n << 256n) / (EASY + 1n)),
      );
      expect(credits.flatMap(({ findings }) => findings)).toEqual([]);
    }
  });
});
