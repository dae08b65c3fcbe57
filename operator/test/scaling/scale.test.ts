import { describe, expect, it } from 'vitest';
import { fleetSpec, seededRandom } from './support/fleet-spec.ts';
import { SimulatedCluster } from './support/simulated-cluster.ts';

const calm = { lostScrape: 0, lostOrder: 0, staleView: 0, leaderDies: 0 };

function cluster(fleet: ReturnType<typeof fleetSpec>, seed = 1): SimulatedCluster {
  const made = new SimulatedCluster({
    fleet,
    random: seededRandom(seed),
    scrapeMs: 2_000,
    slowestStartMs: 4_000,
    chaos: calm,
  });
  made.roll('one');
  return made;
}

/** Seconds until it holds. */
function until(sim: SimulatedCluster, holds: () => boolean, seconds: number): number {
  const begin = sim.nowMs;
  while (!holds()) {
    if (sim.nowMs - begin > seconds * 1_000) throw new Error(`not within ${seconds} s; ${sim.living.length} pods`);
    sim.tick();
  }
  return (sim.nowMs - begin) / 1_000;
}

function pass(sim: SimulatedCluster, seconds: number): void {
  for (let second = 0; second < seconds; second++) sim.tick();
}

/** As many leave from each pod alike, so that each that goes holds some. */
function leaveEvenly(sim: SimulatedCluster, left: number): void {
  const place = new Map(sim.miners.map((miner, at) => [miner, at % 10]));
  sim.miners.sort((one, other) => (place.get(one) ?? 0) - (place.get(other) ?? 0));
  sim.load(left);
}

const isSettled = (sim: SimulatedCluster, pods: number) =>
  sim.desired === pods && sim.pods.size === pods && sim.ready.length === pods;
const revisions = (sim: SimulatedCluster) => sim.living.map(({ revision }) => revision).sort();
const mostMoves = (sim: SimulatedCluster) => Math.max(...sim.miners.map(({ moves }) => moves));

const quick = { targetConnectionsPerPod: 800, scaleUpWindow: '5s', scaleDownWindow: '30s' };

