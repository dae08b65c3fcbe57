import { describe, expect, it } from 'vitest';
import { busReady, type PoolWorkloads, templatesFresh } from '../../src/reconcilers/pool-conditions.ts';
import { examplePool } from '../defaulted.ts';

const own = examplePool('regtest');
const production = examplePool('production');
const external = {
  ...own,
  spec: { ...own.spec, bus: { mode: 'External' as const, streamDeletionPolicy: 'Retain' as const } },
};

/** Workloads by what their names have behind the pool's, each with its ready pods. */
const workloads = (ready: Readonly<Record<string, number>>, pending: Readonly<Record<string, string>> = {}) =>
  ({
    live: (infix) => ({ metadata: { name: infix }, status: { readyReplicas: ready[infix] ?? 0 } }),
    pendingStorage: (infix) => pending[infix],
  }) satisfies PoolWorkloads;
const nothing: PoolWorkloads = { live: () => undefined, pendingStorage: () => undefined };

describe('the condition BusReady', () => {
  it('holds with most of the servers', () => {
    expect(production.spec.bus.managed?.replicas).toBe(3);
    const statuses = [0, 1, 2, 3].map((nats) => busReady(production, workloads({ nats })).status);
    expect(statuses).toEqual(['False', 'False', 'True', 'True']);
    expect(busReady(own, workloads({ nats: 1 })).status).toBe('True');
    expect(busReady(own, nothing)).toMatchObject({
      reason: 'ServersNotReady',
      message: '0 of 1 NATS servers are ready.',
    });
  });

  it('says what servers wait for', () => {
    const waiting = workloads({}, { nats: 'data-demo-nats-0 has no StorageClass' });
    expect(busReady(own, waiting)).toMatchObject({
      status: 'False',
      reason: 'StoragePending',
      message: 'data-demo-nats-0 has no StorageClass',
    });
  });

  it("is that of the services where the servers are the user's own", () => {
    expect(busReady(external, workloads({ cm: 1 })).reason).toBe('ServicesConnected');
    expect(busReady(external, nothing).reason).toBe('ServicesNotConnected');
  });
});

describe('the condition TemplatesFresh', () => {
  it('holds while a template provider is ready', () => {
    expect(templatesFresh(own, workloads({ tp: 1 })).status).toBe('True');
    expect(templatesFresh(own, nothing)).toMatchObject({ status: 'False', reason: 'ProvidersNotReady' });
  });

  it('says what a node waits for', () => {
    const waiting = workloads({}, { 'node-a': 'data-demo-node-a-0 waits for a volume' });
    expect(templatesFresh(own, waiting)).toMatchObject({ reason: 'StoragePending' });
  });
});
