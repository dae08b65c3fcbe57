// A pool on a real node under load, whose pods go as they do in a cluster: that of its only NATS server is deleted, processes of services are killed, and
// the node is drained. Both sides are counted at the end.
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { afterAll, beforeAll, expect, inject, it, onTestFailed } from 'vitest';
import { examplePool } from '../../../operator/test/defaulted.ts';
import { makeHostVolumes } from '../../support/kubernetes/host-volumes.ts';
import { Kubectl } from '../../support/kubernetes/kubectl.ts';
import { isReady, LoadedPool, nothing, SHARES } from '../../support/kubernetes/loaded-pool.ts';
import { NODE_NAME } from '../../support/kubernetes/node-settings.ts';
import { containerPids } from '../../support/kubernetes/pod-process.ts';
import { ReadyPods } from '../../support/kubernetes/ready-pods.ts';
import { readCredits, readShares, uncredited } from '../../support/share-audit.ts';
import { totals } from '../../support/share-load.ts';
import { Starvation } from '../../support/starvation.ts';
import { Sv2Client } from '../../support/sv2-client.ts';
import { waitFor } from '../../support/wait-for.ts';

const kubeconfig = inject('kubeconfig');
/** Two of each service and two gateways, one server and one node. */
const PODS = 12;
/** Miners that open channels all the time, so that there are requests under way to each channel manager whenever one dies. */
const OPENERS = 4;
const OPEN_PAUSE_MS = 10;
/** What a request to the bus may take, those included that are lost with who was to answer. */
const ANSWER_MS = 2_000;
const BACK_MS = 90_000;

let pool: LoadedPool;

const seconds = (since: number) => `${((performance.now() - since) / 1_000).toFixed(1)} s`;
const named = (component: string) => `app.kubernetes.io/component=${component}`;
const areReady = async () => {
  const pods = await pool.pods();
  return pods.length === PODS && pods.every(isReady);
};

/** Opens channels until `work` is done, each a request to the channel managers; resolves with the milliseconds that each took. */
async function openingWhile(work: () => Promise<void>): Promise<readonly number[]> {
  const processes = await containerPids();
  const way = ['connection-gateway', 'channel-manager', 'nats'].map(async (component) => pool.pods(named(component)));
  const pids = (await Promise.all(way))
    .flat()
    .map(({ status }) => processes.get(status.containerStatuses?.[0]?.containerID ?? ''));
  const times: number[] = [];
  let isDone = false;
  const open = async (port: number) => {
    const client = await Sv2Client.connect({ port, authorityKey: pool.authorityKey });
    try {
      while (!isDone) {
        const starvation = new Starvation([process.pid, ...pids]);
        const begin = performance.now();
        const { id } = await client.openStandard({ identity: 'opener.one', hashRate: 1 });
        times.push(Math.max(0, performance.now() - begin - starvation.sinceMs));
        client.send(CloseChannel, { channelId: id, reasonCode: 'test' });
        await sleep(OPEN_PAUSE_MS);
      }
    } finally {
      await client.close();
    }
  };
  const end = () => {
    isDone = true;
  };
  await Promise.all([work().finally(end), ...pool.ports.slice(0, OPENERS).map(open)]);
  return times;
}

/** A channel of a connection of its own. */
async function openOnce(): Promise<void> {
  const client = await Sv2Client.connect({ port: pool.ports[0] as number, authorityKey: pool.authorityKey });
  await client.openStandard({ identity: 'opener.one', hashRate: 1 }).finally(() => client.close());
}

/** As a machine that dies takes it: without a signal that it could hear. Resolves when it has been started again. */
async function killProcess(component: string, index: number): Promise<void> {
  const before = (await pool.pods(named(component)))[index];
  const container = before?.status.containerStatuses?.[0];
  const pid = (await containerPids()).get(container?.containerID ?? '');
  if (before === undefined || container === undefined || pid === undefined) throw new Error(`no ${component} ${index}`);
  process.kill(pid, 'SIGKILL');
  await waitFor(async () => {
    const now = (await pool.pods(named(component))).find(({ metadata }) => metadata.uid === before.metadata.uid);
    const restarts = now?.status.containerStatuses?.[0]?.restartCount ?? 0;
    return now !== undefined && restarts > container.restartCount && isReady(now);
  }, BACK_MS);
}

/** Evicts pods as `kubectl drain` does it, and has the node take pods again `when` that is so. Resolves with a line for each eviction that was asked for. */
async function drain(selector: string, when: () => Promise<boolean>): Promise<readonly string[]> {
  const ofPool = `--pod-selector=app.kubernetes.io/instance=demo,app.kubernetes.io/component ${selector}`;
  const drained = pool.kubectl.run('drain', NODE_NAME, ofPool, '--delete-emptydir-data', '--timeout=120s');
  try {
    // Where it fails before that, this is why.
    await Promise.race([waitFor(when, BACK_MS), drained]);
  } finally {
    await pool.kubectl.run('uncordon', NODE_NAME);
  }
  return (await drained).split('\n').filter((line) => line.startsWith('evicting pod'));
}

