// The service on the bus of one process: leaders that follow each other, late joiners, and what is in the stream at the end.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '@sluice/bus/bus';
import { BusError } from '@sluice/bus/errors';
import { type FeedReader, openFeed } from '@sluice/bus/feed';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { Template } from '@sluice/bus/payloads/template';
import { TipNews } from '@sluice/bus/payloads/tip-news';
import { subjectName } from '@sluice/bus/subjects';
import { type Clock, systemClock } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import type { Service } from '@sluice/runtime/run-service';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createJobDistributorService, type JobDistributorOptions } from '../src/service.ts';
import { type Block, blockOn, newsOf, root, templateOn } from './block-tree.ts';

const options: JobDistributorOptions = {
  instance: 'one',
  network: 'regtest',
  payouts: [{ script: Uint8Array.of(0x51), weight: 1 }],
  tag: new TextEncoder().encode('/test/'),
  templateRefreshMs: 30_000,
  templateFeeRise: 5,
};

let bus: Bus;
let services: Service[];

beforeEach(async () => {
  bus = await createInProcessBus();
  services = [];
});

afterEach(async () => {
  for (const service of services) await service.stop();
  await bus.close();
});

interface DistributorParts {
  readonly clock?: Clock;
  readonly health?: Health;
  readonly payoutByIdentity?: boolean;
}

/** `over`: a bus that the process sees in place of the real one. */
async function distributor(
  instance: string,
  over: Bus = bus,
  { clock = systemClock, health = new Health(), payoutByIdentity = false }: DistributorParts = {},
): Promise<Service> {
  const modules = { clock, log: silentLogger(), metrics: new MetricsRegistry(), health };
  const service = createJobDistributorService({ ...options, payoutByIdentity, instance }, { bus: over, ...modules });
  services.push(service);
  await service.start();
  return service;
}

const tell = async (block: Block) => {
  await bus.append('TEMPLATES', subjectName('tip', 'a'), TipNews.encode(newsOf(block)));
};
const offer = async (block: Block, changes: Partial<Template> = {}) => {
  await bus.append('TEMPLATES', subjectName('template', 'a'), Template.encode(templateOn(block, changes)));
};

async function records(): Promise<JobRecord[]> {
  return (await bus.read('JOBS', 1, 1_000)).map(({ payload }) => JobRecord.decode(payload));
}

/** Waits until the stream holds `count` records and no more come. */
async function settled(count: number, timeoutMs = 8_000): Promise<JobRecord[]> {
  const deadline = performance.now() + timeoutMs;
  while ((await bus.state('JOBS')).lastSequence < count) {
    if (performance.now() > deadline) throw new Error(`${(await records()).length} records, ${count} wanted`);
    await sleep(5);
  }
  await sleep(30);
  const found = await records();
  expect(found.length).toBe(count);
  return found;
}

const kinds = (found: readonly JobRecord[]) =>
  found.map((record) => (record.kind === 'activate' ? 'activate' : record.future ? 'future' : 'job'));

function expectOneOrder(found: readonly JobRecord[]): void {
  expect(found.map(({ feed }) => Number(feed))).toEqual(found.map((_, index) => index + 1));
  const ids = found.filter(({ kind }) => kind === 'newJob').map(({ jobId }) => jobId);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  const epochs = found.map(({ epoch }) => epoch);
  expect(epochs).toEqual([...epochs].sort((a, b) => Number(a - b)));
}

