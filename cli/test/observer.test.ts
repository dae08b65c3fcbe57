import { buildCoinbase, encodeHeightPush, witnessCoinbase } from '@sluice/bitcoin/coinbase';
import { concatBytes } from '@sluice/bitcoin/serialize';
import { compactToTarget } from '@sluice/bitcoin/target';
import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { CreditBatch } from '@sluice/bus/payloads/credit';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { Solution, SolutionResult } from '@sluice/bus/payloads/solution';
import { subjectName } from '@sluice/bus/subjects';
import { ManualClock, unixMicros } from '@sluice/runtime/clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Observer } from '../src/start/observer.ts';
import type { BlockSeen } from '../src/start/snapshot.ts';
import { RATE_WINDOW_MS } from '../src/start/work-rate.ts';

const clock = new ManualClock();
let bus: Bus;
let observer: Observer;
let told: BlockSeen[];

beforeEach(async () => {
  bus = await createInProcessBus({ clock });
});
afterEach(async () => {
  await observer.stop();
  await bus.close();
});

async function observe(): Promise<void> {
  told = [];
  observer = new Observer(
    bus,
    () => clock.now(),
    (block) => told.push(block),
  );
  await observer.start();
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

type MinerPaid = CreditBatch['minerPaid'];

async function credit(batch: bigint, shares: number, work: bigint, worker = '1', minerPaid: MinerPaid = []) {
  const credits = [{ identity: 'demo', worker, shares, work }];
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
    minerPaid,
    creditedAtMicros,
  });
  await bus.append('CREDITS', subjectName('credit', 1), payload);
}

const hash = new Uint8Array(32);
hash[31] = 0xab;

const { prefix, suffix } = buildCoinbase({
  ...{ version: 2, coinbasePrefix: encodeHeightPush(120), tag: new Uint8Array(0), extranonceSize: 4 },
  ...{ sequence: 0xffffffff, locktime: 0, outputs: [{ value: 312_500_000n, script: Uint8Array.of(0x51) }] },
});

async function found(): Promise<void> {
  const payload = Solution.encode({
    hash,
    jobId: 16,
    provider: 'p',
    templateId: 1n,
    header: new Uint8Array(80),
    coinbase: witnessCoinbase(concatBytes(prefix, new Uint8Array(4), suffix)),
    identity: 'demo',
    worker: '2',
    incarnation: 1n,
    foundAtMicros: unixMicros(clock),
  });
  await bus.append('SOLUTIONS', subjectName('solution'), payload);
}

async function answered(answer: string, node = 'n'): Promise<void> {
  const payload = SolutionResult.encode({ hash, provider: 'p', node, answer, atMicros: unixMicros(clock) });
  await bus.append('SOLUTIONS', subjectName('solutionResult'), payload);
}

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

  it('shows those whose blocks pay themselves as everybody else', async () => {
    await observe();
    await credit(1n, 1, 600n, '1', [{ identity: 'bcrt1q', worker: 'solo', poolPercent: 0, shares: 2, work: 1_800n }]);
    await settled();
    expect(observer.creditedEver).toBe(3);
    const names = observer.workers(new Map()).map(({ name }) => name);
    expect(names).toEqual(['bcrt1q.solo', 'demo.1']);
  });

  it('takes the hashrate of the last minutes from credited work', async () => {
    await observe();
    clock.advance(10_000);
    await credit(1n, 1, 5_000_000n);
    await settled();
    expect(observer.hashrate()).toBe(500_000);
    clock.advance(RATE_WINDOW_MS);
    expect(observer.hashrate()).toBe(0);
  });

  it('counts a block once however many nodes took it, with height, finder and reward', async () => {
    await observe();
    await found();
    await answered('');
    await answered('duplicate', 'other');
    await settled();
    expect(observer.blocks).toBe(1);
    expect(observer.latestBlocks).toHaveLength(1);
    expect(observer.latestBlocks[0]).toMatchObject({ height: 120, worker: 'demo.2', answer: 'accepted' });
    expect(observer.latestBlocks[0]?.reward).toBe(312_500_000n);
    expect(observer.latestBlocks[0]?.hash.startsWith('ab00')).toBe(true);
    expect(told.map(({ height }) => height)).toEqual([120]);
  });

  it('takes an answer that came before its candidate was stored', async () => {
    await observe();
    await answered('');
    await found();
    await settled();
    expect(told.map(({ answer }) => answer)).toEqual(['accepted']);
  });

  it('shows the word of a node that refused, until another takes the block', async () => {
    await observe();
    await found();
    await answered('bad-txnmrklroot');
    await settled();
    expect(observer.blocks).toBe(0);
    expect(observer.latestBlocks[0]?.answer).toBe('bad-txnmrklroot');
    await answered('', 'other');
    await settled();
    expect(observer.blocks).toBe(1);
    expect(observer.latestBlocks.map(({ answer }) => answer)).toEqual(['accepted']);
  });

  it('counts the blocks of earlier runs without telling of them again', async () => {
    await found();
    await answered('');
    clock.advance(60_000);
    await observe();
    await settled();
    expect(observer.blocks).toBe(1);
    expect(observer.latestBlocks[0]?.height).toBe(120);
    expect(told).toEqual([]);
  });

  it('knows the tip of the run before until there is another', async () => {
    const job = {
      kind: 'newJob',
      ...{ epoch: 1n, feed: 1n, replayFrom: 1n, jobId: 16, provider: 'p', templateId: 1n },
      ...{ future: false, height: 120, version: 0x20000000, prevHash: new Uint8Array(32), nbits: 0x207fffff },
      ...{ minNtime: 0, merklePath: [], coinbasePrefix: new Uint8Array(1), coinbaseSuffix: new Uint8Array(1) },
      createdAtMicros: 0n,
    } as const;
    await bus.append('JOBS', subjectName('jobs'), JobRecord.encode(job));
    await bus.append('JOBS', subjectName('jobs'), JobRecord.encode({ ...job, feed: 2n, future: true, height: 121 }));
    await observe();
    expect(observer.height).toBe(119);
    expect(observer.networkTarget).toBe(compactToTarget(0x207fffff));
    bus.publish(subjectName('jobs'), JobRecord.encode({ ...job, feed: 3n, height: 122 }));
    await settled();
    expect(observer.height).toBe(121);
  });

  it('lists workers, the fastest first, with what was refused of them', async () => {
    await observe();
    clock.advance(10_000);
    await credit(1n, 2, 1_000_000n, '1');
    await credit(2n, 2, 3_000_000n, '2');
    await settled();
    clock.advance(5_000);
    expect(observer.workers(new Map([['demo.1', 3]]))).toEqual([
      { name: 'demo.2', hashrate: 200_000, lastShareAtMs: clock.now() - 5_000, rejected: 0 },
      { name: 'demo.1', hashrate: 1_000_000 / 15, lastShareAtMs: clock.now() - 5_000, rejected: 3 },
    ]);
    clock.advance(3_600_000);
    expect(observer.workers(new Map())).toEqual([]);
  });
});
