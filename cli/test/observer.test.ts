import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { CreditBatch } from '@sluice/bus/payloads/credit';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { Solution, SolutionResult } from '@sluice/bus/payloads/solution';
import { subjectName } from '@sluice/bus/subjects';
import { ManualClock, unixMicros } from '@sluice/runtime/clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Observer } from '../src/start/observer.ts';

const clock = new ManualClock();
let bus: Bus;
let observer: Observer;

beforeEach(async () => {
  bus = await createInProcessBus({ clock });
});
afterEach(async () => {
  await observer.stop();
  await bus.close();
});

async function observe(): Promise<void> {
  observer = new Observer(bus, () => clock.now());
  await observer.start();
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

async function credit(batch: bigint, shares: number, work: bigint): Promise<void> {
  const credits = [{ identity: 'demo', worker: '1', shares, work }];
  const creditedAtMicros = unixMicros(clock);
  const payload = CreditBatch.encode({
    incarnation: 1n,
    batch,
    sequence: batch,
    held: false,
    replayFrom: 1n,
    floor: 0n,
    shares,
    credits,
    findings: [],
    creditedAtMicros,
  });
  await bus.append('CREDITS', subjectName('credit', 1), payload);
}

const hash = new Uint8Array(32);
hash[31] = 0xab;

function candidate(): Uint8Array {
  return Solution.encode({
    hash,
    jobId: 16,
    provider: 'p',
    templateId: 1n,
    header: new Uint8Array(80),
    coinbase: new Uint8Array(4),
    identity: 'demo',
    worker: '2',
    incarnation: 1n,
    foundAtMicros: unixMicros(clock),
  });
}

const answered = (answer: string, node = 'n') =>
  SolutionResult.encode({ hash, provider: 'p', node, answer, atMicros: unixMicros(clock) });

describe('observer', () => {
  it('reads back what earlier runs were credited, and adds what comes', async () => {
    await credit(1n, 7, 1_000n);
    clock.advance(60_000);
    await observe();
    await settled();
    expect([observer.creditedEver, observer.readBack]).toEqual([7, 7]);
    await credit(2n, 3, 500n);
    await settled();
    expect([observer.creditedEver, observer.readBack]).toEqual([10, 7]);
  });

  it('takes the hashrate of the last minute from credited work', async () => {
    await observe();
    clock.advance(10_000);
    await credit(1n, 1, 5_000_000n);
    await settled();
    expect(observer.hashrate()).toBe(500_000);
    clock.advance(61_000);
    expect(observer.hashrate()).toBe(0);
  });

  it('counts a block once however many nodes took it, with height and finder', async () => {
    await observe();
    const job = {
      kind: 'newJob',
      epoch: 1n,
      feed: 1n,
      replayFrom: 1n,
      jobId: 16,
      provider: 'p',
      templateId: 1n,
      future: false,
      height: 120,
      version: 0x20000000,
      prevHash: new Uint8Array(32),
      nbits: 0x207fffff,
      minNtime: 0,
      merklePath: [],
      coinbasePrefix: new Uint8Array(1),
      coinbaseSuffix: new Uint8Array(1),
      createdAtMicros: 0n,
    } as const;
    bus.publish(subjectName('jobs'), JobRecord.encode(job));
    bus.publish(subjectName('solutionNow'), candidate());
    bus.publish(subjectName('solutionResult'), answered(''));
    bus.publish(subjectName('solutionResult'), answered('duplicate', 'other'));
    await settled();
    expect(observer.height).toBe(119);
    expect(observer.blocks).toBe(1);
    expect(observer.lastBlock).toMatchObject({ height: 120, worker: 'demo.2', answer: 'accepted' });
    expect(observer.lastBlock?.hash.startsWith('ab00')).toBe(true);
  });

  it('shows the word of a node that refused', async () => {
    await observe();
    bus.publish(subjectName('solutionNow'), candidate());
    bus.publish(subjectName('solutionResult'), answered('bad-txnmrklroot'));
    await settled();
    expect(observer.blocks).toBe(0);
    expect(observer.lastBlock?.answer).toBe('bad-txnmrklroot');
  });
});
