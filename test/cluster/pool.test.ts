// The chart on a real node: its operator makes a pool of the example, with a bus and a node of its own, a miner from outside of its pods finds a
// block for it, and nothing is lost by an uninstall.
import { join } from 'node:path';
import { beforeAll, expect, inject, it, onTestFailed } from 'vitest';
import { parseState, SCALING_STATE } from '../../operator/src/scaling/scaling-state.ts';
import { CHART, helm } from '../support/kubernetes/helm.ts';
import { SLUICE_IMAGE } from '../support/kubernetes/images.ts';
import { Kubectl } from '../support/kubernetes/kubectl.ts';
import { CHART_BEFORE, fleetBefore } from '../support/kubernetes/release-before.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { ShareLoad, totals } from '../support/share-load.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { waitFor } from '../support/wait-for.ts';

const namespace = 'mining';
const inNamespace = `--namespace=${namespace}`;
const EXAMPLE = join(import.meta.dirname, '../../crds/examples/regtest.yaml');
/** Whom its blocks pay, as bitcoind tells it. */
const PAYOUT = '51';
/** Two of each service and two gateways, one server and one node. */
const PODS = 12;
const RPC_PORT = 8332;
const GATEWAY_PORT = 3336;
/** Each sends a few shares a minute. */
const MINERS = 10;
const TRIES_PER_SECOND = 200;
const operatorNamespace = 'sluice-system';
const inOperatorNamespace = `--namespace=${operatorNamespace}`;
const kubeconfig = inject('kubeconfig');
const kubectl = new Kubectl(kubeconfig);
const cli = join(import.meta.dirname, '../../cli/src/main.ts');
const definitions = ['miningpools', 'proxyfleets'].map((name) => `${name}.mining.sluice.dev`);

/** Address of a Service inside of the cluster. */
const addressOf = async (name: string, of = namespace): Promise<string> =>
  (await kubectl.get(`--namespace=${of}`, 'service', name)).spec.clusterIP;

/** What miners know a pool by. */
const keyOf = async (name: string): Promise<string> =>
  (await kubectl.get(inNamespace, 'miningpool', name)).status.authorityPublicKey;

/** Resolves when an operator has said how a resource is, as it stands in its spec now. */
async function lookedAt(what: string): Promise<void> {
  const { generation } = (await kubectl.get(inNamespace, what)).metadata;
  const condition = `--for=jsonpath={.status.observedGeneration}=${generation}`;
  await kubectl.run('wait', inNamespace, what, condition, '--timeout=60s');
}

/** A pool whose pods are new is balanced once, when all have been ready for a while: of miners who come before that some may be moved. */
async function isBalanced(name: string): Promise<boolean> {
  const { annotations } = (await kubectl.get(inNamespace, 'miningpool', name)).metadata;
  return parseState(annotations[SCALING_STATE])?.isUnbalanced === false;
}

/** The pods of the pool, each by its uid. */
async function pods(): Promise<readonly string[]> {
  const { items } = await kubectl.get(inNamespace, 'pods', '--selector=app.kubernetes.io/instance=demo');
  return items.map(({ metadata }: { metadata: { uid: string } }) => metadata.uid).sort();
}

/** At the node of the pool, as its template providers. */
// biome-ignore lint/suspicious/noExplicitAny: each call of the RPC has a result of its own shape.
async function rpc(method: string, params: readonly unknown[] = []): Promise<any> {
  const { data } = await kubectl.get(inNamespace, 'secret', 'demo-node-a-rpc');
  const [username, password] = [data.username, data.password].map((text) => Buffer.from(text, 'base64').toString());
  const response = await fetch(`http://${await addressOf('demo-node-a')}:${RPC_PORT}`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
    body: JSON.stringify({ method, params }),
  });
  const { result, error } = JSON.parse(await response.text());
  if (error !== null) throw new Error(`${method}: ${error.message}`);
  return result;
}

