// Single decisions, on fleets that are written down; what comes of many is in scale.test.ts.
import { describe, expect, it } from 'vitest';
import { decide, type ScalingWrite } from '../../src/scaling/decide.ts';
import type { ObservedFleet, ObservedPod } from '../../src/scaling/observed-fleet.ts';
import { closing, draining, removing } from '../../src/scaling/pod-stage.ts';
import { formatState, parseState, SCALING_STATE, type ScalingState } from '../../src/scaling/scaling-state.ts';
import { fleetSpec } from './support/fleet-spec.ts';
import { merged } from './support/merged.ts';

const NOW_MS = 10_000_000;
const ACCEPTING = 'mining.sluice.dev/accepting';

const stateOf = (state: ScalingState) => ({ [SCALING_STATE]: formatState(state) });
const neededIn = (annotations: Readonly<Record<string, string>>) =>
  parseState(annotations[SCALING_STATE])?.needed?.value;

function pod(name: string, connections: number | undefined, parts: Partial<ObservedPod> = {}): ObservedPod {
  const sample = connections === undefined ? undefined : { atMs: NOW_MS, connections, cpuCores: 0.5, order: undefined };
  return {
    ...{ name, uid: name, resourceVersion: '1', revision: 'new', node: name, createdAtMs: 1, isPending: false },
    ...{ isReady: true, readyChangedAtMs: 1, isTerminating: false, labels: { [ACCEPTING]: 'true' }, annotations: {} },
    ...{ sample, ...parts },
  };
}

/** With what a patch makes of its metadata. */
function patched(one: ObservedPod, ...patches: readonly ReturnType<typeof closing>[]): ObservedPod {
  return {
    ...one,
    labels: patches.reduce((labels, patch) => merged(labels, patch.labels), one.labels),
    annotations: patches.reduce((annotations, patch) => merged(annotations, patch.annotations), one.annotations),
  };
}

function fleet(pods: readonly ObservedPod[], replicas: number, parts: Partial<ObservedFleet> = {}): ObservedFleet {
  const count = pods.filter(({ isTerminating }) => !isTerminating).length;
  const counts = { replicas: count, statusReplicas: count, generation: 3, observedGeneration: 3 };
  return {
    fleet: fleetSpec({ autoscaling: { enabled: false }, replicas }, 100),
    revision: 'new',
    replicaSets: [{ name: 'new', uid: 'new', resourceVersion: '1', revision: 'new', createdAtMs: 1, ...counts }],
    pods,
    ownerAnnotations: stateOf({ desired: replicas, isUnbalanced: false }),
    nowMs: NOW_MS,
    ...parts,
  };
}

const told = (writes: readonly ScalingWrite[]) =>
  writes.map((write) =>
    write.kind === 'pod'
      ? `${write.pod.name} ${JSON.stringify(write.patch.annotations)}`
      : write.kind === 'replicas'
        ? `${write.replicaSet.name} ${write.replicas}`
        : JSON.stringify(write.annotations),
  );
const namesOf = (writes: readonly ScalingWrite[]) =>
  writes.flatMap((write) => (write.kind === 'pod' ? [write.pod.name] : []));

const drained = (one: ObservedPod, startedMs: number) =>
  patched(one, closing(startedMs - 5_000), draining(startedMs, startedMs + 300_000), removing());