describe('the scaling of a fleet', () => {
  it('follows 0, 5,000 and 500 connections within its windows, and moves nobody twice', () => {
    const sim = cluster(
      fleetSpec({ autoscaling: quick, rebalance: { enabled: false }, rollout: { minReadySeconds: 2 } }, 2_000),
    );
    until(sim, () => isSettled(sim, 2), 30);
    for (let count = 0; count <= 5_000; count += 500) {
      sim.load(count);
      sim.tick();
    }
    until(sim, () => sim.connected === 5_000, 60);
    expect(until(sim, () => sim.desired === 7, 30)).toBeLessThanOrEqual(10);
    until(sim, () => isSettled(sim, 7), 30);
    expect(mostMoves(sim)).toBe(0);
    leaveEvenly(sim, 500);
    until(sim, () => isSettled(sim, 2), 30 + 5 * 20);
    expect(mostMoves(sim)).toBe(1);
    expect(sim.wrongs).toEqual([]);
  });

  it('takes 200 pods to 2 in 20 seconds a drain at most, and writes nothing when it is done', () => {
    const autoscaling = { ...quick, targetConnectionsPerPod: 8, maxReplicas: 200 };
    const sim = cluster(
      fleetSpec({ autoscaling, rollout: { minReadySeconds: 2 }, rebalance: { enabled: false } }, 100),
    );
    sim.load(1_600);
    until(sim, () => isSettled(sim, 200), 60);
    leaveEvenly(sim, 16);
    until(sim, () => isSettled(sim, 2), 30 + 198 * 20);
    expect(mostMoves(sim)).toBeLessThanOrEqual(1);
    const { writes } = sim;
    pass(sim, 120);
    expect(sim.writes).toBe(writes);
    expect(sim.wrongs).toEqual([]);
  });

  it('takes everybody back when the load returns in the middle of a scale-down', () => {
    const sim = cluster(
      fleetSpec({ autoscaling: quick, drain: { disconnectsPerSecond: 5 }, rebalance: { enabled: false } }, 2_000),
    );
    sim.load(4_800);
    until(sim, () => isSettled(sim, 6), 90);
    pass(sim, 60);
    const pods = sim.living.map(({ name }) => name).sort();
    leaveEvenly(sim, 500);
    until(sim, () => sim.living.some(({ order }) => order !== undefined), 60);
    sim.load(4_800);
    until(sim, () => isSettled(sim, 6) && sim.living.every(({ order }) => order === undefined), 60);
    // All but the one that may have been empty by then.
    expect(sim.living.filter(({ name }) => pods.includes(name)).length).toBeGreaterThanOrEqual(5);
    expect(mostMoves(sim)).toBeLessThanOrEqual(1);
    expect(sim.wrongs).toEqual([]);
  });

  it('exchanges all pods for those of a new revision, one more than wanted at a time', () => {
    const sim = cluster(
      fleetSpec({ autoscaling: quick, rollout: { minReadySeconds: 2 }, rebalance: { enabled: false } }, 2_000),
    );
    sim.load(3_200);
    until(sim, () => isSettled(sim, 4), 90);
    sim.roll('two');
    let most = 0;
    until(
      sim,
      () => {
        most = Math.max(most, sim.living.length);
        return isSettled(sim, 4) && revisions(sim).every((revision) => revision === 'two');
      },
      400,
    );
    expect(most).toBe(5);
    expect(sim.wrongs).toEqual([]);
  });

  it('moves each miner once in an exchange where the new pods can hold them all', () => {
    const sim = cluster(fleetSpec({ rollout: { minReadySeconds: 2 }, rebalance: { enabled: false } }, 10_000));
    sim.load(200);
    until(sim, () => isSettled(sim, 2) && sim.connected === 200, 90);
    sim.roll('two');
    until(sim, () => isSettled(sim, 2) && revisions(sim).join() === 'two,two', 400);
    expect(sim.miners.map(({ moves }) => moves)).toEqual(Array(200).fill(1));
    expect(sim.wrongs).toEqual([]);
  });

  it('keeps the pods of the partition as they are, through an eviction too', () => {
    const sim = cluster(
      fleetSpec({ autoscaling: { enabled: false }, replicas: 4, rollout: { partition: 3, minReadySeconds: 2 } }, 100),
    );
    until(sim, () => isSettled(sim, 4), 90);
    sim.roll('two');
    until(sim, () => isSettled(sim, 4) && revisions(sim).join() === 'one,one,one,two', 200);
    sim.evict(sim.living.find(({ revision }) => revision === 'one')!);
    pass(sim, 120);
    expect(revisions(sim).join()).toBe('one,one,one,two');
    sim.options.fleet = fleetSpec({ autoscaling: { enabled: false }, replicas: 4 }, 100);
    until(sim, () => isSettled(sim, 4) && new Set(revisions(sim)).size === 1, 400);
    expect(sim.wrongs).toEqual([]);
  });

  it('empties no old pod for a revision that does not come up, and says so', () => {
    const sim = cluster(fleetSpec({ rollout: { progressDeadline: '1m', minReadySeconds: 2 } }, 100));
    sim.load(50);
    until(sim, () => isSettled(sim, 2), 90);
    sim.broken.add('two');
    sim.roll('two');
    pass(sim, 120);
    expect(revisions(sim).join()).toBe('one,one,two');
    expect(sim.isStalled).toBe(true);
    expect(mostMoves(sim)).toBe(0);
    // Back to what worked.
    sim.roll('one');
    until(sim, () => isSettled(sim, 2), 60);
    expect(mostMoves(sim)).toBe(0);
    expect(sim.wrongs).toEqual([]);
  });

  it('moves connections to pods that came later, each once for a scale-up', () => {
    const sim = cluster(fleetSpec({ autoscaling: quick, rollout: { minReadySeconds: 2 } }, 2_000));
    until(sim, () => isSettled(sim, 2), 90);
    sim.load(3_000);
    until(sim, () => isSettled(sim, 4), 60);
    expect(sim.living.map(({ miners }) => miners.size).sort((a, b) => a - b)[0]).toBe(0);
    const isEven = () => sim.living.every(({ miners }) => miners.size > 500 && miners.size <= 750 * 1.25);
    until(
      sim,
      () =>
        isEven() &&
        sim.living.every(({ annotations, order }) => Object.keys(annotations).length === 0 && order === undefined),
      120,
    );
    expect(mostMoves(sim)).toBe(1);
    const moves = sim.miners.reduce((sum, miner) => sum + miner.moves, 0);
    pass(sim, 120);
    expect(sim.miners.reduce((sum, miner) => sum + miner.moves, 0)).toBe(moves);
  });

  it('follows the number that is set while it does not decide itself', () => {
    const of = (replicas: number) => fleetSpec({ autoscaling: { enabled: false }, replicas }, 100);
    const sim = cluster(of(3));
    until(sim, () => isSettled(sim, 3), 60);
    sim.load(150);
    pass(sim, 5);
    sim.options.fleet = of(2);
    until(sim, () => isSettled(sim, 2), 90);
    sim.options.fleet = of(5);
    until(sim, () => isSettled(sim, 5), 60);
    sim.options.fleet = of(0);
    until(sim, () => sim.pods.size === 0, 900);
    expect(sim.wrongs).toEqual([]);
  });

  it.each([0, 0.3])(
    'has another pod in the place of one that is asked to go, also where leaders die (%d)',
    (leaderDies) => {
      const sim = cluster(
        fleetSpec({ autoscaling: { enabled: false }, replicas: 3, rebalance: { enabled: false } }, 100),
      );
      until(sim, () => isSettled(sim, 3), 60);
      sim.load(60);
      pass(sim, 30);
      sim.options.chaos = { ...calm, leaderDies };
      const [asked, ...others] = sim.living;
      for (const pod of sim.living.slice(0, 2)) {
        pod.annotations['mining.sluice.dev/drain'] = 'true';
        pod.version += 1;
      }
      let fewest = 3;
      const isReplaced = () => {
        fewest = Math.min(fewest, sim.ready.length);
        return isSettled(sim, 3) && sim.living.every(({ annotations }) => !('mining.sluice.dev/drain' in annotations));
      };
      until(sim, isReplaced, 300);
      expect(fewest).toBe(3);
      expect(sim.living).toContain(others[1]);
      expect(sim.living).not.toContain(asked);
      const { writes } = sim;
      pass(sim, 60);
      expect(sim.writes).toBe(writes);
      expect([sim.connected, sim.wrongs]).toEqual([60, []]);
    },
  );

  it('takes nothing away while counts are unknown', () => {
    const sim = cluster(fleetSpec({ autoscaling: quick }, 2_000));
    sim.load(4_800);
    until(sim, () => isSettled(sim, 6), 90);
    pass(sim, 60);
    sim.options.chaos = { ...calm, lostScrape: 1 };
    sim.load(0);
    pass(sim, 300);
    expect([sim.living.length, sim.desired]).toEqual([6, 6]);
    sim.options.chaos = calm;
    until(sim, () => isSettled(sim, 2), 30 + 4 * 20);
  });

  it('never has the wrong pod deleted by a controller manager that stands still between two writes', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = seededRandom(seed);
      const sim = cluster(
        fleetSpec({ autoscaling: { enabled: false }, replicas: 4, rollout: { minReadySeconds: 0 } }, 100),
        seed,
      );
      until(sim, () => isSettled(sim, 4), 60);
      sim.load(40);
      pass(sim, 3);
      sim.options.fleet = { ...sim.options.fleet, replicas: 3 };
      pass(sim, Math.floor(random() * 12));
      sim.controllerManagerRuns = false;
      pass(sim, Math.floor(random() * 20));
      sim.controllerManagerRuns = true;
      until(sim, () => isSettled(sim, 3), 60);
      expect([seed, sim.wrongs]).toEqual([seed, []]);
    }
  });
});
