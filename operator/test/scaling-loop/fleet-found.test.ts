import { describe, expect, it } from 'vitest';
import type { FleetStatus } from '../../src/api/v1alpha1.ts';
import { ownedProxies } from '../../src/desired/proxies.ts';
import { decide } from '../../src/scaling/decide.ts';
import type { ObservedFleet, ObservedPod } from '../../src/scaling/observed-fleet.ts';
import { fleetFound } from '../../src/scaling-loop/fleet-found.ts';
import { exampleProxyFleet } from '../defaulted.ts';

const NOW = 1_700_000_000_000;
const MINUTE = 60_000;

const pod = (name: string, connections: number | undefined, ageMs = 10 * MINUTE): ObservedPod => ({
  ...{ name, uid: name, resourceVersion: '1', revision: 'one', node: 'a', createdAtMs: NOW - ageMs },
  ...{ isPending: false, isReady: true, readyChangedAtMs: NOW - ageMs, isTerminating: false, annotations: {} },
  labels: { 'mining.sluice.dev/accepting': 'true' },
  sample: connections === undefined ? undefined : { atMs: NOW, connections, cpuCores: undefined, order: undefined },
});

const found = (pods: readonly ObservedPod[], { previous, hasAsked = true, enabled = true }: Given = {}) => {
  const example = exampleProxyFleet('farm');
  const proxies = { ...example.spec.proxies, autoscaling: { ...example.spec.proxies.autoscaling, enabled } };
  const owned = ownedProxies({ ...example, spec: { ...example.spec, proxies } });
  const observed: ObservedFleet = {
    ...{ fleet: owned.fleet, revision: 'one', replicaSets: [], pods, ownerAnnotations: {}, nowMs: NOW },
  };
  return fleetFound({ owned, observed, decisions: decide(observed), replicaSets: [], hasAsked, previous });
};

interface Given {
  readonly previous?: FleetStatus;
  readonly hasAsked?: boolean;
  readonly enabled?: boolean;
}

const condition = (...given: Parameters<typeof found>) => {
  const all = found(...given).findings.filter(({ type }) => type === 'ScalingActive');
  return all.map(({ status, reason }) => `${status} ${reason}`).join();
};

describe('what is found of a fleet', () => {
  it('is its pods, its connections, and by which labels they are found', () => {
    expect(found([pod('a', 5), pod('b', 7)]).status).toEqual({
      ...{ replicas: 2, ready: 2, updated: 2, draining: 0, desired: 2, connections: 12, revision: 'one' },
      selector: 'mining.sluice.dev/workload=farm-px',
    });
  });

  it('has other connections when they differ by a hundredth', () => {
    const connections = (now: number, before: number) =>
      found([pod('a', now), pod('b', 0)], { previous: { connections: before } }).status.connections;
    expect([connections(1_009, 1_000), connections(1_010, 1_000), connections(991, 1_000)]).toEqual([
      1_000, 1_010, 1_000,
    ]);
    expect([connections(1, 0), connections(0, 1), connections(0, 0)]).toEqual([1, 0, 0]);
  });

  it('keeps the connections that it had while those of a pod are unknown', () => {
    const { status } = found([pod('a', 5), pod('b', undefined)], { previous: { connections: 100 } });
    expect(status.connections).toBe(100);
  });

  it('names those that do not tell their load in the same order, however they come', () => {
    const silent = ['e', 'b', 'd', 'a', 'c'].map((name) => pod(name, undefined));
    const { findings } = found(silent);
    expect(findings[0]?.message).toMatch(/: a, b, c and 2 more$/);
    expect(found(silent.toReversed()).findings).toEqual(findings);
  });

  it('says whether the load is known, of pods that had the time to tell it', () => {
    expect(condition([pod('a', 5), pod('b', 7)])).toBe('True LoadKnown');
    expect(condition([pod('a', 5), pod('b', undefined)])).toBe('False LoadUnknown');
    expect(condition([pod('a', 5), pod('b', undefined, 10_000)])).toBe('True LoadKnown');
    expect(condition([pod('a', undefined)], { enabled: false })).toBe('False AutoscalingOff');
    // A new leader says nothing before it has asked: what was said before stays.
    expect(condition([pod('a', undefined)], { hasAsked: false })).toBe('');
  });
});
