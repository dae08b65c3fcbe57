// The service on the bus of one process and the simulated chain: what it tells, and every way a solution comes by.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeBlock } from '@sluice/bitcoin/block';
import { sha256d } from '@sluice/bitcoin/hash';
import { compactToTarget, meetsTarget, targetToBytes } from '@sluice/bitcoin/target';
import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { Solution, SolutionResult } from '@sluice/bus/payloads/solution';
import { Template } from '@sluice/bus/payloads/template';
import { TipNews } from '@sluice/bus/payloads/tip-news';
import { subjectName } from '@sluice/bus/subjects';
import { systemClock } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NodeListener, NodeSource, NodeTrouble } from '../src/node-source.ts';
import type { PreparedTemplate } from '../src/prepare-template.ts';
import { createTemplateProviderService, type TemplateProviderService } from '../src/service.ts';
import { SimulatedChain } from '../src/simulated-chain/simulated-chain.ts';
import { TemplateBodies } from '../src/template-bodies.ts';
import { TemplateStore } from '../src/template-store.ts';
import { blockOfTemplate } from './simulated-chain/block-of-template.ts';

const NBITS = 0x207fffff;

describe('template-provider', () => {
  let bus: Bus;
  let directory: string;
  let chain: SimulatedChain;
  const running: TemplateProviderService[] = [];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-provider-'));
    // A record that is left at a stop is a failure of its handler.
    bus = await createInProcessBus({ clock: systemClock, onError: () => undefined });
    chain = new SimulatedChain(
      {
        network: 'regtest',
        nbits: NBITS,
        reserve: { outputsSize: 100, outputsSigops: 4 },
        transactions: 5,
        transactionFiller: 1_000,
        templateSeconds: 3_600,
      },
      { clock: systemClock, random: () => 0.5, schedule: () => () => undefined },
    );
  });
  afterEach(async () => {
    for (const service of running.splice(0)) await service.stop();
    await bus.close();
    rmSync(directory, { recursive: true });
  });

  async function provider(
    name: string,
    nodes: readonly NodeSource[] = [chain],
    health = new Health(),
    log = silentLogger(),
  ) {
    const store = new TemplateStore({ directory: join(directory, name), maxBytes: 1e9 }, systemClock);
    const service = createTemplateProviderService(
      { provider: name, network: 'regtest', solutionHost: '127.0.0.1', solutionPort: 0 },
      {
        bus,
        nodes,
        store,
        clock: systemClock,
        log,
        metrics: new MetricsRegistry(),
        health,
        // A second of the provider is twenty milliseconds here.
        sleep: (ms) => sleep(ms / 50),
      },
    );
    running.push(service);
    await service.start();
    return service;
  }

  /** The newest template on the bus, and a block of it. */
  async function found(name: string) {
    const subject = subjectName('template', name);
    await vi.waitFor(async () => expect(await bus.last('TEMPLATES', subject)).toBeDefined());
    const template = Template.decode((await bus.last('TEMPLATES', subject))!.payload);
    const body = (await new TemplateStoreReader(join(directory, name)).body(name, template.templateId))!;
    const block = blockOfTemplate({ ...template, currentTime: template.curtime, body } as unknown as PreparedTemplate);
    const header = block.subarray(0, 80);
    const coinbase = decodeBlock(block)!.transactions[0]!.bytes;
    const solution: Solution = {
      hash: sha256d(header),
      jobId: 16,
      provider: name,
      templateId: template.templateId,
      header,
      coinbase,
      identity: 'alice',
      worker: '',
      incarnation: 1n,
      foundAtMicros: 0n,
    };
    return { template, solution };
  }

  /** Takes blocks, tells nothing. */
  const quiet = (): NodeSource => ({
    name: 'quiet',
    announces: true,
    start: async () => undefined,
    stop: async () => undefined,
    submitBlock: (block) => chain.submitBlock(block),
    block: async () => undefined,
    isInChain: async () => false,
    variant: async () => undefined,
  });

  const holds = (holder: string, name: string, templateId: bigint) =>
    vi.waitFor(async () =>
      expect(await new TemplateStoreReader(join(directory, holder)).body(name, templateId)).toBeDefined(),
    );

  const isTip = (hash: Uint8Array) => vi.waitFor(() => expect(Buffer.from(chain.tipHash)).toEqual(Buffer.from(hash)));

  it('tells a tip before the template that stands on it', async () => {
    await provider('a');
    const { template } = await found('a');
    const tip = TipNews.decode((await bus.last('TEMPLATES', subjectName('tip', 'a')))!.payload);
    expect(Buffer.from(template.prevHash)).toEqual(Buffer.from(tip.hash));
    expect(template.height).toBe(tip.height + 1);
    expect(template.chainwork).toBe(tip.chainwork);
    const records = await bus.read('TEMPLATES', 1, 10);
    expect(records.map(({ subject }) => subject)).toEqual(['tip.a', 'template.a']);
  });

  it('tells a tip at once while the transactions of a template are still being stored', async () => {
    const stored = Promise.withResolvers<void>();
    const put = vi.spyOn(TemplateStore.prototype, 'put').mockReturnValue(stored.promise);
    try {
      await provider('a');
      await vi.waitFor(() => expect(put).toHaveBeenCalled());
      chain.mineBlock();
      await vi.waitFor(async () => {
        const tip = await bus.last('TEMPLATES', subjectName('tip', 'a'));
        expect(Buffer.from(TipNews.decode(tip!.payload).hash)).toEqual(Buffer.from(chain.tipHash));
      });
      expect(await bus.last('TEMPLATES', subjectName('template', 'a'))).toBeUndefined();
    } finally {
      stored.resolve();
      put.mockRestore();
    }
  });

  it('makes a block of a solution that comes at once, and stores what the node said', async () => {
    await provider('a');
    const { solution } = await found('a');
    bus.publish(subjectName('solutionNow'), Solution.encode(solution));
    await isTip(solution.hash);
    await vi.waitFor(async () => {
      const result = SolutionResult.decode((await bus.last('SOLUTIONS', subjectName('solutionResult')))!.payload);
      expect(result).toMatchObject({ provider: 'a', node: 'simulated', answer: '' });
    });
  });

  it('makes a block of a solution from the durable stream after a restart', async () => {
    await (await provider('a')).stop();
    running.length = 0;
    const { solution } = await found('a');
    await bus.append('SOLUTIONS', subjectName('solution'), Solution.encode(solution));
    await provider('a');
    await isTip(solution.hash);
  });

  it('makes a block of a solution that comes without the bus', async () => {
    const service = await provider('a');
    const { solution } = await found('a');
    expect(await ask(service.solutionPort, solution)).toMatchObject({ answer: '', node: 'simulated' });
    await isTip(solution.hash);
  });

  it.each([
    ['a length that no solution has', Buffer.from([0xff, 0xff, 0xff, 0x7f])],
    ['bytes that are no solution', Buffer.from([3, 0, 0, 0, 1, 2, 3])],
  ])('cuts a connection that sends %s', async (_, bytes) => {
    const service = await provider('a');
    const socket = connect(service.solutionPort, '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.write(bytes);
    await closed;
  });

  it("copies another provider's transactions, and makes the block when that one is gone", async () => {
    await provider('b', [quiet()]);
    const first = await provider('a');
    const { solution } = await found('a');
    await holds('b', 'a', solution.templateId);
    await first.stop();
    running.splice(running.indexOf(first), 1);
    bus.publish(subjectName('solutionNow'), Solution.encode(solution));
    await isTip(solution.hash);
  });

  it('copies at its start what another provider told before', async () => {
    await provider('a');
    const { template } = await found('a');
    await provider('b', [quiet()]);
    await holds('b', 'a', template.templateId);
  });

  it('tries a copy again, and makes the block of a solution that came before it', async () => {
    const copy = vi.spyOn(TemplateBodies.prototype, 'copy').mockResolvedValue(undefined);
    await provider('b', [quiet()]);
    const first = await provider('a');
    // Now only the other provider can make the block.
    const { solution } = await found('a');
    await bus.append('SOLUTIONS', subjectName('solution'), Solution.encode(solution));
    await first.stop();
    running.splice(running.indexOf(first), 1);
    await vi.waitFor(() => expect(copy.mock.calls.length).toBeGreaterThan(3));
    copy.mockRestore();
    const again = await provider('a', [quiet()]);
    await isTip(solution.hash);
    await holds('b', 'a', solution.templateId);
    await again.stop();
    running.splice(running.indexOf(again), 1);
  });

  it('goes on with the next solution while one waits for its transactions', async () => {
    await provider('a');
    const { solution } = await found('a');
    const strange = { ...solution, header: mined(solution.header), templateId: 7n, provider: 'nobody' };
    const waiting = { ...strange, hash: sha256d(strange.header) };
    await bus.append('SOLUTIONS', subjectName('solution'), Solution.encode(waiting));
    await bus.append('SOLUTIONS', subjectName('solution'), Solution.encode(solution));
    await isTip(solution.hash);
  });

  it('answers a gateway without the bus that its solution is pending', async () => {
    const service = await provider('a');
    const { solution } = await found('a');
    const answer = await ask(service.solutionPort, { ...solution, templateId: 7n, provider: 'nobody' });
    expect(answer).toMatchObject({ answer: 'pending', node: '' });
    expect(await bus.last('SOLUTIONS', subjectName('solutionResult'))).toBeUndefined();
  });

  it('stores nothing of a solution without work, and sends it to no node', async () => {
    const submitBlock = vi.spyOn(chain, 'submitBlock');
    const service = await provider('a');
    const { solution } = await found('a');
    const header = solution.header.slice();
    new DataView(header.buffer).setUint32(72, 0x207ffffe, true);
    const cheap = mined(header);
    const answer = await ask(service.solutionPort, { ...solution, header: cheap, hash: sha256d(cheap) });
    expect(answer).toMatchObject({ answer: 'target-too-easy', node: '' });
    expect(submitBlock).not.toHaveBeenCalled();
    expect(await bus.last('SOLUTIONS', subjectName('solutionResult'))).toBeUndefined();
  });

  it('stores an answer that came while the bus was away', async () => {
    await provider('a');
    const { solution } = await found('a');
    const real = bus.append.bind(bus);
    const append = vi.spyOn(bus, 'append').mockRejectedValue(new Error('down'));
    bus.publish(subjectName('solutionNow'), Solution.encode(solution));
    await isTip(solution.hash);
    await vi.waitFor(() => expect(append.mock.calls.some(([stream]) => stream === 'SOLUTIONS')).toBe(true));
    append.mockImplementation(real);
    await vi.waitFor(async () => {
      const result = await bus.last('SOLUTIONS', subjectName('solutionResult'));
      expect(SolutionResult.decode(result!.payload)).toMatchObject({ node: 'simulated', answer: '' });
    });
  });

  it('is not ready while the disk takes no transactions, and tells templates all the same', async () => {
    const health = new Health();
    await provider('a', [chain], health);
    await found('a');
    expect(health.readiness().ready).toBe(true);
    rmSync(join(directory, 'a'), { recursive: true });
    const before = (await bus.state('TEMPLATES')).lastSequence;
    chain.addTransactions(1);
    await vi.waitFor(async () => expect((await bus.state('TEMPLATES')).lastSequence).toBe(before + 1));
    expect(health.readiness().checks.get('template-provider: store')).toContain('1 templates');
  });

  it('keeps what the feed of jobs says that miners work on', async () => {
    const keep = vi.spyOn(TemplateStore.prototype, 'keep');
    try {
      await provider('a');
      const { template } = await found('a');
      await bus.append('JOBS', subjectName('jobs'), JobRecord.encode(jobOf(template)));
      const live = expect.objectContaining({ provider: 'a', templateId: template.templateId });
      await vi.waitFor(() => expect(keep).toHaveBeenLastCalledWith([live]));
    } finally {
      keep.mockRestore();
    }
  });

  it('warns of another provider of its name, not of itself', async () => {
    const warned = vi.fn();
    const log = silentLogger();
    log.warn = warned;
    await provider('a', [chain], new Health(), log);
    await found('a');
    const twin = () => warned.mock.calls.filter(([, message]) => /another template-provider/.test(message)).length;
    expect(twin()).toBe(0);
    await provider('a');
    await vi.waitFor(() => expect(twin()).toBe(1));
  });

  it('ends its start when a clock or a network is wrong', async () => {
    const unfit = (trouble: NodeTrouble): NodeSource => ({
      name: 'n',
      announces: true,
      start: async (listener: NodeListener) => listener.onHealth(trouble, ''),
      stop: async () => undefined,
      submitBlock: async () => null,
      block: async () => undefined,
      isInChain: async () => false,
      variant: async () => undefined,
    });
    await expect(provider('a', [unfit('clock-skew')])).rejects.toMatchObject({ code: 'clock-skew' });
    await expect(provider('b', [unfit('wrong-network')])).rejects.toMatchObject({ code: 'wrong-network' });
    await expect(provider('d', [unfit('signet-challenge')])).rejects.toMatchObject({ code: 'signet-challenge' });
    await expect(provider('c', [unfit('unreachable')])).resolves.toBeDefined();
  });
});

