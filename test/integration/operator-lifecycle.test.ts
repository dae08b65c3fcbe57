// What holds for every custom resource, with a reconciler that does as the test says, on a real API server and by the test's own clock.
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Children } from '../../operator/src/apply/children.ts';
import { ChildError } from '../../operator/src/apply/errors.ts';
import { Writer } from '../../operator/src/apply/writer.ts';
import { Lifecycle } from '../../operator/src/control/lifecycle.ts';
import type { CustomResource, Reconciler } from '../../operator/src/control/reconciler.ts';
import { EventRecorder } from '../../operator/src/events/event-recorder.ts';
import { KubernetesClient } from '../../operator/src/kubernetes/client.ts';
import { kubeconfigAccess } from '../../operator/src/kubernetes/cluster-access.ts';
import { ObjectCache } from '../../operator/src/kubernetes/object-cache.ts';
import { StatusWriter } from '../../operator/src/status/status-writer.ts';
import { examplePool } from '../../operator/test/defaulted.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { applyCustomResourceDefinitions, pathOf } from '../support/kubernetes/custom-resources.ts';
import { createOperatorAccount } from '../support/kubernetes/operator-account.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const resource = {
  apiVersion: 'mining.sluice.dev/v1alpha1',
  kind: 'MiningPool',
  plural: 'miningpools',
  namespaced: true,
};
const MINUTE_MS = 60_000;

