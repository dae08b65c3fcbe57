// What docs/durability.md promises: the sync lies between the write and the acknowledgement, shown by system calls; and a server that is
// not set to that is told apart. The acknowledgement is that of a server or a bus, and in the pool that of a miner's share. Kill -9 would prove nothing: the page cache survives it.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus } from '@sluice/bus/bus';
import { followBus } from '@sluice/bus/metrics';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { bytesOf } from '../support/bus-contract.ts';
import { inCi } from '../support/in-ci.ts';
import { NatsServer } from '../support/nats-server.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import { type Sv2Channel, shareStates } from '../support/sv2-channel.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { isSync, isWrite, type SystemCall, Trace, whyNoTrace } from '../support/system-call-trace.ts';
import { waitFor } from '../support/wait-for.ts';

const noTrace = await whyNoTrace();
if (noTrace !== undefined) {
  if (inCi) throw new Error(noTrace);
  console.warn(`skipped: ${noTrace}`);
}

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function oneServer(syncAlways: boolean) {
  const server = await NatsServer.start({ syncAlways });
  cleanups.push(() => server.dispose());
  const bus = await connectNatsBus({ servers: server.url, monitors: [server.monitor] });
  cleanups.push(() => bus.close());
  return { server, bus };
}

const RECORDS = 20;

type Matches = (call: SystemCall, index: number) => boolean;

/** Whether a sync of the file that a record was written to ended between that write and the record's acknowledgement. */
function isSyncedInTime(
  calls: readonly SystemCall[],
  isRecord: Matches,
  acknowledgement: SystemCall,
  index: number,
): boolean {
  const write = calls.find((call) => isWrite(call) && isRecord(call, index));
  return write !== undefined && isSyncedBetween(calls, write, acknowledgement);
}

function isSyncedBetween(calls: readonly SystemCall[], write: SystemCall, acknowledgement: SystemCall): boolean {
  return calls.some(
    (call) =>
      isSync(call) &&
      fileOf(call) === fileOf(write) &&
      call.startedAt >= write.endedAt - CLOCK_STEP &&
      call.endedAt <= acknowledgement.startedAt + CLOCK_STEP,
  );
}

/** strace's times are in whole microseconds. */
const CLOCK_STEP = 1e-6;

function acknowledgementOf(calls: readonly SystemCall[], isAcknowledgement: Matches, index: number): SystemCall {
  const found = calls.find((call) => isWrite(call) && isAcknowledgement(call, index));
  if (found === undefined) throw new Error(`the acknowledgement of record ${index} is not in the trace`);
  return found;
}

function syncedBeforeAcknowledged(
  calls: readonly SystemCall[],
  isRecord: Matches,
  isAcknowledgement: Matches,
): boolean[] {
  return Array.from({ length: RECORDS }, (_, index) => {
    expect(calls.some((call) => isWrite(call) && isRecord(call, index))).toBe(true);
    return isSyncedInTime(calls, isRecord, acknowledgementOf(calls, isAcknowledgement, index), index);
  });
}

/** `12</path>` of `pwrite64(12</path>, …`. */
const fileOf = ({ text }: SystemCall): string => /^\w+\((\d+<[^>]*>)/.exec(text)?.[1] ?? '';

describe.skipIf(noTrace !== undefined)('the sync lies between the write and the acknowledgement', () => {
  it('of nats-server with sync_interval: always', async () => {
    const calls = await traceServer(true);
    expect(verdicts(calls)).toEqual(Array(RECORDS).fill(true));
  });

  it('and not of nats-server with its default: the trace can tell', async () => {
    const calls = await traceServer(false);
    expect(verdicts(calls)).toEqual(Array(RECORDS).fill(false));
  });

  it('of at least two of three nats-servers, in the log of their consensus', async () => {
    const servers = await NatsServer.startCluster();
    cleanups.push(async () => void (await Promise.all(servers.map((server) => server.dispose()))));
    const bus = await connectNatsBus({
      servers: servers.map(({ url }) => url),
      monitors: servers.map(({ monitor }) => monitor),
      replicas: 3,
    });
    cleanups.push(() => bus.close());
    await bus.append('SHARES', 'shares.1', bytesOf('first'));
    expect(bus.durability()).toBe('synced');
    const traces = await Promise.all(servers.map(({ pid = 0 }) => Trace.attach(pid)));
    for (let index = 0; index < RECORDS; index++) await bus.append('SHARES', 'shares.1', bytesOf(`record-${index}.`));
    const calls = await Promise.all(traces.map((trace) => trace.stop()));
    const isRecord: Matches = (call, index) =>
      /_js_\/S-R3F/.test(fileOf(call)) && call.text.includes(`record-${index}.`);
    for (let index = 0; index < RECORDS; index++) {
      const acknowledgement = acknowledgementOf(calls.flat(), isServerAcknowledgement, index);
      const synced = calls.filter((own) => isSyncedInTime(own, isRecord, acknowledgement, index));
      expect(synced.length).toBeGreaterThanOrEqual(2);
    }
  });

  it('of the in-process bus', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-durability-'));
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
    const calls = await traceAppendLoop(directory);
    const found = syncedBeforeAcknowledged(
      calls,
      (call, index) => fileOf(call).includes('SHARES') && call.text.includes(`record-${index}.`),
      (call, index) => call.text.includes(`acknowledged-${index}.`),
    );
    expect(found).toEqual(Array(RECORDS).fill(true));
  });

  it("of a miner's lone share in the pool", async () => {
    const pool = await PoolProcesses.start({
      chain: { simulated: { nbits: HARD_NBITS, blockSeconds: 0 } },
      sharesPerMinute: 60,
      easiestDifficulty: 1e-10,
    });
    cleanups.push(() => pool.stop());
    const client = await Sv2Client.connect({ port: pool.gatewayPort(), authorityKey: pool.authorityKey });
    cleanups.push(() => client.close());
    const channel = await client.openStandard({ identity: 'alice.rig', hashRate: 1 });
    await waitFor(() => channel.job !== undefined);
    // The first share makes the file.
    await submitAlone(client, channel);
    const trace = await Trace.attach(pool.nats.pid ?? 0, pool.service('connection-gateway-0').pid ?? 0);
    for (let share = 0; share < RECORDS; share++) await submitAlone(client, channel);
    const calls = await trace.stop();

    const records = calls.filter(
      (call) => isWrite(call) && /\/SHARES\/msgs\//.test(fileOf(call)) && call.text.includes('shares.'),
    );
    const toMiner = `<TCP:[127.0.0.1:${pool.gatewayPort()}->`;
    const successes = calls.filter(
      (call) => isWrite(call) && call.text.includes(toMiner) && call.text.includes(`= ${SUCCESS_BYTES} `),
    );
    expect([records.length, successes.length]).toEqual([RECORDS, RECORDS]);
    const found = successes.map((success, index) => isSyncedBetween(calls, records[index] as SystemCall, success));
    expect(found).toEqual(Array(RECORDS).fill(true));
  });
});