describe('one decision', () => {
  it('closes those with the fewest connections, and whose are unknown last', () => {
    const pods = [pod('a', 30), pod('b', 10), pod('c', undefined), pod('d', 20)];
    expect(namesOf(decide(fleet(pods, 2)).writes)).toEqual(['b', 'd']);
  });

  it('leaves a node its last accepting pod where balancers know nodes alone', () => {
    const pods = [pod('a', 10, { node: 'x' }), pod('b', 20, { node: 'y' }), pod('c', 30, { node: 'y' })];
    const of = (type: 'ClusterIP' | 'LoadBalancer') => {
      const spec = fleetSpec({ autoscaling: { enabled: false }, replicas: 2 }, 100);
      const listeners = spec.listeners.map((listener) => ({ ...listener, service: { ...listener.service, type } }));
      return namesOf(decide(fleet(pods, 2, { fleet: { ...spec, listeners } })).writes);
    };
    expect([of('ClusterIP'), of('LoadBalancer')]).toEqual([['a'], ['b']]);
  });

  it('closes no more than the others have room for, and who is unknown may be full', () => {
    const old = { revision: 'old' };
    const closedOf = (connections: readonly (number | undefined)[]) => {
      const [a, b, c] = connections;
      return namesOf(decide(fleet([pod('n', 0), pod('a', a, old), pod('b', b, old), pod('c', c, old)], 3)).writes);
    };
    expect(closedOf([90, 80, 70])).toEqual(['c']);
    expect(closedOf([40, 30, 0])).toEqual(['a', 'b', 'c']);
    expect(closedOf([40, 30, undefined])).toEqual(['a', 'b']);
  });

  it('drains when all are closed for long enough, one that holds somebody at a time', () => {
    const closed = (name: string, connections: number, agoMs: number) =>
      patched(pod(name, connections), closing(NOW_MS - agoMs));
    const others = [pod('a', 30), pod('b', 30)];
    expect(told(decide(fleet([...others, closed('c', 5, 3_000), closed('d', 9, 1_000)], 2)).writes)).toEqual([]);
    expect(namesOf(decide(fleet([...others, closed('c', 5, 3_000), closed('d', 9, 2_000)], 2)).writes)).toEqual(['c']);
    expect(namesOf(decide(fleet([...others, closed('c', 5, 3_000), closed('d', 0, 2_000)], 2)).writes)).toEqual(['d']);
    const both = [...others, closed('c', 0, 3_000), closed('d', 0, 2_000)];
    expect(namesOf(decide(fleet(both, 2)).writes)).toEqual(['c', 'd']);
  });

  it('tells a draining pod until it says that it follows', () => {
    const startedMs = NOW_MS - 1_000;
    const going = patched(pod('b', 5), closing(NOW_MS - 9_000), draining(startedMs, startedMs + 300_000));
    const { orders } = decide(fleet([pod('a', 5), going], 1));
    expect(orders.map(({ pod: { name }, move }) => [name, move?.keep, move?.deadlineMs])).toEqual([
      ['b', 0, startedMs + 300_000],
    ]);
    const order = orders[0]?.move?.order;
    const following = { ...going, sample: { atMs: NOW_MS, connections: 5, cpuCores: undefined, order } };
    expect(decide(fleet([pod('a', 5), following], 1)).orders).toEqual([]);
    // Wanted again: it accepts, and is told to stop once that stands in the cluster.
    expect(namesOf(decide(fleet([pod('a', 5), following], 2)).writes)).toEqual(['b']);
    const back = { ...following, labels: { [ACCEPTING]: 'true' }, annotations: {} };
    expect(decide(fleet([pod('a', 5), back], 2)).orders).toEqual([{ pod: back, move: undefined }]);
  });

  it('marks a pod that says itself that it is empty, or is out of time', () => {
    const startedMs = NOW_MS - 20_000;
    const going = (deadlineMs: number) => patched(pod('b', 0), closing(startedMs), draining(startedMs, deadlineMs));
    // An answer from before the order.
    expect(told(decide(fleet([pod('a', 5), going(NOW_MS + 1)], 1)).writes)).toEqual([]);
    expect(told(decide(fleet([pod('a', 5), going(NOW_MS)], 1)).writes)).toEqual([
      'b {"mining.sluice.dev/remove":"true"}',
    ]);
  });

  it('lowers a ReplicaSet to the pods without a mark, when the controller manager can know whom to delete', () => {
    const lowered = (parts: { agoMs?: number; status?: number; generation?: number; other?: Partial<ObservedPod> }) => {
      const observed = fleet([pod('a', 5, parts.other), drained(pod('b', 0), NOW_MS - (parts.agoMs ?? 5_000))], 1);
      const [set] = observed.replicaSets;
      const replicaSets = [
        { ...set!, statusReplicas: parts.status ?? 2, observedGeneration: parts.generation ?? set!.generation },
      ];
      return told(decide({ ...observed, replicaSets }).writes);
    };
    expect(lowered({})).toEqual(['new 1']);
    // The cost is too new.
    expect(lowered({ agoMs: 4_999 })).toEqual([]);
    // It has pods that are not seen here, or has not seen its own last change.
    expect(lowered({ status: 3 })).toEqual([]);
    expect(lowered({ generation: 2 })).toEqual([]);
    // Who is not ready would go first.
    expect(lowered({ other: { isReady: false, readyChangedAtMs: NOW_MS - 1_000 } })).toEqual([]);
  });

  it('never says "one less": a removal that was written is not written again', () => {
    const observed = fleet([pod('a', 5), pod('c', 5), drained(pod('b', 0), NOW_MS - 9_000)], 2);
    const [set] = observed.replicaSets;
    const written = { ...observed, replicaSets: [{ ...set!, replicas: 2, generation: 4 }] };
    expect(told(decide(observed).writes)).toEqual(['new 2']);
    expect(told(decide(written).writes)).toEqual([]);
  });

  it('takes a marked pod back where it is wanted again, and raises first where its removal is under way', () => {
    const observed = fleet([pod('a', 5), drained(pod('b', 0), NOW_MS - 9_000)], 2);
    expect(namesOf(decide(observed).writes)).toEqual(['b']);
    const [set] = observed.replicaSets;
    const underWay = { ...observed, replicaSets: [{ ...set!, replicas: 1, generation: 4 }] };
    expect(told(decide(underWay).writes)).toEqual(['new 2']);
  });

  it('gives back the label that somebody took, and raises a ReplicaSet that somebody lowered', () => {
    expect(namesOf(decide(fleet([pod('a', 5, { labels: {} }), pod('b', 5)], 2)).writes)).toEqual(['a']);
    const observed = fleet([pod('a', 5), pod('b', 5)], 2);
    const lowered = observed.replicaSets.map((set) => ({ ...set, replicas: 1, generation: 4 }));
    expect(told(decide({ ...observed, replicaSets: lowered }).writes)).toEqual(['new 2']);
  });

  it('counts the CPU that pods ask for as a second measure', () => {
    const ownerAnnotations = stateOf({
      ...{ desired: 2, needed: { sinceMs: 1, value: 2, past: [] }, isUnbalanced: false },
    });
    const of = (requests: Record<string, string>) =>
      decide({
        ...fleet([pod('a', 5), pod('b', 5), pod('c', 5)], 2),
        fleet: fleetSpec({ autoscaling: { minReplicas: 1 }, resources: { requests } }, 10_000),
        ownerAnnotations,
      }).writes.flatMap((write) => (write.kind === 'state' ? [neededIn(write.annotations)] : []));
    // 1.5 cores in use.
    expect(of({ cpu: '250m' })).toEqual([8]);
    expect(of({ memory: '1Gi' })).toEqual([1]);
  });

  it('says who was asked to go and stays, kept or left by an exchange that waits', () => {
    const asked = { revision: 'old', annotations: { 'mining.sluice.dev/drain': 'true' } };
    const sets = (pods: readonly ObservedPod[]) =>
      ['new', 'old'].map((revision) => {
        const count = pods.filter((each) => each.revision === revision).length;
        const counts = { replicas: count, statusReplicas: count, generation: 1, observedGeneration: 1 };
        return { ...{ name: revision, uid: revision, resourceVersion: '1', revision, createdAtMs: 1 }, ...counts };
      });
    const held = (pods: readonly ObservedPod[], partition: number) => {
      const spec = fleetSpec({ autoscaling: { enabled: false }, replicas: 2, rollout: { partition } }, 100);
      const { heldBack } = decide(fleet(pods, 2, { fleet: spec, replicaSets: sets(pods) }));
      return heldBack.map(({ name }) => name);
    };
    const kept = [pod('a', 5), pod('b', 5, asked)];
    expect([held(kept, 1), held(kept, 0), held([pod('a', 5), pod('b', 5, { revision: 'old' })], 1)]).toEqual([
      ['b'],
      [],
      [],
    ]);
    const stalled = [pod('a', 0, { isReady: false }), pod('b', 5, asked), pod('c', 5, { revision: 'old' })];
    expect(held(stalled, 0)).toEqual(['b']);
  });
});

