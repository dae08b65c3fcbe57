// Pods removed while the controller manager, which decides whom a ReplicaSet deletes, stands still again and again between the two writes of a removal:
// none goes that held a miner. STALLED_FLEETS=34 removes a hundred.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { seededRandom } from '../../operator/test/scaling/support/fleet-spec.ts';
import { controlPlanePrograms, whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { isSettled, ScaledCluster } from '../support/kubernetes/scaled-cluster.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes([...controlPlanePrograms, 'kwok']);
const FLEETS = Number(process.env.STALLED_FLEETS ?? 8);
const PODS = 4;
const LONGEST_STOP_MS = 2_000;
const LONGEST_RUN_MS = 1_000;

describe.skipIf(missing !== undefined)(
  `a controller manager that stalls${missing === undefined ? '' : ` (${missing})`}`,
  () => {
    let cluster: ScaledCluster;

    beforeAll(async () => {
      cluster = await ScaledCluster.start();
    });
    afterAll(async () => {
      await cluster.stop();
    });

    it('never deletes another pod than the one that was emptied', async () => {
      onTestFailed(() => console.log(cluster.operator.log(80)));
      const names = Array.from({ length: FLEETS }, (_, number) => `farm-${number}`);
      const fleets = names.map((name) => cluster.miners.fleet(`${name}-px`));
      const proxies = { rebalance: { enabled: false, tolerancePercent: 25 } };
      for (const name of names) await cluster.applyFleet(name, PODS, { proxies });
      await waitFor(() => fleets.every((fleet) => isSettled(fleet, PODS)), 60_000);
      for (const fleet of fleets) fleet.join(2 * PODS);
      await waitFor(() => fleets.every((fleet) => fleet.pods.every(({ miners }) => miners.size === 2)));

      const random = seededRandom(6);
      const stopping = new AbortController();
      const stalling = (async () => {
        while (!stopping.signal.aborted) {
          cluster.plane.signal('kube-controller-manager', 'SIGSTOP');
          await sleep(random() * LONGEST_STOP_MS);
          cluster.plane.signal('kube-controller-manager', 'SIGCONT');
          await sleep(random() * LONGEST_RUN_MS);
        }
      })();
      try {
        for (const name of names) await cluster.applyFleet(name, 1, { proxies });
        await waitFor(() => fleets.every((fleet) => isSettled(fleet, 1)), 200_000);
      } finally {
        stopping.abort();
        await stalling;
      }
      expect(fleets.flatMap(({ wrongs }) => wrongs)).toEqual([]);
      expect(fleets.reduce((sum, { gone }) => sum + gone, 0)).toBe(FLEETS * (PODS - 1));
      expect(fleets.map(({ mostMoves }) => mostMoves)).toEqual(Array(FLEETS).fill(1));
    }, 300_000);
  },
);
