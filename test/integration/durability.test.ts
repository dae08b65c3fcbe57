// What docs/durability.md promises: the sync lies between the write and the acknowledgement, shown by system calls; and a server that is
// not set to that is told apart. Kill -9 would prove nothing: the page cache survives it.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { afterEach, describe, expect, it } from 'vitest';
import { bytesOf } from '../support/bus-contract.ts';
import { NatsServer } from '../support/nats-server.ts';
import { isSync, isWrite, type SystemCall, Trace, whyNoTrace } from '../support/system-call-trace.ts';

const noTrace = whyNoTrace();
if (noTrace !== undefined) {
  if (process.env.CI === 'true') throw new Error(noTrace);
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
  if (write === undefined) return false;
  return calls.some(
    (call) =>
      isSync(call) &&
      fileOf(call) === fileOf(write) &&
      call.startedAt >= write.startedAt &&
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
});

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
    const withoutMonitor = await connectNatsBus({ servers: server.url });
    cleanups.push(() => withoutMonitor.close());
    await withoutMonitor.append('SHARES', 'shares.1', bytesOf('x'));
    expect(withoutMonitor.durability()).toBe('unknown');
  });

  it('is synced when it says so', async () => {
    const { bus } = await oneServer(true);
    await bus.append('SHARES', 'shares.1', bytesOf('x'));
    expect(bus.durability()).toBe('synced');
  });
});
