// A pool on a real node, all of whose pods are exchanged for those of another image while miners send shares, with the operator killed in the middle;
// then another operator by an upgrade of the release, which touches no pod. Both sides are counted at the end.
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { inboxOf } from '@sluice/bus/user-permissions';
import { afterAll, beforeAll, expect, inject, it, onTestFailed } from 'vitest';
import { examplePool } from '../../operator/test/defaulted.ts';
import { CHART, helm } from '../support/kubernetes/helm.ts';
import { SLUICE_IMAGE } from '../support/kubernetes/images.ts';
import { Kubectl } from '../support/kubernetes/kubectl.ts';
import { CONTAINERD_SOCKET } from '../support/kubernetes/node-settings.ts';
import { run } from '../support/run.ts';
import { compare, readShares } from '../support/share-audit.ts';
import { ShareLoad, totals } from '../support/share-load.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { waitFor } from '../support/wait-for.ts';

const namespace = 'upgrade';
const operatorNamespace = 'upgrade-system';
const inNamespace = `--namespace=${namespace}`;
const inOperatorNamespace = `--namespace=${operatorNamespace}`;
const MINERS = 6;
/** A share takes some 43 tries. */
const TRIES_PER_SECOND = 12;
/** Acknowledged before and after each change, so that there are shares on both sides of it. */
const SHARES = 3;
const SHARES_TIMEOUT_MS = 90_000;
const EXCHANGED_MS = 240_000;
const kubeconfig = inject('kubeconfig');
const kubectl = new Kubectl(kubeconfig);
const [repository = '', tag] = SLUICE_IMAGE.split(':');
const definitions = ['miningpools', 'proxyfleets'].map((name) => `${name}.mining.sluice.dev`);

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly containers: readonly [{ readonly image: string }] };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

const addressOf = async (service: string): Promise<string> =>
  (await kubectl.get(inNamespace, 'service', service)).spec.clusterIP;
const pods = async (): Promise<readonly Pod[]> =>
  (await kubectl.get(inNamespace, 'pods', '--selector=app.kubernetes.io/instance=demo')).items;
/** Of ours, not of NATS and bitcoind. */
const ours = async () => (await pods()).filter(({ spec }) => spec.containers[0].image.startsWith(`${repository}:`));
const isReady = ({ metadata, status }: Pod) =>
  metadata.deletionTimestamp === undefined &&
  status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;
/** Each by its uid, with how often it was started again. */
const lives = (of: readonly Pod[]) =>
  of.map(({ metadata, status }) => `${metadata.uid} ${status.containerStatuses?.[0]?.restartCount}`).sort();
const chart = (verb: string, image: string) =>
  helm(
    ...([kubeconfig, verb, 'sluice', CHART, inOperatorNamespace, '--wait', '--timeout=120s'] as const),
    ...[`--set=image.repository=${repository}`, `--set=image.tag=${image}`, '--set=image.pullPolicy=Never'],
  );

async function logs(): Promise<string> {
  const texts = [namespace, operatorNamespace].map(async (of) => {
    const { items } = await kubectl.get(`--namespace=${of}`, 'pods');
    const each = items.map(async ({ metadata: { name } }: Pod) => {
      const log = await kubectl.run('logs', `--namespace=${of}`, name, '--tail=15').catch(String);
      return `--- ${name}\n${log}`;
    });
    return [await kubectl.run('get', `--namespace=${of}`, 'pods', '--output=wide'), ...(await Promise.all(each))];
  });
  return (await Promise.all(texts)).flat().join('\n');
}

/** As the user who may read the shares. */
async function bus() {
  const { data } = await kubectl.get(inNamespace, 'secret', 'demo-nats-share-validator');
  const [user = '', pass = ''] = [data.username, data.password].map((text) => Buffer.from(text, 'base64').toString());
  return connectNatsBus({
    ...{ name: 'test', servers: [`nats://${await addressOf('demo-nats')}:4222`], mayMake: () => false },
    ...{ inboxPrefix: inboxOf(user), user, pass },
  });
}

let relays: readonly TcpRelay[];
let load: ShareLoad;
/** Connections that ended, of each miner. */
const losses = () => relays.map(({ port }) => load.losses.filter((loss) => loss.port === port).length);

async function someMore(): Promise<void> {
  const { accepted } = totals(load.records);
  await waitFor(() => totals(load.records).accepted >= accepted + SHARES, SHARES_TIMEOUT_MS);
}