describe('a fleet that is as it should be', () => {
  const pods = [pod('a', 10), pod('b', 20)];
  const byLoad = { fleet: fleetSpec({}, 100) };
  const after = (past: readonly (readonly [number, number])[], desired = 2) =>
    stateOf({ desired, needed: { sinceMs: 1, value: 2, past }, isUnbalanced: false });

  it.each([
    ['with as many pods as somebody has set', fleet(pods, 2)],
    ['with as many as were needed all the time', fleet(pods, 2, { ...byLoad, ownerAnnotations: after([]) })],
    ['long after fewer are needed', fleet(pods, 2, { ...byLoad, ownerAnnotations: after([[3, NOW_MS - 30_000]]) })],
    ['whose pods say nothing', fleet([pod('a', undefined), pod('b', undefined)], 2)],
    [
      'of which connections are to be moved, and one says nothing',
      fleet([pod('a', 10), pod('b', undefined)], 2, {
        fleet: fleetSpec({}, 100),
        ownerAnnotations: stateOf({ desired: 2, needed: { sinceMs: 1, value: 2, past: [] }, isUnbalanced: true }),
      }),
    ],
  ])('is settled %s', (_, observed) => {
    expect(decide(observed)).toMatchObject({ writes: [], orders: [], isSettled: true });
  });

  it.each([
    ['fewer are needed only now', fleet(pods, 2, { ...byLoad, ownerAnnotations: after([[3, NOW_MS - 29_000]]) })],
    [
      'others were needed than there are',
      fleet([...pods, pod('c', 5)], 3, { ...byLoad, ownerAnnotations: after([], 3) }),
    ],
    ['a pod is missing', fleet([pod('a', 10)], 2)],
    ['a pod is not ready', fleet([pod('a', 10), pod('b', 20, { isReady: false })], 2)],
    ['a pod ends', fleet([...pods, pod('c', 5, { isTerminating: true })], 2)],
    ['a pod is to go', fleet([...pods, patched(pod('c', 5), closing(NOW_MS))], 2)],
    ['a pod is of an earlier revision', fleet([pod('a', 10), pod('b', 20, { revision: 'old' })], 2)],
    ['connections are to be moved', fleet(pods, 2, { ownerAnnotations: stateOf({ desired: 2, isUnbalanced: true }) })],
    ['something is to be written', fleet(pods, 3)],
  ])('is not settled while %s', (_, observed) => {
    expect(decide(observed).isSettled).toBe(false);
  });
});

it('is looked at closely while more pods are needed than there are to be, and not at the most that there may be', () => {
  const isRising = (maxReplicas: number) => {
    const needed = { sinceMs: 1, value: Math.min(3, maxReplicas), past: [[2, NOW_MS - 1_000]] } as const;
    const ownerAnnotations = stateOf({ desired: 2, needed, isUnbalanced: false });
    const spec = fleetSpec({ autoscaling: { maxReplicas, targetConnectionsPerPod: 100 } }, 100);
    return decide(fleet([pod('a', 150), pod('b', 150)], 2, { fleet: spec, ownerAnnotations })).isRising;
  };
  expect([isRising(3), isRising(2)]).toEqual([true, false]);
});