/** Sends a solution as a gateway does that is cut off from the bus, a byte of its length at a time. */
async function ask(port: number, solution: Solution): Promise<SolutionResult> {
  const payload = Solution.encode(solution);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(payload.length);
  const socket = connect(port, '127.0.0.1');
  const answer = new Promise<Buffer>((resolve) => socket.once('data', resolve));
  for (const byte of length) socket.write(Uint8Array.of(byte));
  socket.write(payload);
  const result = SolutionResult.decode(new Uint8Array((await answer).subarray(4)));
  socket.destroy();
  return result;
}

/** The first record of the feed. */
function jobOf({ provider, templateId, height, version, prevHash, nbits, minNtime, merklePath }: Template): JobRecord {
  return {
    kind: 'newJob',
    epoch: 1n,
    feed: 1n,
    replayFrom: 1n,
    jobId: 16,
    future: false,
    coinbasePrefix: new Uint8Array(1),
    coinbaseSuffix: new Uint8Array(1),
    createdAtMicros: 1n,
    ...{ provider, templateId, height, version, prevHash, nbits, minNtime, merklePath },
  };
}

/** The header with the next nonce by which it meets its own target. */
function mined(header: Uint8Array): Uint8Array {
  const next = header.slice();
  const view = new DataView(next.buffer);
  const target = targetToBytes(compactToTarget(view.getUint32(72, true)));
  do view.setUint32(76, view.getUint32(76, true) + 1, true);
  while (!meetsTarget(sha256d(next), target));
  return next;
}

/** What a provider has on its disk. */
class TemplateStoreReader {
  readonly #directory: string;
  constructor(directory: string) {
    this.#directory = directory;
  }
  async body(provider: string, templateId: bigint): Promise<Uint8Array | undefined> {
    const store = new TemplateStore({ directory: this.#directory, maxBytes: 1e9 }, systemClock);
    await store.load();
    return store.get(provider, templateId);
  }
}
