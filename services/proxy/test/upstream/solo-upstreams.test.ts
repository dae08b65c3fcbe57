// The list at work with a node that belongs to the farm behind two pools, all of them in memory.
import { systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { expect, it, onTestFinished } from 'vitest';
import { authorityKey, FakeServer, modules } from '../../../../packages/client/test/support/fake-server.ts';
import { createCounters } from '../../src/counters.ts';
import type { UpstreamWork } from '../../src/upstream/upstream-work.ts';
import { Upstreams } from '../../src/upstream/upstreams.ts';
import { hashOf } from '../miners/fake-farm.ts';
import { newBlock, newTemplate, SCRIPT } from './told-templates.ts';
import { newJob, newTip, opened } from './told-work.ts';

const NODE = 'node.example';
const POOLS = ['0.example', '1.example'];
const WAIT_MS = 6_000;

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`did not come true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function poolOf(): FakeServer {
  const server = new FakeServer();
  server.on(OpenExtendedMiningChannel, () => {
    server.send(OpenExtendedMiningChannelSuccess, opened());
    server.send(NewExtendedMiningJob, newJob(1));
    server.send(SetNewPrevHash, newTip(1, 0xa1));
  });
  return server;
}

function nodeOf(): FakeServer {
  const server = new FakeServer();
  server.on(CoinbaseOutputConstraints, () => {
    server.send(NewTemplate, newTemplate(1));
    server.send(TemplateSetNewPrevHash, newBlock(1, 0xa1));
  });
  return server;
}

function site() {
  const away = new Set<string>();
  const nodes: FakeServer[] = [];
  const works: UpstreamWork[] = [];
  const counters = createCounters();
  let passedMs = 0;
  const clock = { now: () => systemClock.now(), monotonic: () => systemClock.monotonic() + passedMs };
  const options = {
    identity: 'farm',
    workerIdentity: '{account}.{worker}',
    minExtranonceSize: 6,
    versionMask: 0x1fff_e000,
  };
  const upstreams = new Upstreams(
    [...POOLS, NODE].map((host) => ({
      ...{ url: { host, port: 3333, authorityKey }, ...options },
      ...(host === NODE ? { payout: { script: SCRIPT, network: 'regtest' } } : {}),
    })),
    300,
    {
      ...{ ...modules, clock, log: silentLogger(), counters },
      hashrate: () => 1e12,
      onWork: (_, work) => void works.push(work),
      onUse: (inUse) => works.push(...inUse.map(({ work }) => work)),
      connect: async (host) => {
        if (away.has(host)) throw new Error(`connect ECONNREFUSED ${host}`);
        const server = host === NODE ? nodeOf() : poolOf();
        if (host === NODE) nodes.push(server);
        return server.stream;
      },
      secure: async (stream) => stream,
    },
  );
  onTestFinished(() => upstreams.stop(0));
  const states = () => [0, 1, 2].map((place) => upstreams.history.current(place).state);
  const pass = (ms: number) => {
    passedMs += ms;
  };
  return { away, nodes, works, counters, upstreams, states, pass };
}

it('is connected to a node with a block that it may not have, also when it is not its turn', async () => {
  const { away, nodes, works, counters, upstreams, states, pass } = site();
  for (const host of POOLS) away.add(host);
  upstreams.start();
  await until(() => states().join() === 'down,down,active');
  const [work] = works as [UpstreamWork];
  const extranonce = new Uint8Array(work.extranonceSize).fill(3);
  const share = { work, extranonce, nonce: 5, ntime: work.minNtime, version: work.version, worker: undefined };
  work.link.submit(share, undefined, '');
  await until(() => nodes[0]?.all(SubmitSolution).length === 1);
  expect(upstreams.sharesInFlight).toBe(1);
  away.add(NODE);
  away.delete('0.example');
  away.delete('1.example');
  nodes[0]?.close();
  await until(() => upstreams.isUp(0) && upstreams.isUp(1));
  // Longer than shares of a pool are waited for.
  pass(10_000);
  expect(states()[2]).toBe('down');
  away.delete(NODE);
  await until(() => nodes[1]?.all(SubmitSolution).length === 1);
  expect(nodes[1]?.all(SubmitSolution)).toEqual(nodes[0]?.all(SubmitSolution));
  nodes[1]?.send(NewTemplate, newTemplate(2));
  nodes[1]?.send(TemplateSetNewPrevHash, newBlock(2, 0, { prevHash: hashOf(share) }));
  await until(() => states()[2] === 'not-needed');
  expect(counters).toMatchObject({ soloBlocks: 1, soloBlocksConfirmed: 1, upstreamAccepted: 1 });
});
