// Whatever comes in whatever order: nothing is ever wrong, and when it is over the fleet is what it is to be.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type ScalingWrite } from '../../src/scaling/decide.ts';
import type { ObservedFleet, ObservedPod, ObservedReplicaSet } from '../../src/scaling/observed-fleet.ts';
import { fleetSpec, seededRandom } from './support/fleet-spec.ts';
import { merged } from './support/merged.ts';
import { SimulatedCluster } from './support/simulated-cluster.ts';

const MAX_REPLICAS = 8;
const TARGET = 8;
const chaos = { lostScrape: 0.2, lostOrder: 0.2, staleView: 0.3, leaderDies: 0.1 };
const none = { lostScrape: 0, lostOrder: 0, staleView: 0, leaderDies: 0 };

const spec = (partition: number, rebalances: boolean) =>
  fleetSpec(
    {
      autoscaling: {
        ...{ minReplicas: 1, maxReplicas: MAX_REPLICAS, targetConnectionsPerPod: TARGET },
        ...{ scaleUpWindow: '5s', scaleDownWindow: '20s' },
      },
      drain: { timeout: '30s', disconnectsPerSecond: 3 },
      rollout: { maxSurge: 2, partition, minReadySeconds: 2, progressDeadline: '1m' },
      rebalance: { enabled: rebalances },
    },
    10,
  );

type Happening = (sim: SimulatedCluster) => void;

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.nat(MAX_REPLICAS * TARGET + 10).map(
    (miners): Happening =>
      (sim) =>
        sim.load(miners),
  ),
  fc.nat(20).map(
    (at): Happening =>
      (sim) => {
        const pod = sim.living[at % Math.max(1, sim.living.length)];
        if (pod !== undefined) sim.evict(pod);
      },
  ),
  fc.constantFrom('one', 'two', 'broken').map(
    (revision): Happening =>
      (sim) =>
        sim.roll(revision),
  ),
  fc.boolean().map(
    (runs): Happening =>
      (sim) => {
        sim.controllerManagerRuns = runs;
      },
  ),
  fc.constant<Happening>((sim) => sim.newLeader()),
  fc.tuple(fc.nat(4), fc.boolean()).map(
    ([partition, rebalances]): Happening =>
      (sim) => {
        sim.options.fleet = spec(partition, rebalances);
      },
  ),
);
const story = fc.array(fc.tuple(happening, fc.integer({ min: 1, max: 40 })), { minLength: 1, maxLength: 12 });

function told(happenings: readonly (readonly [Happening, number])[], seed: number): SimulatedCluster {
  const sim = new SimulatedCluster({
    ...{ fleet: spec(0, true), random: seededRandom(seed), scrapeMs: 2_000, slowestStartMs: 6_000, chaos },
  });
  sim.broken.add('broken');
  sim.roll('one');
  for (const [happen, seconds] of happenings) {
    happen(sim);
    for (let second = 0; second < seconds; second++) sim.tick();
  }
  return sim;
}

describe('the scaling of a fleet, whatever happens', () => {
  it('has never too many pods, removes none that is not empty, keeps room for everybody, and comes to rest', () => {
    fc.assert(
      fc.property(story, fc.nat(), (happenings, seed) => {
        const sim = told(happenings, seed);
        sim.options.chaos = none;
        sim.controllerManagerRuns = true;
        sim.options.fleet = spec(0, false);
        sim.roll('two');
        for (let second = 0; second < 600; second++) sim.tick();
        const needed = Math.min(MAX_REPLICAS, Math.max(1, Math.ceil(sim.miners.length / TARGET)));
        expect(sim.wrongs).toEqual([]);
        expect(sim.living.map(({ revision }) => revision)).toEqual(Array(needed).fill('two'));
        expect(sim.living.map(({ annotations, order }) => [annotations, order])).toEqual(
          Array(needed).fill([{}, undefined]),
        );
        const { writes, orders } = decide(sim.observed());
        expect([writes, orders]).toEqual([[], []]);
      }),
      { numRuns: 200, seed: 6 },
    );
  }, 120_000);

  it('never writes the same again once it is written', () => {
    fc.assert(
      fc.property(story, fc.nat(), (happenings, seed) => {
        let observed = told(happenings, seed).observed();
        const all: string[] = [];
        for (let round = 0; round < 6; round++) {
          const { writes } = decide(observed);
          all.push(...writes.map(described));
          observed = written(observed, writes);
        }
        expect(decide(observed).writes).toEqual([]);
        expect(new Set(all).size).toBe(all.length);
      }),
      { numRuns: 50, seed: 6 },
    );
  });
});

function described(write: ScalingWrite): string {
  if (write.kind === 'state') return JSON.stringify(write.annotations);
  const [uid, change] = write.kind === 'pod' ? [write.pod.uid, write.patch] : [write.replicaSet.uid, write.replicas];
  return JSON.stringify([uid, change]);
}

/** What is seen when all of it is written, and nobody else has done anything. */
function written(observed: ObservedFleet, writes: readonly ScalingWrite[]): ObservedFleet {
  let { pods, replicaSets, ownerAnnotations } = observed;
  for (const write of writes) {
    if (write.kind === 'state') ownerAnnotations = write.annotations;
    else if (write.kind === 'replicas') replicaSets = replicaSets.map((set) => withReplicas(set, write));
    else pods = pods.map((pod) => withPatch(pod, write));
  }
  return { ...observed, pods, replicaSets, ownerAnnotations };
}

type Write<K extends ScalingWrite['kind']> = Extract<ScalingWrite, { readonly kind: K }>;

function withReplicas(set: ObservedReplicaSet, { replicaSet, replicas }: Write<'replicas'>): ObservedReplicaSet {
  return set.uid === replicaSet.uid ? { ...set, replicas, generation: set.generation + 1 } : set;
}

function withPatch(one: ObservedPod, { pod, patch }: Write<'pod'>): ObservedPod {
  if (one.uid !== pod.uid) return one;
  const { labels, annotations } = patch;
  return { ...one, labels: merged(one.labels, labels), annotations: merged(one.annotations, annotations) };
}