describe.skipIf(missing !== undefined)(`the life of a resource${missing === undefined ? '' : ` (${missing})`}`, () => {
  let plane: ControlPlane;
  let client: KubernetesClient;
  let clock: ManualClock;
  let lifecycle: Lifecycle;
  let events: EventRecorder;
  let reconciler: Reconciler;
  let name: string;
  let made = 0;
  const cache = new ObjectCache<CustomResource>();
  const { signal } = new AbortController();

  const path = () => pathOf({ kind: 'MiningPool', metadata: { name } });
  const live = async () => (await plane.client().get(path())).body;
  /** As when the informer has just been told. */
  const reconcile = async () => {
    const { status, body } = await plane.client().get(path());
    if (status === 200) cache.put(body);
    return lifecycle.reconcile(`default/${name}`, signal);
  };
  const eventsOf = async () =>
    (await plane.client().get('/apis/events.k8s.io/v1/namespaces/default/events')).body.items.filter(
      ({ regarding }: { regarding: { name: string } }) => regarding.name === name,
    );
  const ready =
    (status: 'True' | 'False', message = '') =>
    async () => ({
      findings: [{ type: 'Ready', status, reason: 'AsTheTestSays', message }],
    });

  beforeAll(async () => {
    plane = await ControlPlane.start();
    await applyCustomResourceDefinitions(plane);
    const { kubeconfig } = await createOperatorAccount(plane);
    client = new KubernetesClient(kubeconfigAccess(kubeconfig), { metrics: new MetricsRegistry() });
  });
  afterAll(async () => {
    client.close();
    await plane.stop();
  });

  beforeEach(async () => {
    made += 1;
    name = `pool-${made}`;
    clock = new ManualClock(Date.now());
    const log = silentLogger();
    const writer = new Writer(client, { isHeld: () => true, signal });
    events = new EventRecorder({ writer, clock, log, identity: 'test' });
    const children = new Children({ writer, caches: new Map(), log, onForeignFields: () => undefined });
    const statusWriter = new StatusWriter({ writer, clock });
    lifecycle = new Lifecycle({
      ...{ resource, cache, children, writer, statusWriter, events, clock, log },
      reconciler: {
        reconcile: (...all) => reconciler.reconcile(...all),
        finalize: async (...all) => reconciler.finalize?.(...all),
      },
    });
    reconciler = { reconcile: ready('True') };
    const { apiVersion, kind, spec } = examplePool('regtest');
    const { status } = await plane.client().apply(path(), { apiVersion, kind, metadata: { name }, spec });
    expect(status).toBe(201);
  });

  it('has a status that is written at once, and then not more often than every 15 seconds', async () => {
    expect(await reconcile()).toEqual({});
    const first = await live();
    expect(first.status.conditions[0]).toMatchObject({ type: 'Ready', status: 'True', observedGeneration: 1 });
    reconciler = { reconcile: ready('False', 'something broke') };
    clock.advance(5_000);
    expect(await reconcile()).toEqual({ requeueAfterMs: 10_000 });
    expect((await live()).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    clock.advance(10_000);
    expect(await reconcile()).toEqual({});
    const [condition] = (await live()).status.conditions;
    expect(condition).toMatchObject({ status: 'False', message: 'something broke' });
    expect(Date.parse(condition.lastTransitionTime)).toBeGreaterThan(
      Date.parse(first.status.conditions[0].lastTransitionTime),
    );
    await waitFor(async () => (await eventsOf()).length === 2);
    const told = { type: 'Warning', reason: 'AsTheTestSays', note: 'something broke', action: 'ReadyFalse' };
    expect(await eventsOf()).toContainEqual(expect.objectContaining(told));
    expect(await reconcile()).toEqual({});
  });

  it('counts the same Event within minutes, and makes another one afterwards', async () => {
    const occurrence = { type: 'Warning', reason: 'Again', action: 'Tried', note: 'the same' } as const;
    const pool = await live();
    for (let times = 0; times < 20; times += 1) {
      events.record(pool, occurrence);
      clock.advance(2_000);
    }
    events.record(pool, { ...occurrence, note: 'another' });
    await waitFor(async () =>
      (await eventsOf()).some(({ series }: { series?: { count: number } }) => (series?.count ?? 0) > 2),
    );
    expect(await eventsOf()).toHaveLength(2);
    clock.advance(7 * MINUTE_MS);
    events.record(pool, occurrence);
    await waitFor(async () => (await eventsOf()).length === 3);
  });

  it('tells of a child that the API server refuses, and tries again in a minute', async () => {
    reconciler = {
      async reconcile() {
        throw new ChildError('invalid-child', 'Service pool-gw-sv2: the port is taken');
      },
    };
    expect(await reconcile()).toEqual({ requeueAfterMs: MINUTE_MS });
    const { conditions } = (await live()).status;
    expect(conditions).toEqual([
      expect.objectContaining({ type: 'Ready', status: 'False', reason: 'InvalidChild' }),
      expect.objectContaining({ type: 'Degraded', status: 'True', message: 'Service pool-gw-sv2: the port is taken' }),
      expect.objectContaining({ type: 'ReconciliationPaused', status: 'False' }),
    ]);
    clock.advance(MINUTE_MS);
    reconciler = { reconcile: ready('True') };
    expect(await reconcile()).toEqual({});
    expect((await live()).status.conditions[1]).toMatchObject({ type: 'Degraded', status: 'False' });
  });

  it('that is paused says nothing of the generation that came meanwhile', async () => {
    await reconcile();
    const { metadata, spec, ...rest } = await live();
    const annotations = { 'mining.sluice.dev/pause-reconciliation': 'true' };
    const payout = { outputs: [{ descriptor: 'raw(55)' }] };
    await plane.client().put(path(), { ...rest, metadata: { ...metadata, annotations }, spec: { ...spec, payout } });
    clock.advance(MINUTE_MS);
    await reconcile();
    const paused = await live();
    expect([paused.metadata.generation, paused.status.observedGeneration]).toEqual([2, 1]);
    expect(paused.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'ReconciliationPaused', status: 'True', observedGeneration: 2 }),
    );
  });

  it('goes on until what must be done before its end is done, paused or not', async () => {
    await reconcile();
    let left = 2;
    reconciler = {
      ...reconciler,
      async finalize() {
        left -= 1;
        return left === 0 ? undefined : 1_000;
      },
    };
    const { metadata, ...rest } = await live();
    const annotations = { 'mining.sluice.dev/pause-reconciliation': 'true' };
    await plane.client().put(path(), { ...rest, metadata: { ...metadata, annotations } });
    await plane.client().delete(path());
    expect(await reconcile()).toEqual({ requeueAfterMs: 1_000 });
    expect((await live()).metadata.deletionTimestamp).toBeDefined();
    expect(await reconcile()).toEqual({});
    expect((await plane.client().get(path())).status).toBe(404);
  });

  it('ends after ten minutes, whatever is left to be done', async () => {
    await reconcile();
    reconciler = { ...reconciler, finalize: async () => 20 * MINUTE_MS };
    await plane.client().delete(path());
    clock.advance(4 * MINUTE_MS);
    const { requeueAfterMs = 0 } = await reconcile();
    expect(requeueAfterMs).toBeGreaterThan(5 * MINUTE_MS);
    expect(requeueAfterMs).toBeLessThanOrEqual(6 * MINUTE_MS + 2_000);
    expect((await plane.client().get(path())).status).toBe(200);
    clock.advance(requeueAfterMs);
    expect(await reconcile()).toEqual({});
    expect((await plane.client().get(path())).status).toBe(404);
    await waitFor(async () =>
      (await eventsOf()).some(({ reason }: { reason: string }) => reason === 'FinalizerDeadline'),
    );
  });

  it('keeps what others have put among its finalizers', async () => {
    const { metadata, ...rest } = await live();
    const others = ['example.com/other'];
    await plane.client().put(path(), { ...rest, metadata: { ...metadata, finalizers: others } });
    await reconcile();
    expect((await live()).metadata.finalizers).toEqual([...others, 'mining.sluice.dev/finalizer']);
    await plane.client().delete(path());
    await reconcile();
    const left = await live();
    expect(left.metadata.finalizers).toEqual(others);
    await plane.client().put(path(), { ...left, metadata: { ...left.metadata, finalizers: [] } });
  });
});
