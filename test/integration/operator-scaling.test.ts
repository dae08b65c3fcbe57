// Fleets that follow their miners, by the operator as a process on a real control plane. kwok says of pods that they run; what they answer over HTTP, and
// their miners, are the test's.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { examplePool, exampleProxyFleet } from '../../operator/test/defaulted.ts';
import { freePort } from '../support/free-port.ts';
import { controlPlanePrograms, whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { applyCustomResourceDefinitions, pathOf } from '../support/kubernetes/custom-resources.ts';
import { type FakeFleet, FakeMiners } from '../support/kubernetes/fake-miners.ts';
import { Kwok } from '../support/kubernetes/kwok.ts';
import { createOperatorAccount } from '../support/kubernetes/operator-account.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes([...controlPlanePrograms, 'kwok']);
const namespace = 'mining';
const autoscaling = {
  ...{ enabled: true, minReplicas: 2, maxReplicas: 10, targetConnectionsPerPod: 800 },
  ...{ scaleUpWindow: '5s', scaleDownWindow: '30s' },
};

describe.skipIf(missing !== undefined)(`fleets that are scaled${missing === undefined ? '' : ` (${missing})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-scaling-'));
  let plane: ControlPlane;
  let kwok: Kwok;
  let miners: FakeMiners;
  let operator: ServiceProcess;

  const path = (kind: string, name: string) => pathOf({ kind, metadata: { name, namespace } });
  const apply = async (kind: string, name: string, spec: object) => {
    const resource = { apiVersion: 'mining.sluice.dev/v1alpha1', kind, metadata: { name, namespace }, spec };
    const { status, body } = await plane.client().apply(path(kind, name), resource);
    expect([status < 300, body.message]).toEqual([true, undefined]);
  };
  const statusOf = async (kind: string, name: string) => (await plane.client().get(path(kind, name))).body.status;
  const replicaSets = async (workload: string) =>
    (
      await plane
        .client()
        .get(
          `/apis/apps/v1/namespaces/${namespace}/replicasets?labelSelector=${encodeURIComponent(`mining.sluice.dev/workload=${workload}`)}`,
        )
    ).body.items;
  /** A fleet of proxies of so many pods, with what is said of it. */
  const applyFleet = (name: string, replicas: number, { proxies = {}, tag = '1' } = {}) => {
    const { spec } = exampleProxyFleet('farm');
    return apply('ProxyFleet', name, {
      ...spec,
      image: { ...spec.image, repository: 'registry.example/sluice', tag },
      upstreams: [{ name: 'first', url: 'stratum+tcp://pool.example:3333', identity: 'account' }],
      proxies: {
        ...spec.proxies,
        ...{ replicas, autoscaling: { ...autoscaling, enabled: false } },
        ...{ rollout: { ...spec.proxies.rollout, minReadySeconds: 1 } },
        ...proxies,
      },
    });
  };
  const isSettled = (fleet: FakeFleet, pods: number) =>
    fleet.pods.length === pods &&
    fleet.pods.every(({ isReady, isTerminating, order }) => isReady && !isTerminating && order === undefined) &&
    fleet.connected === fleet.miners.length;
  const showLog = () => onTestFailed(() => console.log(operator.log(80)));

  beforeAll(async () => {
    plane = await ControlPlane.start();
    kwok = await Kwok.start(plane, 3);
    await applyCustomResourceDefinitions(plane);
    const account = await createOperatorAccount(plane);
    await plane.client().post('/api/v1/namespaces', { metadata: { name: namespace } });
    miners = await FakeMiners.start(plane, namespace);
    const access = ['--kubeconfig', account.kubeconfig, '--namespace', account.namespace];
    operator = new ServiceProcess({
      ...{ name: 'operator', command: 'operator', directory, healthPort: await freePort() },
      flags: [...access, '--image', 'registry.example/sluice:1', '--pod-url', miners.podUrl, '--log-level', 'debug'],
    });
    operator.launch();
    await operator.ready();
  });
  afterAll(async () => {
    await operator.kill();
    await miners.stop();
    await kwok.stop();
    await plane.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it.concurrent('follows connections up within 30 seconds, and down with each miner moved once', async () => {
    showLog();
    const fleet = miners.fleet('main-gw');
    const { spec } = examplePool('regtest');
    await apply('MiningPool', 'main', {
      ...spec,
      nodes: [{ name: 'a', rpcURL: 'http://bitcoind.example:18443', zmqURL: 'tcp://bitcoind.example:28332' }],
      bus: { mode: 'External', external: { servers: ['nats://nats.example:4222'] } },
      gateways: {
        ...spec.gateways,
        autoscaling,
        rebalance: { ...spec.gateways.rebalance, enabled: false },
        rollout: { ...spec.gateways.rollout, minReadySeconds: 1 },
      },
    });
    await waitFor(() => isSettled(fleet, 2), 60_000);
    fleet.join(2_500);
    await waitFor(() => isSettled(fleet, 4), 30_000);
    fleet.join(2_500);
    await waitFor(() => isSettled(fleet, 7), 30_000);
    // It is written every 15 seconds at most.
    await waitFor(async () => {
      const { replicas, ready, updated, desired, connections } = (await statusOf('MiningPool', 'main')).gateways;
      return [replicas, ready, updated, desired, connections].join() === '7,7,7,7,5000';
    }, 40_000);

    fleet.leaveBut(500);
    await waitFor(() => isSettled(fleet, 2), 30_000 + 5 * 20_000);
    expect([fleet.wrongs, fleet.mostMoves, fleet.most <= 11]).toEqual([[], 1, true]);
    const conditions = (await statusOf('MiningPool', 'main')).conditions;
    expect(conditions.find(({ type }: { type: string }) => type === 'ScalingActive')).toMatchObject({ status: 'True' });
  }, 240_000);

  it.concurrent('exchanges the pods for those of another image, each miner moved once', async () => {
    showLog();
    const fleet = miners.fleet('rolled-px');
    const rebalance = { enabled: false, tolerancePercent: 25 };
    await applyFleet('rolled', 2, { proxies: { rebalance } });
    await waitFor(() => isSettled(fleet, 2), 60_000);
    fleet.join(300);
    await waitFor(() => fleet.connected === 300);
    const [before] = fleet.pods.map(({ revision }) => revision);
    await applyFleet('rolled', 2, { proxies: { rebalance }, tag: '2' });
    await waitFor(() => isSettled(fleet, 2) && fleet.pods.every(({ revision }) => revision !== before), 120_000);
    expect([fleet.wrongs, new Set(fleet.miners.map(({ moves }) => moves)), fleet.most]).toEqual([[], new Set([1]), 3]);
    // Nothing is left of what nobody runs any more.
    await waitFor(async () => (await replicaSets('rolled-px')).length === 1);
  }, 240_000);

  it.concurrent('moves miners to pods that were added, each of them once at most', async () => {
    showLog();
    const fleet = miners.fleet('evened-px');
    await applyFleet('evened', 2);
    await waitFor(() => isSettled(fleet, 2), 60_000);
    fleet.join(400);
    await waitFor(() => fleet.connected === 400);
    // As kubectl scale and a HorizontalPodAutoscaler do.
    const scale = (await plane.client().get(`${path('ProxyFleet', 'evened')}/scale`)).body;
    scale.spec.replicas = 4;
    expect((await plane.client().put(`${path('ProxyFleet', 'evened')}/scale`, scale)).status).toBe(200);
    const isEven = () => fleet.pods.every(({ miners: { size } }) => size >= 75 && size <= 125);
    await waitFor(() => isSettled(fleet, 4) && isEven(), 120_000);
    expect([fleet.wrongs, fleet.mostMoves]).toEqual([[], 1]);
  }, 240_000);
});