beforeAll(async () => {
  await kubectl.run('delete', 'customresourcedefinitions', '--ignore-not-found', ...definitions);
  for (const name of [namespace, operatorNamespace])
    await kubectl.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const next = `${repository}:next`;
  await run('ctr', [
    '--address',
    CONTAINERD_SOCKET,
    '--namespace=k8s.io',
    'images',
    'tag',
    '--force',
    SLUICE_IMAGE,
    next,
  ]);
  await chart('install', tag as string);
  const { apiVersion, kind, spec } = examplePool('regtest');
  await kubectl.apply({ apiVersion, kind, metadata: { name: 'demo', namespace }, spec });
  await kubectl.run('wait', inNamespace, 'miningpool/demo', '--for=condition=Ready', '--timeout=240s');
  const { authorityPublicKey } = (await kubectl.get(inNamespace, 'miningpool', 'demo')).status;
  const gateway = await addressOf('demo-gw-sv2');
  // A way of its own for each miner, by which its connections are counted.
  relays = await Promise.all(Array.from({ length: MINERS }, () => TcpRelay.start(3336, gateway)));
  load = new ShareLoad({
    ...{ ports: relays.map(({ port }) => port), authorityKey: authorityPublicKey },
    ...{ connections: MINERS, sharesPerSecond: TRIES_PER_SECOND, wanted: 'share' },
  });
  await load.start();
});
afterAll(async () => {
  await load?.close();
  for (const relay of relays ?? []) await relay.stop();
  await kubectl.run('delete', inNamespace, 'miningpools', '--all', '--timeout=120s');
  await helm(kubeconfig, 'uninstall', 'sluice', inOperatorNamespace, '--wait');
  await kubectl.run('delete', 'customresourcedefinitions', ...definitions);
  await kubectl.run('delete', 'namespace', namespace, operatorNamespace, '--wait=false');
});

it('exchanges every pod under load, with the operator killed in the middle, and no miner connects more than once anew', async () => {
  onTestFailed(async () => console.error(await logs()));
  const before = new Set((await ours()).map(({ metadata }) => metadata.uid));
  await someMore();
  const begin = performance.now();
  const image = { repository, tag: 'next', pullPolicy: 'Never' };
  await kubectl.run(
    'patch',
    inNamespace,
    'miningpool',
    'demo',
    '--type=merge',
    '--patch',
    JSON.stringify({ spec: { image } }),
  );
  await waitFor(async () => (await ours()).some(({ metadata }) => !before.has(metadata.uid)), 60_000);
  await kubectl.run('delete', inOperatorNamespace, 'pods', '--all', '--force', '--grace-period=0');
  await waitFor(async () => {
    const now = await ours();
    return now.length === before.size && now.every((pod) => isReady(pod) && !before.has(pod.metadata.uid));
  }, EXCHANGED_MS);
  console.log(`${before.size} pods exchanged in ${((performance.now() - begin) / 1_000).toFixed(0)} s`);
  await someMore();
  console.log(`connections made anew, of each miner: ${losses().join(' ')}`);
  expect(Math.max(...losses())).toBeLessThanOrEqual(1);
}, 480_000);

it('is left alone by the operator of an upgraded release: no pod is started again, no connection ends', async () => {
  onTestFailed(async () => console.error(await logs()));
  const [before, lossesBefore] = [lives(await pods()), losses()];
  await chart('upgrade', 'next');
  const { metadata } = await kubectl.get(inNamespace, 'miningpool', 'demo');
  // It has looked at the pool when it says so of a generation that it alone has seen.
  await kubectl.run(
    'patch',
    inNamespace,
    'miningpool',
    'demo',
    '--type=merge',
    '--patch={"spec":{"gateways":{"rebalance":{"tolerancePercent":30}}}}',
  );
  await waitFor(
    async () => (await kubectl.get(inNamespace, 'miningpool', 'demo')).status.observedGeneration > metadata.generation,
    60_000,
  );
  expect(lives(await pods())).toEqual(before);
  await someMore();
  expect(losses()).toEqual(lossesBefore);
});

it('has lost no share that was acknowledged, and stored none twice', async () => {
  await load.finish(30_000);
  const reader = await bus();
  try {
    const stored = await readShares(reader);
    const { missing, doubled, refusedButStored, storedUnanswered } = compare(load.records, stored);
    const { sent, accepted, refused, unanswered, faults } = totals(load.records);
    const anew = load.losses.length;
    console.log(
      `${sent} shares sent, ${accepted} acknowledged, ${stored.total.shares} stored; ${anew} connections made anew`,
    );
    console.log(
      `${unanswered} unanswered, ${storedUnanswered} of them stored; refused: ${JSON.stringify([...refused])}`,
    );
    expect(accepted).toBeGreaterThanOrEqual(3 * SHARES);
    expect({ missing, doubled, refusedButStored, faults }).toEqual({
      ...{ missing: [], doubled: [], refusedButStored: [], faults: [] },
    });
  } finally {
    await reader.close();
  }
});
