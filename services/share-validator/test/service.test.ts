import { setTimeout as sleep, setImmediate as yieldNow } from 'node:timers/promises';
import { workOfTarget } from '@sluice/bitcoin/target';
import type { Bus, Kv } from '@sluice/bus/bus';
import { BusError } from '@sluice/bus/errors';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { CreditBatch, FindingReport, Statistics } from '@sluice/bus/payloads/credit';
import type { BatchChannel } from '@sluice/bus/payloads/share-batch';
import { Solution } from '@sluice/bus/payloads/solution';
import { subjectName } from '@sluice/bus/subjects';
import type { Clock } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import type { Service } from '@sluice/runtime/run-service';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Sleep } from '../src/incarnation-worker.ts';
import { createShareValidatorService, type ShareValidatorOptions } from '../src/service.ts';
import { EASY, EVERY_SECOND, FakeDistributor, FakeGateway } from './fake-pool.ts';

/** The validators of these tests live ten times as fast. */
const SPEED = 10;
const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() * SPEED };
const fastSleep: Sleep = (ms, value, options) => sleep(ms / SPEED, value, options);

let bus: Bus;
let distributor: FakeDistributor;
let gateway: FakeGateway;
let job: { jobId: number; tipFeed: number };
let channel: BatchChannel;
let running: Service[];
let metrics: MetricsRegistry;

beforeEach(async () => {
  bus = await createInProcessBus();
  distributor = new FakeDistributor(bus);
  gateway = new FakeGateway(1, distributor);
  job = await distributor.newTip(1);
  channel = gateway.channel('extended');
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((service) => service.stop()));
  await bus.close();
});

async function validator(
  instance = 'a',
  over: Bus = bus,
  options: Partial<ShareValidatorOptions> = {},
): Promise<Service> {
  metrics = new MetricsRegistry();
  const service = createShareValidatorService(
    { instance, leaseTtlMs: 6_000, statisticsEveryMs: 1_000, ...options },
    { bus: over, clock, log: silentLogger(), metrics, health: new Health(), sleep: fastSleep, yieldNow },
  );
  await service.start();
  running.push(service);
  return service;
}

async function stop(service: Service): Promise<void> {
  running = running.filter((other) => other !== service);
  await service.stop();
}

const share = () => gateway.share(channel, job);

async function credits(): Promise<CreditBatch[]> {
  const messages = await bus.read('CREDITS', 1, 1_000);
  return messages
    .filter(({ subject }) => subject.startsWith('credit.'))
    .map(({ payload }) => CreditBatch.decode(payload));
}

async function reports(): Promise<FindingReport[]> {
  const messages = await bus.read('CREDITS', 1, 1_000);
  return messages
    .filter(({ subject }) => subject.startsWith('findings.'))
    .map(({ payload }) => FindingReport.decode(payload));
}

const behind = async () => Number(/^sluice_share_validator_behind_seconds (\S+)$/m.exec(await metrics.scrape())?.[1]);

const creditedShares = async () =>
  (await credits()).flatMap((credit) => credit.credits).reduce((sum, { shares }) => sum + shares, 0);

const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 8_000, interval: 20 });

const batchesAre = (wanted: readonly bigint[]) =>
  until(async () => expect((await credits()).map(({ batch }) => batch)).toEqual(wanted));

const methodsOf = (kv: Kv): Kv => ({
  get: (key) => kv.get(key),
  create: (key, value) => kv.create(key, value),
  update: (key, value, revision) => kv.update(key, value, revision),
  put: (key, value) => kv.put(key, value),
  delete: (key, revision) => kv.delete(key, revision),
  keys: () => kv.keys(),
  watch: (onChange) => kv.watch(onChange),
});