beforeAll(async () => {
  const example = examplePool('regtest');
  const volumes = { storageClassName: 'folders', storage: '8Gi' };
  await makeHostVolumes(new Kubectl(kubeconfig), tmpdir(), ['folder-0', 'folder-1'], volumes);
  const storage = { storageClassName: volumes.storageClassName, size: volumes.storage, ephemeral: false };
  const { spec } = example;
  const [node] = spec.nodes;
  pool = await LoadedPool.start(kubeconfig, 'disruptions', {
    ...example,
    spec: {
      ...spec,
      nodes: [{ ...node, managed: { ...node?.managed, storage } }],
      bus: { ...spec.bus, managed: { ...spec.bus.managed, storage } },
      // Miners are moved by what is done to them alone.
      gateways: { ...spec.gateways, rebalance: { ...spec.gateways.rebalance, enabled: false } },
    },
  } as typeof example);
  await waitFor(areReady, BACK_MS);
});
afterAll(async () => {
  await pool?.stop();
});

it('keeps its miners when the pod of its NATS server is deleted, and their shares go on', async () => {
  onTestFailed(async () => console.error(await pool.logs()));
  await pool.someMore();
  const servers = () => pool.pods(named('nats'));
  const before = new Set((await servers()).map(({ metadata }) => metadata.uid));
  const begin = performance.now();
  await pool.kubectl.run('delete', pool.inNamespace, 'pods', `--selector=${named('nats')}`, '--wait=false');
  await waitFor(async () => (await servers()).every(({ metadata }) => !before.has(metadata.uid)), BACK_MS);
  const gone = seconds(begin);
  const { accepted } = totals(pool.load.records);
  const acknowledged = waitFor(() => totals(pool.load.records).accepted > accepted, BACK_MS).then(() => seconds(begin));
  await waitFor(async () => (await servers()).some(isReady), BACK_MS);
  const ready = seconds(begin);
  await waitFor(
    () =>
      openOnce().then(
        () => true,
        () => false,
      ),
    BACK_MS,
  );
  const opened = seconds(begin);
  console.log(
    `the pod of NATS: gone after ${gone}, the next one ready after ${ready}, a channel opened after ${opened}, a share acknowledged after ${await acknowledged}`,
  );
  await pool.someMore();
  await waitFor(areReady, BACK_MS);
  expect(Math.max(...pool.losses())).toBe(0);
});

it('answers each request in time while either channel manager is killed', async () => {
  onTestFailed(async () => console.error(await pool.logs()));
  for (const index of [0, 1]) {
    const begin = performance.now();
    const times = await openingWhile(() => killProcess('channel-manager', index));
    const slowest = Math.max(...times);
    console.log(
      `a channel manager killed, back after ${seconds(begin)}: ${times.length} channels opened meanwhile, the slowest in ${slowest.toFixed(0)} ms`,
    );
    expect(times.length).toBeGreaterThanOrEqual(4 * OPENERS);
    expect(slowest).toBeLessThan(ANSWER_MS);
  }
  await pool.someMore();
  expect(Math.max(...pool.losses())).toBe(0);
});

it('goes on, and credits each share, while a share validator is killed', async () => {
  onTestFailed(async () => console.error(await pool.logs()));
  const begin = performance.now();
  const times = await openingWhile(() => killProcess('share-validator', 0));
  console.log(`a share validator killed, back after ${seconds(begin)}`);
  expect(times.length).toBeGreaterThanOrEqual(4 * OPENERS);
  expect(Math.max(...times)).toBeLessThan(ANSWER_MS);
  await pool.someMore();
  expect(Math.max(...pool.losses())).toBe(0);
  const bus = await pool.bus();
  try {
    const stored = await readShares(bus);
    await waitFor(async () => uncredited(stored, await readCredits(bus)).length === 0, BACK_MS);
  } finally {
    await bus.close();
  }
});

it('leaves a node that is drained pod by pod, and never without one of each kind', async () => {
  onTestFailed(async () => console.error(await pool.logs()));
  const before = await pool.pods();
  const ready = await ReadyPods.follow(kubeconfig, pool.inNamespace, PODS);
  const begin = performance.now();
  const waiting = async () => (await pool.pods()).filter(({ spec }) => spec.nodeName === undefined).length;
  const kinds = PODS / 2 - 1;
  // The only node takes none of those that come instead, so that the second one of each kind has to stay.
  const asked = await drain('notin (nats,bitcoind)', async () => (await waiting()) >= kinds);
  const ours = seconds(begin);
  await waitFor(areReady, BACK_MS);
  ready.stop();
  await drain('in (nats,bitcoind)', async () => (await waiting()) > 0);
  await waitFor(areReady, BACK_MS);
  const uids = new Set(before.map(({ metadata }) => metadata.uid));
  expect((await pool.pods()).filter(({ metadata }) => uids.has(metadata.uid))).toEqual([]);
  console.log(
    `drained: ${2 * kinds} pods of services in ${ours}, ${asked.length - 2 * kinds} evictions refused meanwhile, all in ${seconds(begin)}`,
  );
  const pairs = [...ready.fewest].filter(([workload]) => !/-(nats|node-a)$/.test(workload));
  expect(pairs).toHaveLength(kinds);
  expect(pairs.filter(([, fewest]) => fewest !== 1)).toEqual([]);
  expect(asked.length).toBeGreaterThanOrEqual(3 * kinds);
  await pool.someMore();
  console.log(`connections made anew, of each miner: ${pool.losses().join(' ')}`);
  // Who has moved to the gateway that is next is moved once more.
  expect(Math.max(...pool.losses())).toBeLessThanOrEqual(2);
});

it('has lost no share that was acknowledged, and stored none twice', async () => {
  const bus = await pool.bus();
  try {
    const { accepted, wrong } = await pool.audit(bus);
    expect(accepted).toBeGreaterThanOrEqual(5 * SHARES);
    expect(wrong).toEqual(nothing);
  } finally {
    await bus.close();
  }
});