/** A metric, added up over the pods of a service. */
async function metric(component: string, name: string): Promise<number> {
  const selector = `--selector=app.kubernetes.io/component=${component}`;
  const { items } = await kubectl.get(inNamespace, 'pods', selector);
  let sum = 0;
  for (const { status } of items) {
    const text = await (await fetch(`http://${status.podIP}:9100/metrics`)).text();
    for (const line of text.split('\n'))
      if (line.startsWith(name)) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

/** Mines until the node has a block more. */
async function findBlock(url: string, identity: string): Promise<void> {
  const height: number = await rpc('getblockcount');
  const miner = new PeerProcess(process.execPath, [cli, 'miner', '--pool', url, '--identity', identity, '--json']);
  onTestFailed(() => console.error(miner.tail()));
  try {
    await waitFor(async () => (await rpc('getblockcount')) > height, 60_000);
  } finally {
    await miner.stop();
  }
}

/** What there is to know of the pods of a namespace, for a test that fails. */
async function podLogs(of: string): Promise<string> {
  const { items } = await kubectl.get(`--namespace=${of}`, 'pods');
  const logs = items.map(async ({ metadata: { name } }: { metadata: { name: string } }) => {
    const log = await kubectl.run('logs', `--namespace=${of}`, name, '--tail=20').catch(String);
    return `--- ${name}\n${log}`;
  });
  return [await kubectl.run('describe', `--namespace=${of}`, 'pods'), ...(await Promise.all(logs))].join('\n');
}

const [repository, tag] = SLUICE_IMAGE.split(':');
const install = (release: string, ...values: readonly string[]) =>
  helm(kubeconfig, 'install', release, CHART, inOperatorNamespace, '--wait', '--timeout=120s', ...values);
/** As docs/operations/upgrade.md has it. @param operators how many there are afterwards */
const upgrade = (chart: string, operators: number) =>
  helm(
    ...([kubeconfig, 'upgrade', 'sluice', chart, inOperatorNamespace, '--wait', '--timeout=120s'] as const),
    ...['--reset-then-reuse-values', `--set=replicas=${operators}`],
  );
const ofTheTest = [`--set=image.repository=${repository}`, `--set=image.tag=${tag}`, '--set=image.pullPolicy=Never'];

beforeAll(async () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  for (const name of [namespace, operatorNamespace])
    await kubectl.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
});

it('is installed with its definitions, and its own test passes', async () => {
  onTestFailed(async () => console.error(await podLogs(operatorNamespace)));
  await install('sluice', ...ofTheTest);
  expect(await helm(kubeconfig, 'test', 'sluice', inOperatorNamespace, '--logs')).toContain('a MiningPool: 201');
});

it('makes a pool, and a block that a miner finds through its Service is the best of the node', async () => {
  onTestFailed(async () => console.error(await podLogs(namespace), await podLogs(operatorNamespace)));
  await kubectl.run('apply', inNamespace, `--filename=${EXAMPLE}`);
  await kubectl.run('wait', inNamespace, 'miningpool/demo', '--for=condition=Ready', '--timeout=240s');
  const { status } = await kubectl.get(inNamespace, 'miningpool', 'demo');
  const { authorityPublicKey: key, endpoints, conditions } = status;
  expect(endpoints).toEqual([{ listener: 'sv2', uri: `stratum2+tcp://demo-gw-sv2.${namespace}.svc:3336/${key}` }]);
  const holding = conditions.filter((each: { status: string }) => each.status === 'True');
  expect(holding.map(({ type }: { type: string }) => type)).toEqual(
    expect.arrayContaining(['Ready', 'BusReady', 'TemplatesFresh', 'KeysValid']),
  );
  await findBlock(`stratum2+tcp://${await addressOf('demo-gw-sv2')}:3336/${key}`, 'alice.one');
  const { tx } = await rpc('getblock', [await rpc('getbestblockhash'), 2]);
  expect(tx[0].vout[0].scriptPubKey.hex).toBe(PAYOUT);
  const credited = 'sluice_share_validator_shares_total{outcome="credited"';
  await waitFor(async () => (await metric('share-validator', credited)) > 0, 30_000);
  expect(await metric('connection-gateway', 'sluice_gateway_shares_refused_total')).toBe(0);
  expect(await kubectl.run('get', inNamespace, 'miningpool')).toMatch(/demo +regtest +True/);
});

it('is brought up from the chart of the release before, and neither a pod nor a connection of the pool ends', async () => {
  onTestFailed(async () => console.error(await podLogs(namespace), await podLogs(operatorNamespace)));
  await waitFor(() => isBalanced('demo'), 60_000);
  const before = await pods();
  const keyBefore = await keyOf('demo');
  const relay = await TcpRelay.start(GATEWAY_PORT, await addressOf('demo-gw-sv2'));
  const load = new ShareLoad({
    ...{ ports: [relay.port], authorityKey: keyBefore, connections: MINERS },
    ...{ sharesPerSecond: TRIES_PER_SECOND, wanted: 'share' },
  });
  await load.start();
  try {
    // No image of that release is here: no operator acts meanwhile.
    await upgrade(CHART_BEFORE, 0);
    await kubectl.apply({ ...fleetBefore, metadata: { ...fleetBefore.metadata, namespace } });
    expect((await kubectl.get(inNamespace, 'proxyfleet', 'hall')).spec).toHaveProperty('jobDeclaration');
    // What only an operator of this release can say that it has seen.
    const patch = ['--type=merge', '--patch={"spec":{"gateways":{"rebalance":{"tolerancePercent":30}}}}'];
    await kubectl.run('patch', inNamespace, 'miningpool', 'demo', ...patch);
    await upgrade(CHART, 1);
    await Promise.all(['miningpool/demo', 'proxyfleet/hall'].map(lookedAt));
    expect((await kubectl.get(inNamespace, 'proxyfleet', 'hall')).spec).not.toHaveProperty('jobDeclaration');
    const { accepted } = totals(load.records);
    await waitFor(() => totals(load.records).accepted > accepted, 60_000);
    expect(load.losses).toEqual([]);
  } finally {
    await load.close();
    await relay.stop();
  }
  expect(await pods()).toEqual(before);
  expect(await keyOf('demo')).toBe(keyBefore);
});

it('makes a fleet of proxies, as written for the release before, that mines for the pool, and a miner finds a block through it', async () => {
  onTestFailed(async () => console.error(await podLogs(namespace), await podLogs(operatorNamespace)));
  await kubectl.run('wait', inNamespace, 'proxyfleet/hall', '--for=condition=UpstreamAvailable', '--timeout=120s');
  await kubectl.run('wait', inNamespace, 'proxyfleet/hall', '--for=condition=Ready', '--timeout=60s');
  const { status } = await kubectl.get(inNamespace, 'proxyfleet', 'hall');
  const { activeUpstream, upstreams, authorityPublicKey: key } = status;
  expect([activeUpstream, upstreams]).toEqual(['own', [{ name: 'own', state: 'Active' }]]);
  await findBlock(`stratum2+tcp://${await addressOf('hall-px-sv2')}:34265/${key}`, 'alice.two');
  await kubectl.run('delete', inNamespace, 'proxyfleet', 'hall', '--timeout=60s');
});

it('is not uninstalled while there is a pool, unless without hooks, and leaves the pool as it is', async () => {
  const before = await pods();
  expect(before).toHaveLength(PODS);
  await expect(helm(kubeconfig, 'uninstall', 'sluice', inOperatorNamespace)).rejects.toThrow('BackoffLimitExceeded');
  expect(await kubectl.run('logs', inOperatorNamespace, 'job/sluice-operator-in-use')).toContain(
    'In use: miningpools/demo in mining.',
  );
  await helm(kubeconfig, 'uninstall', 'sluice', inOperatorNamespace, '--no-hooks', '--wait');
  expect(await pods()).toEqual(before);
});

it('comes back under another name, and leaves the pods of the pool as they are', async () => {
  onTestFailed(async () => console.error(await podLogs(operatorNamespace)));
  const before = await pods();
  await expect(install('other', ...ofTheTest)).rejects.toThrow('invalid ownership metadata');
  await install('other', ...ofTheTest, '--set=crds.install=false');
  const owner = ['meta.helm.sh/release-name=other', `meta.helm.sh/release-namespace=${operatorNamespace}`];
  await kubectl.run('annotate', '--overwrite', 'customresourcedefinitions', ...definitions, ...owner);
  await helm(kubeconfig, 'upgrade', 'other', CHART, inOperatorNamespace, '--reuse-values', '--set=crds.install=true');

  const metrics = `http://${await addressOf('other-operator', operatorNamespace)}:9100/metrics`;
  const reconciled = /^controller_runtime_reconcile_total\{.*miningpool.*\} [1-9]/m;
  await waitFor(async () => reconciled.test(await (await fetch(metrics)).text()), 60_000);
  expect(await pods()).toEqual(before);
});

it('has nothing of a pool go that is deleted while no operator is there, and lets go of it when one is back', async () => {
  onTestFailed(async () => console.error(await podLogs(namespace), await podLogs(operatorNamespace)));
  await helm(kubeconfig, 'uninstall', 'other', inOperatorNamespace, '--no-hooks', '--wait');
  const before = await pods();
  const { authorityPublicKey: key } = (await kubectl.get(inNamespace, 'miningpool', 'demo')).status;
  await kubectl.run('delete', inNamespace, 'miningpool', 'demo', '--wait=false');
  // Nobody but the garbage collector could take the pods, and by another owner's end it is known that it has looked.
  await kubectl.run('create', inNamespace, 'configmap', 'owner');
  const { uid } = (await kubectl.get(inNamespace, 'configmap', 'owner')).metadata;
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }];
  await kubectl.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned', namespace, ownerReferences } });
  await kubectl.run('delete', inNamespace, 'configmap', 'owner');
  await kubectl.run('wait', inNamespace, 'configmap/owned', '--for=delete', '--timeout=60s');
  await findBlock(`stratum2+tcp://${await addressOf('demo-gw-sv2')}:3336/${key}`, 'alice.three');
  expect((await kubectl.get(inNamespace, 'miningpool', 'demo')).metadata.deletionTimestamp).toBeDefined();
  expect(await pods()).toEqual(before);

  const begin = performance.now();
  await install('other', ...ofTheTest);
  await kubectl.run('wait', inNamespace, 'miningpool/demo', '--for=delete', '--timeout=60s');
  const seconds = () => ((performance.now() - begin) / 1_000).toFixed(1);
  const released = seconds();
  await waitFor(async () => (await pods()).length === 0, 90_000);
  console.log(
    `from helm install on: the pool is let go of after ${released} s, its last pod is gone after ${seconds()} s`,
  );
  await helm(kubeconfig, 'uninstall', 'other', inOperatorNamespace, '--wait');
  await kubectl.run('get', 'customresourcedefinitions', ...definitions);
});