/** The same bus with some calls taken over. */
const wrapped = (changes: Partial<Bus>, around: Bus = bus): Bus =>
  new Proxy(around, {
    get(target, key) {
      const value: unknown = Reflect.get(key in changes ? changes : target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

describe('share-validator', () => {
  it('keeps apart what pays its miner: in the records, and in the metrics', async () => {
    const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
    const solo = gateway.channel('extended', address, 'rig', 5);
    await validator('a', bus, { payoutNetwork: 'regtest' });
    await gateway.send(bus, [await share(), await gateway.share(solo, job), await gateway.share(solo, job)]);
    await batchesAre([1n]);
    const work = workOfTarget(EASY);
    expect((await credits())[0]).toMatchObject({
      credits: [{ identity: 'alice', worker: 'one', shares: 1, work }],
      minerPaid: [{ identity: address, worker: 'rig', poolPercent: 5, shares: 2, work: 2n * work }],
    });
    await until(async () => expect(await metrics.scrape()).toContain('shares_total{outcome="miner-paid"} 2\n'));
    const shown = await metrics.scrape();
    expect(shown).toContain('sluice_share_validator_shares_total{outcome="credited"} 1\n');
    expect(shown).toContain('sluice_share_validator_shares_total{outcome="refused"} 0\n');
    expect(shown).toContain(`sluice_share_validator_work_hashes_total ${Number(work)}\n`);
    expect(shown).toContain(`sluice_share_validator_miner_paid_work_hashes_total ${2 * Number(work)}\n`);
  });

  it('credits what was there before it and what comes, each batch once', async () => {
    const first = await gateway.send(bus, [await share(), await share()]);
    await validator();
    await batchesAre([1n]);
    await gateway.send(bus, [await share()]);
    await batchesAre([1n, 2n]);
    const [credit] = await credits();
    expect(credit).toMatchObject({ incarnation: 1n, sequence: BigInt(first), shares: 2, held: false, findings: [] });
    expect(credit?.credits).toEqual([{ identity: 'alice', worker: 'one', shares: 2, work: 2n * workOfTarget(EASY) }]);
  });

  it('goes on where it stopped', async () => {
    await gateway.send(bus, [await share()]);
    const before = await validator();
    await batchesAre([1n]);
    await stop(before);
    const repeated = await share();
    await gateway.send(bus, [repeated]);
    await validator();
    await batchesAre([1n, 2n]);
    await gateway.send(bus, [repeated]);
    await batchesAre([1n, 2n, 3n]);
    expect(await creditedShares()).toBe(2);
  });

  it('credits once when it dies between the append and its acknowledgement', async () => {
    await gateway.send(bus, [await share()]);
    const { promise: ended, reject: end } = Promise.withResolvers<never>();
    let dead = false;
    const dying = wrapped({
      append: async (stream, subject, payload, options) => {
        await bus.append(stream, subject, payload, options);
        dead = true;
        return ended;
      },
      publish: (subject, payload) => {
        if (!dead) bus.publish(subject, payload);
      },
      kv: async (bucket) => {
        const kv = await bus.kv(bucket);
        const update: Kv['update'] = (...change) => (dead ? ended : kv.update(...change));
        return { ...methodsOf(kv), update };
      },
    });
    const gone = await validator('dying', dying);
    await until(async () => expect(dead).toBe(true));
    await gateway.send(bus, [await share()]);
    await validator('next');
    await batchesAre([1n, 2n]);
    expect(await creditedShares()).toBe(2);
    end(new BusError('bus-closed', 'gone'));
    await stop(gone);
    expect(await creditedShares()).toBe(2);
  });

  it('credits once when the answer to an append is lost', async () => {
    let lost = 0;
    const lossy = wrapped({
      append: async (stream, subject, payload, options) => {
        const result = await bus.append(stream, subject, payload, options);
        if (lost++ % 2 === 0) throw new BusError('bus-timeout', 'lost');
        return result;
      },
    });
    await validator('a', lossy);
    for (let count = 0; count < 3; count += 1) {
      await gateway.send(bus, [await share()]);
      await until(async () => expect(await creditedShares()).toBe(count + 1));
    }
    await sleep(100);
    expect(await creditedShares()).toBe(3);
  });

  it('waits for a stream that is full, and loses nothing', async () => {
    let full = true;
    const busy = wrapped({
      append: async (stream, subject, payload, options) => {
        if (full) throw new BusError('bus-stream-full', 'full');
        return bus.append(stream, subject, payload, options);
      },
    });
    await validator('a', busy);
    await gateway.send(bus, [await share()]);
    await until(async () => expect(await metrics.scrape()).toMatch(/append_failures_total [1-9]/));
    const sentAt = (await bus.read('SHARES', 1, 1))[0]?.storedAtMs ?? 0;
    await until(async () => expect(await behind()).toBeGreaterThan(0.5));
    // Between two turns it is counted by the clock that runs faster here.
    expect(await behind()).toBeLessThanOrEqual((SPEED * (Date.now() - sentAt)) / 1_000);
    full = false;
    await batchesAre([1n]);
    await until(async () => expect(await behind()).toBe(0));
  });

  it('credits once with two that do not know of each other and both hold the lease', async () => {
    const other = await createInProcessBus();
    const apart = wrapped({ publish: () => undefined, kv: (bucket) => other.kv(bucket) });
    await Promise.all([validator('a', wrapped({ publish: () => undefined })), validator('b', apart)]);
    for (let count = 0; count < 20; count += 1) {
      await gateway.send(bus, [await share(), await share()]);
      // Some in one record, some apart: two batches come between two records at most.
      if (count % 2 === 0) await sleep(60);
    }
    await until(async () => expect(await creditedShares()).toBe(40));
    await sleep(100);
    const numbers = (await credits()).map(({ batch }) => batch);
    expect(numbers.length).toBeGreaterThan(5);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => Number(a - b)));
    expect(await creditedShares()).toBe(40);
    await Promise.all(running.splice(0).map((service) => service.stop()));
    await other.close();
  });

  it('leaves an incarnation to another validator, and takes it over from one that is gone', async () => {
    const first = await validator('a');
    await validator('b');
    const gateways = [2, 3, 4, 5, 6, 7].map((number) => new FakeGateway(number, distributor));
    const send = async () => {
      for (const one of gateways) await one.send(bus, [await one.share(one.channel('standard'), job)]);
    };
    await send();
    await until(async () => expect(await creditedShares()).toBe(6));
    await stop(first);
    await send();
    await until(async () => expect(await creditedShares()).toBe(12));
  });

  it('waits for a job that the stream does not have yet', async () => {
    await validator();
    const early = new FakeDistributor(await createInProcessBus());
    await early.newTip(1);
    const soon = { jobId: await early.newJob(), tipFeed: job.tipFeed };
    const miner = new FakeGateway(1, early);
    await miner.send(bus, [await miner.share(miner.channel('extended'), soon)]);
    await sleep(200);
    expect(await credits()).toEqual([]);
    await distributor.newJob();
    await until(async () => expect(await creditedShares()).toBe(1));
  });

  it('looks after the others while one that is no longer its own waits for a job', async () => {
    const alone = await validator('a');
    const early = new FakeDistributor(await createInProcessBus());
    await early.newTip(1);
    const never = { jobId: await early.newJob(), tipFeed: job.tipFeed };
    const gateways = [2, 3, 4, 5, 6, 7].map((number) => new FakeGateway(number, early));
    for (const one of gateways) await one.send(bus, [await one.share(one.channel('standard'), never)]);
    await until(async () => expect(await metrics.scrape()).toContain('sluice_share_validator_incarnations 6'));
    await sleep(100);
    // The other hears and is heard, and has a bus of its own otherwise: it takes nothing over, and what it should have is given up.
    const elsewhere = await createInProcessBus();
    const { publish, subscribe } = wrapped({});
    const first = metrics;
    const apart = await validator('b', wrapped({ publish, subscribe }, elsewhere));
    const before = performance.now();
    await until(async () => expect(await first.scrape()).toMatch(/incarnations [0-5]\n/));
    expect(performance.now() - before).toBeLessThan(5_000);
    await Promise.all([stop(apart), stop(alone)]);
    await elsewhere.close();
  });

  it('holds the credit of a gateway whose records fail, over restarts, and reports why once', async () => {
    const before = await validator();
    const good = await share();
    await gateway.send(bus, [good, { ...(await share()), target: 1n }]);
    await batchesAre([1n]);
    await stop(before);
    await validator();
    await gateway.send(bus, [await share()]);
    await batchesAre([1n, 2n]);
    expect((await credits()).map(({ held }) => held)).toEqual([true, true]);
    expect(await creditedShares()).toBe(2);
    expect(await reports()).toMatchObject([{ batch: 1n, held: true, findings: [{ shareIndex: 1 }] }]);
    expect(await metrics.scrape()).toContain('sluice_share_validator_incarnations_held 1');
  });

  it('steps over a record that is no batch', async () => {
    await bus.append('SHARES', subjectName('shares', 1), Uint8Array.of(1, 2, 3));
    await validator();
    await batchesAre([1n]);
    gateway.batch([]);
    await gateway.send(bus, [await share()]);
    await batchesAre([1n, 2n]);
    expect((await credits()).map(({ held }) => held)).toEqual([true, true]);
  });

  it('puts a block that no gateway stored into the stream of solutions', async () => {
    const easy = new FakeDistributor(await createInProcessBus(), EVERY_SECOND);
    await bus.close();
    bus = await createInProcessBus();
    distributor = new FakeDistributor(bus, EVERY_SECOND);
    job = await distributor.newTip(1);
    await easy.newTip(1);
    gateway = new FakeGateway(1, distributor);
    channel = gateway.channel('extended');
    await validator();
    await gateway.send(bus, [await share()]);
    await until(async () => {
      const stored = await bus.last('SOLUTIONS', subjectName('solution'));
      const solution = Solution.decode(stored?.payload ?? new Uint8Array());
      expect(solution).toMatchObject({
        jobId: job.jobId,
        provider: 'p',
        templateId: 7n,
        identity: 'alice',
        incarnation: 1n,
      });
    });
  });

  it('publishes what each worker did', async () => {
    const seen: Statistics[] = [];
    bus.subscribe(subjectName('statistics'), (payload) => seen.push(Statistics.decode(payload)));
    await validator();
    await gateway.send(bus, [await share(), await share()]);
    await until(async () => expect(seen.some(({ shares }) => shares === 2n)).toBe(true));
    const { workers, work } = seen.find(({ shares }) => shares === 2n) as Statistics;
    expect(work).toBe(2n * workOfTarget(EASY));
    expect(workers).toMatchObject([{ identity: 'alice', worker: 'one', shares: 2, work }]);
    expect(workers[0]?.hashrate).toBeCloseTo(Number(work) / 60, 5);
  });
});