describe('job distributor', () => {
  it('writes the feed of a chain that grows', async () => {
    await distributor('one');
    await tell(root);
    await offer(root);
    await settled(3);
    const next = blockOn(root);
    await tell(next);
    await settled(5);
    await offer(next);
    const found = await settled(6);
    expect(kinds(found)).toEqual(['future', 'activate', 'future', 'activate', 'future', 'job']);
    expectOneOrder(found);
  });

  it('starts from what the providers said before it was there', async () => {
    await tell(root);
    await offer(root);
    await distributor('one');
    expect(kinds(await settled(3))).toEqual(['future', 'activate', 'future']);
  });

  it('lets a standby go on at once when the leader stops, with ids and numbers continued', async () => {
    const first = await distributor('one');
    await distributor('two');
    await tell(root);
    await offer(root);
    await settled(3);
    await first.stop();
    // The new leader shows itself by a future job of its own.
    await settled(4);
    const next = blockOn(root);
    await tell(next);
    await offer(next);
    const found = await settled(7);
    expect(kinds(found).slice(3, 5)).toEqual(['future', 'activate']);
    expect(kinds(found).slice(5).sort()).toEqual(['future', 'job']);
    expect(new Set(found.map(({ epoch }) => epoch)).size).toBe(2);
    expectOneOrder(found);
  });

  it('is followed when it dies between a job and its activation, by one that gives and activates a job of its own', async () => {
    await distributor('one', withDeath(bus, 1));
    await distributor('two');
    await tell(root);
    await offer(root);
    const found = await settled(4, 12_000);
    expect(kinds(found)).toEqual(['future', 'future', 'activate', 'future']);
    expect(found.map(({ epoch }) => epoch === found[0]?.epoch)).toEqual([true, false, false, false]);
    expect(found[2]?.jobId).toBe(found[1]?.jobId);
    expectOneOrder(found);
  });

  it('steps down when somebody else has written, and goes on from there with a new epoch', async () => {
    await distributor('one');
    await tell(root);
    await offer(root);
    const before = await settled(3);
    const last = before.at(-1);
    if (last === undefined) throw new Error('no record');
    await bus.append('JOBS', 'jobs', JobRecord.encode({ ...last, feed: 4n, jobId: last.jobId + 16 }));
    await tell(blockOn(root));
    const found = await settled(7, 12_000);
    expect(kinds(found)).toEqual(['future', 'activate', 'future', 'future', 'future', 'activate', 'future']);
    // The id between may be one that was told, and is not in the stream.
    expect(found[4]?.jobId).toBeGreaterThan(last.jobId + 32);
    expect(found[5]?.jobId).toBe(found[4]?.jobId);
    expect(found[4]?.epoch).toBeGreaterThan(last.epoch);
    expectOneOrder(found);
  });

  it('lets a new leader show itself at once, also while no provider says anything', async () => {
    const first = await distributor('one');
    await tell(root);
    await offer(root);
    await settled(3);
    await first.stop();
    await bus.trim('TEMPLATES', (await bus.state('TEMPLATES')).lastSequence + 1);
    await distributor('two');
    const found = await settled(4);
    expect(kinds(found)).toEqual(['future', 'activate', 'future', 'future']);
    expect(found[3]?.epoch).toBeGreaterThan(found[2]?.epoch ?? 0n);
  });

  it('goes on behind a record that says another number than it has', async () => {
    await distributor('one');
    await tell(root);
    await offer(root);
    const before = await settled(3);
    const last = before.at(-1);
    if (last === undefined) throw new Error('no record');
    await bus.append('JOBS', 'jobs', JobRecord.encode({ ...last, feed: 1n, jobId: last.jobId + 160_000 }));
    await tell(blockOn(root));
    const found = await settled(7, 12_000);
    expect(found.map(({ feed }) => Number(feed))).toEqual([1, 2, 3, 1, 5, 6, 7]);
    // Readers leave such a record out, and so does the next leader: it counts on from the job before.
    expect(kinds(found).slice(4)).toEqual(['future', 'activate', 'future']);
    expect(found[4]?.jobId).toBeLessThan(last.jobId + 160_000);
    expect(found[4]?.jobId).toBeGreaterThan(last.jobId + 16);
    expect(found[5]?.jobId).toBe(found[4]?.jobId);
  });

  it("asks for no header time by a clock that is ahead of the nodes', and is not ready", async () => {
    const health = new Health();
    const clock: Clock = { ...systemClock, now: () => Date.now() + 900_000 };
    await distributor('one', bus, { clock, health });
    await tell(root);
    const nodeTime = Math.floor(Date.now() / 1000);
    await offer(root, { curtime: nodeTime });
    const found = await settled(3);
    for (const { minNtime } of found) expect(minNtime).toBeLessThanOrEqual(nodeTime + 8);
    expect(health.readiness().checks.get('job-distributor: clock')).toMatch(
      /^the clock is 9\d\d s ahead of the nodes$/,
    );
  });

  it('gives a late joiner all that is current and nothing older', async () => {
    await distributor('one');
    let tip = root;
    await tell(tip);
    await offer(tip);
    await settled(3);
    for (let round = 0; round < 5; round++) {
      tip = blockOn(tip);
      await tell(tip);
      await settled(5 + 3 * round);
      await offer(tip);
      await settled(6 + 3 * round);
    }
    const seen: JobRecord[] = [];
    const reader: FeedReader = await openFeed(
      bus,
      (record) => seen.push(record),
      (error) => expect.unreachable(String(error)),
    );
    const current = seen.findLast((record) => record.kind === 'activate');
    expect(current?.kind === 'activate' && current.prevHash).toEqual(tip.hash);
    expect(seen.some((record) => record.kind === 'newJob' && record.jobId === current?.jobId)).toBe(true);
    expect(kinds(seen).at(-1)).toBe('job');
    expect(seen.length).toBeLessThan(8);
    await reader.close();
  });

  it('refuses to start with a tag that does not fit beside height and extranonce', () => {
    const modules = {
      bus,
      clock: systemClock,
      log: silentLogger(),
      metrics: new MetricsRegistry(),
      health: new Health(),
    };
    const tag = new Uint8Array(75).fill(0x41);
    const create = () => createJobDistributorService({ ...options, tag }, modules);
    expect(create).toThrow(expect.objectContaining({ code: 'coinbase-script-too-long' }));
  });

  it('leaves room for an output that pays a miner where identities may ask for one', async () => {
    await distributor('one', bus, { payoutByIdentity: true });
    await tell(root);
    // Room for one more output of an address: 43 bytes, and a signature operation.
    const pools = 4 * (8 + 1 + 1) + 1_168;
    await offer(root, { weight: 4_000_000 - pools - 4 * 43 + 1, templateId: 900n });
    await offer(root, { weight: 4_000_000 - pools - 4 * 43, sigopsCost: 80_000 - 4 + 1, templateId: 901n });
    await offer(root, { weight: 4_000_000 - pools - 4 * 43, sigopsCost: 80_000 - 4, templateId: 902n });
    const [job] = await settled(3);
    expect(job).toMatchObject({ kind: 'newJob', templateId: 902n });
  });

  it('leaves out a template that has no room for the payouts, or for the tag', async () => {
    await distributor('one');
    await tell(root);
    await offer(root, { weight: 4_000_000, templateId: 900n });
    await offer(root, { sigopsCost: 80_001, templateId: 900n });
    await offer(root, { coinbasePrefix: new Uint8Array(80), templateId: 900n });
    await offer(root, { weight: 3_900_000, templateId: 901n });
    const found = await settled(3);
    expect(found.flatMap((record) => (record.kind === 'newJob' ? [record.templateId] : []))).toEqual([901n, 0n]);
  });

  it('leaves out news that is no news, and goes on', async () => {
    await distributor('one');
    await bus.append('TEMPLATES', subjectName('tip', 'a'), Uint8Array.of(9, 9, 9));
    bus.publish(subjectName('template', 'a'), new Uint8Array());
    await tell(root);
    await offer(root);
    await settled(3);
  });
});

/** A bus of a process that is cut off after so many records of the feed: nothing it sends arrives any more. */
function withDeath(real: Bus, maxRecords: number): Bus {
  let written = 0;
  const isDead = () => written >= maxRecords;
  const lost = async () => {
    await sleep(20);
    throw new BusError('bus-timeout', 'cut off');
  };
  const cutOff = <T extends object>(target: T, calls: Record<string, (...args: never[]) => unknown>): T =>
    new Proxy(target, {
      get(_, key) {
        const own = calls[String(key)];
        if (own !== undefined) return own;
        const value = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  return cutOff(real, {
    append: async (...args: Parameters<Bus['append']>) => {
      if (isDead()) return lost();
      const result = await real.append(...args);
      if (args[0] === 'JOBS') written++;
      return result;
    },
    kv: async (name: 'leases') => {
      const kv = await real.kv(name);
      const whileAlive =
        (call: (...args: never[]) => Promise<unknown>) =>
        (...args: never[]) =>
          isDead() ? lost() : call(...args);
      return cutOff(kv, { update: whileAlive(kv.update.bind(kv)), create: whileAlive(kv.create.bind(kv)) });
    },
  });
}
