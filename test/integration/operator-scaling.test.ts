// Fleets that follow their miners, by the operator as a process on a real control plane. kwok says of pods that they run; what they answer over HTTP, and
// their miners, are the test's.
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { examplePool } from '../../operator/test/defaulted.ts';
import { controlPlanePrograms, whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { isSettled, ScaledCluster } from '../support/kubernetes/scaled-cluster.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes([...controlPlanePrograms, 'kwok']);
/** What a pool has that is not looked at here. */
const outside = {
  nodes: [{ name: 'a', rpcURL: 'http://bitcoind.example:18443', zmqURL: 'tcp://bitcoind.example:28332' }],
  bus: { mode: 'External', external: { servers: ['nats://nats.example:4222'] } },
};
/** That its miners need at most; two hundred by hand. */
const PODS = Number(process.env.SCALED_PODS ?? 7);
const PER_POD = 800;
const MINERS = PODS * PER_POD - 600;
const autoscaling = {
  ...{ enabled: true, minReplicas: 2, maxReplicas: PODS + 3, targetConnectionsPerPod: PER_POD },
  ...{ scaleUpWindow: '5s', scaleDownWindow: '30s' },
};
/** A window, then each pod in its turn. */
const DOWN_MS = 30_000 + (PODS - 2) * 20_000;
const UP_AND_DOWN_MS = 110_000 + DOWN_MS;

describe.skipIf(missing !== undefined)(`fleets that are scaled${missing === undefined ? '' : ` (${missing})`}`, () => {
  let cluster: ScaledCluster;
  const mainStatus = async () => (await cluster.plane.client().get(cluster.path('MiningPool', 'main'))).body.status;
  const showLog = () => onTestFailed(() => console.log(cluster.operator.log(80)));

  beforeAll(async () => {
    cluster = await ScaledCluster.start();
  });
  afterAll(async () => {
    await cluster.stop();
  });

  it.concurrent(
    'follows connections up within 30 seconds, and down with each miner moved once',
    async () => {
      showLog();
      const fleet = cluster.miners.fleet('main-gw');
      const { spec } = examplePool('regtest');
      await cluster.apply('MiningPool', 'main', {
        ...{ ...spec, ...outside },
        gateways: {
          ...spec.gateways,
          autoscaling,
          rebalance: { ...spec.gateways.rebalance, enabled: false },
          rollout: { ...spec.gateways.rollout, minReadySeconds: 1 },
        },
      });
      await waitFor(() => isSettled(fleet, 2), 60_000);
      fleet.join(MINERS / 2);
      await waitFor(() => isSettled(fleet, Math.ceil(MINERS / 2 / PER_POD)), 30_000);
      fleet.join(MINERS / 2);
      await waitFor(() => isSettled(fleet, PODS), 30_000);
      // It is written every 15 seconds at most.
      await waitFor(async () => {
        const { replicas, ready, updated, desired, connections } = (await mainStatus()).gateways;
        return [replicas, ready, updated, desired, connections].join() === [PODS, PODS, PODS, PODS, MINERS].join();
      }, 40_000);

      fleet.leaveBut(500);
      await waitFor(() => isSettled(fleet, 2), DOWN_MS);
      expect([fleet.wrongs, fleet.mostMoves, fleet.most <= PODS + 4]).toEqual([[], 1, true]);
      const conditions = (await mainStatus()).conditions;
      expect(conditions.find(({ type }: { type: string }) => type === 'ScalingActive')).toMatchObject({
        status: 'True',
      });
    },
    UP_AND_DOWN_MS,
  );

  it.concurrent('adds share validators while they are behind', async () => {
    showLog();
    const { spec } = examplePool('regtest');
    const shareValidator = { ...spec.services.shareValidator, minReplicas: 1, maxReplicas: 4 };
    await cluster.apply('MiningPool', 'behind', {
      ...spec,
      ...outside,
      services: { ...spec.services, shareValidator },
    });
    const ready = async () => (await cluster.get('apps/v1', 'deployments/behind-sv')).status?.readyReplicas;
    await waitFor(async () => (await ready()) === 1, 60_000);
    cluster.miners.fleet('behind-sv').lagSeconds = 60;
    await waitFor(async () => (await ready()) === 2, 90_000);
  }, 240_000);

  it.concurrent('exchanges one pod for that of another image, then the others, each miner moved once', async () => {
    showLog();
    const fleet = cluster.miners.fleet('rolled-px');
    const of = (partition: number) => ({
      rebalance: { enabled: false, tolerancePercent: 25 },
      rollout: { maxSurge: 1, partition, minReadySeconds: 1, progressDeadline: '15m' },
    });
    await cluster.applyFleet('rolled', 2, { proxies: of(0) });
    await waitFor(() => isSettled(fleet, 2), 60_000);
    fleet.join(300);
    await waitFor(() => fleet.connected === 300);
    const [before] = fleet.pods.map(({ revision }) => revision);
    const left = () => fleet.pods.filter(({ revision }) => revision === before).length;
    // One of them to see how it does.
    await cluster.applyFleet('rolled', 2, { proxies: of(1), tag: '2' });
    await waitFor(() => isSettled(fleet, 2) && left() === 1, 120_000);
    expect([fleet.wrongs, fleet.mostMoves, fleet.most]).toEqual([[], 1, 3]);
    const moves = new Map(fleet.miners.map((miner) => [miner, miner.moves]));
    await cluster.applyFleet('rolled', 2, { proxies: of(0), tag: '2' });
    await waitFor(() => isSettled(fleet, 2) && left() === 0, 120_000);
    const again = fleet.miners.map((miner) => miner.moves - (moves.get(miner) ?? 0));
    expect([fleet.wrongs, Math.max(...again), fleet.most]).toEqual([[], 1, 3]);
    // Nothing is left of what nobody runs any more.
    const selector = encodeURIComponent('mining.sluice.dev/workload=rolled-px');
    await waitFor(
      async () => (await cluster.get('apps/v1', `replicasets?labelSelector=${selector}`)).items.length === 1,
    );
  }, 240_000);

  it.concurrent('moves miners to pods that were added, each of them once at most', async () => {
    showLog();
    const fleet = cluster.miners.fleet('evened-px');
    await cluster.applyFleet('evened', 2);
    await waitFor(() => isSettled(fleet, 2), 60_000);
    fleet.join(400);
    await waitFor(() => fleet.connected === 400);
    // As kubectl scale and a HorizontalPodAutoscaler do.
    await waitFor(async () => {
      const path = `${cluster.path('ProxyFleet', 'evened')}/scale`;
      const scale = (await cluster.plane.client().get(path)).body;
      const answer = await cluster.plane.client().put(path, { ...scale, spec: { replicas: 4 } });
      // Somebody may have written in between, as the operator does into the status.
      expect([200, 409]).toContain(answer.status);
      return answer.status === 200;
    });
    const isEven = () => fleet.pods.every(({ miners: { size } }) => size >= 75 && size <= 125);
    await waitFor(() => isSettled(fleet, 4) && isEven(), 120_000);
    expect([fleet.wrongs, fleet.mostMoves]).toEqual([[], 1]);
  }, 240_000);
});
