// Two job distributors over a real nats-server that is killed again and again while the chain grows and leaders come and go: the feed
// stays one order, and everybody who reads it live ends with what is in the stream.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '@sluice/bus/bus';
import { isBusError } from '@sluice/bus/errors';
import { openFeed } from '@sluice/bus/feed';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { type Activate, JobRecord, type NewJob } from '@sluice/bus/payloads/job-record';
import { Template } from '@sluice/bus/payloads/template';
import { TipNews } from '@sluice/bus/payloads/tip-news';
import { subjectName } from '@sluice/bus/subjects';
import { createJobDistributorService } from '@sluice/job-distributor/service';
import { systemClock } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import type { Service } from '@sluice/runtime/run-service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Block, blockOn, newsOf, root, templateOn } from '../../services/job-distributor/test/block-tree.ts';
import { until } from '../support/bus-contract.ts';
import { NatsServer } from '../support/nats-server.ts';
import { waitFor } from '../support/wait-for.ts';

const BLOCKS = 40;

let server: NatsServer;
let provider: Bus;
const services: Service[] = [];
const buses: Bus[] = [];

async function connect(): Promise<Bus> {
  const bus = await connectNatsBus({ servers: server.url });
  buses.push(bus);
  return bus;
}

async function distributor(instance: string): Promise<Service> {
  const service = createJobDistributorService(
    {
      instance,
      network: 'regtest',
      payouts: [{ script: Uint8Array.of(0x51), weight: 1 }],
      tag: new TextEncoder().encode('/test/'),
      templateRefreshMs: 1_000,
      templateFeeRise: 5,
    },
    {
      bus: await connect(),
      clock: systemClock,
      log: silentLogger(),
      metrics: new MetricsRegistry(),
      health: new Health(),
    },
  );
  await service.start();
  services.push(service);
  return service;
}

beforeAll(async () => {
  server = await NatsServer.start();
  provider = await connect();
});

afterAll(async () => {
  for (const service of services) await service.stop();
  for (const bus of buses) await bus.close();
  await server.dispose();
});

/** As a provider does it: told again until it is told. */
async function tell(block: Block): Promise<void> {
  const messages = [
    [subjectName('tip', 'a'), TipNews.encode(newsOf(block))],
    [subjectName('template', 'a'), Template.encode(templateOn(block))],
  ] as const;
  for (const [subject, payload] of messages) {
    for (;;) {
      try {
        await provider.append('TEMPLATES', subject, payload, { timeoutMs: 500 });
        break;
      } catch (error) {
        if (!isBusError(error)) throw error;
      }
    }
  }
}

const kindOf = (record: JobRecord) => (record.kind === 'activate' ? 'activate' : record.future ? 'future' : 'job');

/** Every rule that a gateway relies on, over the whole stream. */
function checkFeed(records: readonly JobRecord[]): void {
  const jobs = new Map<number, NewJob>();
  let tip: Activate | undefined;
  for (const [index, record] of records.entries()) {
    expect(record.feed).toBe(BigInt(index + 1));
    expect(record.epoch).toBeGreaterThanOrEqual(records[index - 1]?.epoch ?? 0n);
    expect(record.replayFrom).toBeLessThanOrEqual(record.feed);
    if (record.kind === 'newJob') {
      expect(record.jobId).toBeGreaterThan(Math.max(0, ...jobs.keys()));
      jobs.set(record.jobId, record);
      if (!record.future) expect(record.prevHash).toEqual(tip?.prevHash);
      continue;
    }
    const job = jobs.get(record.jobId);
    expect(job?.future).toBe(true);
    expect(job?.height).toBe(record.height);
    // A prepared job stands on the tip before, a job of a template on the tip itself.
    expect(job?.prevHash).toEqual(job?.templateId === 0n ? tip?.prevHash : record.prevHash);
    expect(record.chainwork).toBeGreaterThan(tip?.chainwork ?? 0n);
    tip = record;
  }
}

describe('two job distributors over nats-server', () => {
  it('write one feed through crashes of the server and changes of the leader', async () => {
    await distributor('one');
    await distributor('two');
    let tip = root;
    await tell(tip);
    const listener = await connect();
    const live = new Map<bigint, JobRecord>();
    await openFeed(
      listener,
      (record) => live.set(record.feed, record),
      (error) => expect.unreachable(String(error)),
    );
    for (let round = 0; round < BLOCKS; round++) {
      tip = blockOn(tip);
      if (round % 8 === 3) {
        const killed = server.kill();
        await sleep(round % 3);
        await killed;
        await server.launch();
      }
      if (round % 10 === 5) {
        await services.shift()?.stop();
        await distributor(`later-${round}`);
      }
      await tell(tip);
      await sleep(20);
    }
    const onTip = () =>
      [...live.values()].some(
        (record) => record.kind === 'activate' && Buffer.compare(record.prevHash, tip.hash) === 0,
      );
    await until(onTip, 20_000);
    await sleep(500);
    const records = (await provider.read('JOBS', 1, 10_000)).map(({ payload }) => JobRecord.decode(payload));
    checkFeed(records);
    expect(new Set(records.map(({ epoch }) => epoch)).size).toBeGreaterThan(1);
    expect(records.filter((record) => kindOf(record) === 'activate').length).toBeGreaterThan(BLOCKS / 2);
    expect([...live.values()]).toEqual(records.filter(({ feed }) => live.has(feed)));
    expect(live.size).toBe(records.length - Number([...live.keys()][0]) + 1);
  });

  it('go on with the numbers of a stream that was purged', async () => {
    for (const service of services.splice(0)) await service.stop();
    const { lastSequence } = await provider.state('JOBS');
    await provider.trim('JOBS', lastSequence + 1);
    expect(await provider.read('JOBS', 1, 10)).toEqual([]);
    await distributor('after-the-purge');
    const tip = blockOn({ ...root, height: root.height + 2 * BLOCKS, chainwork: root.chainwork * 2n });
    await tell(tip);
    const isTold = async () =>
      (await provider.read('JOBS', 1, 100)).some(({ payload }) => {
        const record = JobRecord.decode(payload);
        return record.kind === 'activate' && Buffer.compare(record.prevHash, tip.hash) === 0;
      });
    await waitFor(isTold);
    const messages = await provider.read('JOBS', 1, 100);
    expect(messages[0]?.sequence).toBe(lastSequence + 1);
    for (const { sequence, payload } of messages) {
      const { feed, replayFrom } = JobRecord.decode(payload);
      expect(Number(feed)).toBe(sequence);
      expect(Number(replayFrom)).toBeGreaterThan(lastSequence);
    }
    const heard: JobRecord[] = [];
    const reader = await openFeed(
      provider,
      (record) => heard.push(record),
      (error) => expect.unreachable(String(error)),
    );
    expect(heard.some((record) => record.kind === 'activate')).toBe(true);
    await reader.close();
  });
});
