// What the figures depend on beside the pools: the machine, how busy others keep it, its disk, the versions.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import type { Bitcoind } from '../../support/bitcoind.ts';
import { natsServerBinary } from '../../support/nats-server-binary.ts';
import { run } from '../../support/run.ts';
import type { LatencyHistogram } from '../measure/latency-histogram.ts';

const APPENDS = 200;
const BLOCK = 4_096;

/** Appends of 4 KiB, each synced, where nats-server keeps its streams. */
export function measureDiskSync(into: LatencyHistogram): void {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-disk-'));
  const file = openSync(join(directory, 'appended'), 'a');
  const block = Buffer.alloc(BLOCK, 0xa5);
  for (let append = 0; append < APPENDS; append++) {
    const from = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    into.record(performance.now() - from);
  }
  closeSync(file);
  rmSync(directory, { recursive: true });
}

const BUSY_MS = 1_000;

/** Part of all cores that is taken while nothing of ours works. */
export async function measureBusy(): Promise<number> {
  const before = cpuTimes();
  await sleep(BUSY_MS);
  const after = cpuTimes();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

function cpuTimes(): { readonly idle: number; readonly all: number } {
  let idle = 0;
  let all = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    all += Object.values(times).reduce((sum, time) => sum + time, 0);
  }
  return { idle, all };
}

/** Of a process; the children of this one have the same. */
export function maxOpenFiles(): number {
  const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

/** The machine, and what of Sluice the figures depend on. */
export async function describeMachine(): Promise<readonly string[]> {
  const commit = await run('git', ['-C', import.meta.dirname, 'rev-parse', '--short', 'HEAD']).catch(() => 'unknown');
  const handshakes = findSecp256k1Wasm() === undefined ? 'noble: `npm run secp256k1` was not run' : 'libsecp256k1';
  return [
    `${cpus().length} cores (${cpus()[0]?.model.trim()}), Linux ${release()}`,
    `Sluice at ${commit.trim()}, Node ${process.versions.node}, handshakes by ${handshakes}`,
  ];
}

/** What a peer's program says of itself. */
export async function describePeer(program: string): Promise<string> {
  const [version] = (await run(program, ['--version'])).trim().split('\n');
  return `${version}, release build of the published crate`;
}

/** What Sluice as a pool has its templates and streams from. */
export async function describeNodeAndBus(bitcoind: Bitcoind): Promise<string> {
  const { subversion } = await bitcoind.rpc('getnetworkinfo');
  const [nats] = (await run(await natsServerBinary(), ['--version'])).trim().split('\n');
  return `${nats}, bitcoind ${subversion.replaceAll('/', '')}`;
}
