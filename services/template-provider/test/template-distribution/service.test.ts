// The whole service with clients of template distribution over TCP: blocks that the simulated chain accepts, nodes that go, a bus that is
// away.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { Solution, SolutionResult } from '@sluice/bus/payloads/solution';
import { subjectName } from '@sluice/bus/subjects';
import { generateSecret } from '@sluice/noise/ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { systemClock, unixSeconds } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { randomBytes } from '@sluice/runtime/random';
import { selfCertified } from '@sluice/server/identity';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { NodeListener, NodeSource, TipNews } from '../../src/node-source.ts';
import type { PreparedTemplate } from '../../src/prepare-template.ts';
import { createTemplateProviderService, type TemplateProviderService } from '../../src/service.ts';
import { SimulatedChain } from '../../src/simulated-chain/simulated-chain.ts';
import { defaultLimits } from '../../src/template-distribution/limits.ts';
import { TemplateStore } from '../../src/template-store.ts';
import { ec } from '../support/test-distribution.ts';
import { solve, TestTemplateClient } from '../support/test-template-client.ts';

const RESERVE = { outputsSize: 100, outputsSigops: 4 };
const aead = wasmAead();
const authoritySecret = generateSecret(randomBytes);
const modules = { ec, random: randomBytes, clock: systemClock, log: silentLogger() };

/** A node that passes on what a chain says, for as long as it lives. */
class MortalNode implements NodeSource {
  readonly announces = true;
  readonly name: string;
  readonly blocks: Uint8Array[] = [];
  dead = false;
  readonly #chain: SimulatedChain;
  #listener: NodeListener | undefined;

  constructor(name: string, chain: SimulatedChain) {
    this.name = name;
    this.#chain = chain;
  }
  async start(listener: NodeListener): Promise<void> {
    this.#listener = listener;
  }
  async stop(): Promise<void> {}
  tip(news: TipNews): void {
    if (!this.dead) this.#listener?.onTip(news, 'announcement');
  }
  template(template: PreparedTemplate): void {
    if (!this.dead) this.#listener?.onTemplate(template);
  }
  die(): void {
    this.dead = true;
    this.#listener?.onHealth('unreachable', 'killed');
  }
  variant(base: PreparedTemplate): Promise<PreparedTemplate | undefined> {
    return Promise.resolve(this.dead ? undefined : base);
  }
  submitBlock(block: Uint8Array) {
    if (this.dead) return Promise.reject(new Error('dead'));
    this.blocks.push(block);
    return this.#chain.submitBlock(block);
  }
  block = async () => undefined;
  isInChain = async () => false;
}

let bus: Bus;
let directory: string;
let chain: SimulatedChain;
const running: TemplateProviderService[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-provider-'));
  bus = await createInProcessBus({ onError: () => undefined });
  chain = new SimulatedChain(
    {
      network: 'regtest',
      nbits: 0x207fffff,
      reserve: RESERVE,
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

async function provider(nodes: readonly NodeSource[] = [chain], on = bus): Promise<TemplateProviderService> {
  const service = createTemplateProviderService(
    { provider: 'a', network: 'regtest', solutionHost: '127.0.0.1', solutionPort: 0 },
    {
      bus: on,
      nodes,
      store: new TemplateStore({ directory, maxBytes: 1e9 }, systemClock),
      clock: systemClock,
      log: silentLogger(),
      metrics: new MetricsRegistry(),
      health: new Health(),
      sleep: (ms) => sleep(ms / 50),
      distribution: {
        ...{ ec, aead, random: randomBytes },
        identity: selfCertified(authoritySecret, 86_400, modules),
        options: {
          listen: [{ host: '127.0.0.1', port: 0 }],
          limits: defaultLimits,
          reserve: RESERVE,
          directory,
          refreshMs: 30_000,
          feeDelta: 1_000,
          ahead: false,
        },
      },
    },
  );
  running.push(service);
  await service.start();
  return service;
}

async function client(service: TemplateProviderService): Promise<TestTemplateClient> {
  const socket = connect(service.distributionAddresses[0]?.port ?? 0, '127.0.0.1');
  const authorityKey = ec.xOnlyPublicKey(authoritySecret);
  const made = new TestTemplateClient(socket, { ec, aead, now: unixSeconds(systemClock), authorityKey });
  await made.handshake();
  await made.setup();
  made.constrain(80, 1);
  return made;
}

const isTip = (hash: Uint8Array) => vi.waitFor(() => expect(Buffer.from(chain.tipHash)).toEqual(Buffer.from(hash)));

it('makes blocks of what a client finds, and stores the solution and what the node said', async () => {
  const one = await client(await provider());
  const full = solve(await one.begin());
  one.send(SubmitSolution, full.solution);
  await isTip(full.hash);
  // On top of its own block, with the coinbase alone, before the node's template of that tip.
  const empty = solve(await one.begin());
  one.send(SubmitSolution, empty.solution);
  await isTip(empty.hash);
  await vi.waitFor(async () => {
    const records = await bus.read('SOLUTIONS', 1, 10);
    const solutions = records.filter(({ subject }) => subject === subjectName('solution'));
    const results = records.filter(({ subject }) => subject === subjectName('solutionResult'));
    expect(solutions.map(({ payload }) => Solution.decode(payload).provider)).toEqual(['a', '']);
    expect(results.map(({ payload }) => SolutionResult.decode(payload).answer)).toEqual(['', '']);
  });
  one.socket.destroy();
});

it('gives the templates of another node when one goes, and takes solutions of those that it gave', async () => {
  const nodes = [new MortalNode('first', chain), new MortalNode('second', chain)] as const;
  const service = await provider(nodes);
  const one = await client(service);
  for (const node of nodes)
    await chain.start({
      onTip: (news) => node.tip(news),
      onTemplate: (template) => node.template(template),
      onHealth: () => undefined,
    });
  const work = await one.begin();
  nodes[0].die();
  await one.update(work);
  expect(one.closed).toBe(false);
  const { solution, hash } = solve(work);
  one.send(SubmitSolution, solution);
  await isTip(hash);
  expect(nodes.map(({ blocks }) => blocks.length)).toEqual([0, 1]);
  one.socket.destroy();
});

it('needs no bus', async () => {
  const away = new Proxy(bus, {
    get(target, name) {
      if (name === 'append') return () => Promise.reject(new Error('away'));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const one = await client(await provider([chain], away));
  const { solution, hash } = solve(await one.begin());
  one.send(SubmitSolution, solution);
  await isTip(hash);
  await one.begin();
  one.socket.destroy();
});

it('goes on with ids and solutions where an earlier process stopped', async () => {
  const first = await provider();
  const one = await client(first);
  const work = await one.begin();
  await first.stop();
  running.length = 0;
  await one.untilClosed();
  const again = await client(await provider());
  const { template } = await again.begin();
  expect(template.templateId).toBeGreaterThan(work.template.templateId);
  const { solution, hash } = solve(work);
  again.send(SubmitSolution, solution);
  await isTip(hash);
  again.socket.destroy();
});