/** Difficulty 1: no share of a test is a block. */
const HARD_NBITS = '1d00ffff';
/** SubmitShares.Success as it is sealed: a header of 6 bytes and a payload of 20, each with a tag of 16. */
const SUCCESS_BYTES = 58;

/** Resolves when the share is acknowledged. */
async function submitAlone(client: Sv2Client, channel: Sv2Channel): Promise<void> {
  const share = channel.find('share-no-block');
  if (share === undefined) throw new Error('no share');
  const sequence = client.submit(channel, share);
  await waitFor(() => channel.stateOf(sequence) === shareStates.accepted);
}

const verdicts = (calls: readonly SystemCall[]) =>
  syncedBeforeAcknowledged(
    calls,
    (call, index) => fileOf(call).includes('SHARES/msgs') && call.text.includes(`record-${index}.`),
    isServerAcknowledgement,
  );

/** The first record of the trace has sequence 2: one was stored before, so that the file exists. */
const isServerAcknowledgement = ({ name, text }: SystemCall, index: number): boolean =>
  (name === 'write' || name === 'writev') && text.includes('_INBOX.') && text.includes(`\\"seq\\":${index + 2}}`);

async function traceServer(syncAlways: boolean): Promise<SystemCall[]> {
  const { server, bus } = await oneServer(syncAlways);
  await bus.append('SHARES', 'shares.1', bytesOf('first'));
  const trace = await Trace.attach(server.pid ?? 0);
  for (let index = 0; index < RECORDS; index++) await bus.append('SHARES', 'shares.1', bytesOf(`record-${index}.`));
  return trace.stop();
}

async function traceAppendLoop(directory: string): Promise<SystemCall[]> {
  const node = createRequire(import.meta.url).resolve('node/bin/node');
  const script = join(import.meta.dirname, '../support/append-loop.ts');
  const child = spawn(node, [script, directory, String(RECORDS)], { stdio: ['pipe', 'pipe', 'inherit'] });
  cleanups.push(() => void child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const trace = await Trace.attach(child.pid ?? 0);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin.write('go\n');
  child.stdout.resume();
  // strace goes with the process that it traces; what it wrote is read all the same.
  await ended;
  return trace.stop();
}

describe('what a server is set to', () => {
  it('is read from it, and its default counts as not durable', async () => {
    const { bus, server } = await oneServer(false);
    expect(bus.durability()).toBe('unknown');
    await bus.append('SHARES', 'shares.1', bytesOf('x'));
    expect(bus.durability()).toBe('not-synced');
    expect(await durableMetric(bus)).toBe(0);
    const withoutMonitor = await connectNatsBus({ servers: server.url });
    cleanups.push(() => withoutMonitor.close());
    await withoutMonitor.append('SHARES', 'shares.1', bytesOf('x'));
    expect(withoutMonitor.durability()).toBe('unknown');
  });

  it('is synced when it says so', async () => {
    const { bus } = await oneServer(true);
    await bus.append('SHARES', 'shares.1', bytesOf('x'));
    expect(bus.durability()).toBe('synced');
    expect(await durableMetric(bus)).toBe(1);
  });

  it('counts for buckets too', async () => {
    for (const synced of [true, false]) {
      const { bus } = await oneServer(synced);
      await bus.kv('leases');
      expect(bus.durability()).toBe(synced ? 'synced' : 'not-synced');
    }
  });
});

async function durableMetric(bus: Bus): Promise<number | undefined> {
  const registry = new MetricsRegistry();
  followBus(registry, bus);
  const [series] = await registry.series('sluice_bus_durable');
  return series?.value;
}
