// The operator as a process beside a real API server, with the roles of its own account: what it makes of a MiningPool, keeps, gives back and lets
// go. Pods run nowhere; the test says of them that they do.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examplePool } from '../../operator/test/defaulted.ts';
import { taken } from '../support/kubernetes/api-client.ts';
import { entriesOf, writesOf } from '../support/kubernetes/audit-log.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { applyCustomResourceDefinitions, pathOf } from '../support/kubernetes/custom-resources.ts';
import { FaultProxy } from '../support/kubernetes/fault-proxy.ts';
import { createOperatorAccount, type OperatorAccount } from '../support/kubernetes/operator-account.ts';
import { operatorProcess } from '../support/kubernetes/operator-process.ts';
import { runPods } from '../support/kubernetes/run-pods.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { TemplateServer } from '../support/template-server.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const namespace = 'mining';
const core = `/api/v1/namespaces/${namespace}`;
const apps = `/apis/apps/v1/namespaces/${namespace}`;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly observedGeneration: number;
  readonly lastTransitionTime: string;
}

describe.skipIf(missing !== undefined)(`the operator${missing === undefined ? '' : ` (${missing})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-operator-'));
  let plane: ControlPlane;
  let proxy: FaultProxy;
  let account: OperatorAccount;
  let operator: ServiceProcess;
  /** A template provider, in whose place those of pods are asked. */
  let provider: TemplateServer;
  let generations = 0;

  const client = () => plane.client();
  const poolPath = (name: string) => pathOf({ kind: 'MiningPool', metadata: { name, namespace } });
  const pool = async (name: string) => (await client().get(poolPath(name))).body;
  const condition = async (name: string, type: string): Promise<Condition | undefined> =>
    (await pool(name)).status?.conditions?.find((each: Condition) => each.type === type);
  const audit = () => entriesOf(account.user, plane);
  const writes = () => writesOf(account.user, plane);
  /** The resource of the example, changed by the same user as before. */
  const apply = async (name: string, { annotations = {}, change = (spec: object) => spec } = {}) => {
    const { apiVersion, kind, spec } = examplePool('regtest');
    const metadata = { name, namespace, annotations };
    return taken(await client().apply(poolPath(name), { apiVersion, kind, metadata, spec: change(spec) }));
  };
  const reconciled = () => operator.metric('controller_runtime_reconcile_total');
  /** Resolves when the operator has looked at the pool once more, with all that happened before. */
  const lookedAtAgain = async (name: string, annotations: Readonly<Record<string, string>> = {}) => {
    const before = (await reconciled()) ?? 0;
    generations += 1;
    await apply(name, { annotations: { ...annotations, 'example.com/touched': String(generations) } });
    await waitFor(async () => ((await reconciled()) ?? 0) > before);
  };
  /** Resolves when the operator writes nothing more of what was begun. */
  const settled = async (name: string) => {
    for (let before = -1; before !== writes().length; await lookedAtAgain(name)) before = writes().length;
  };
  const hasEvent = async (reason: string) => {
    const { items } = (await client().get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)).body;
    return items.some((event: { reason: string }) => event.reason === reason);
  };
  const sets = async (name: string) => {
    const selector = encodeURIComponent(`mining.sluice.dev/workload=${name}-gw`);
    return (await client().get(`${apps}/replicasets?labelSelector=${selector}`)).body.items;
  };

  beforeAll(async () => {
    plane = await ControlPlane.start();
    await applyCustomResourceDefinitions(plane);
    proxy = await FaultProxy.start(plane);
    account = await createOperatorAccount(plane, proxy.url);
    taken(await client().post('/api/v1/namespaces', { metadata: { name: namespace } }));
    provider = await TemplateServer.start({ simulatedNbits: '1d00ffff', blockSeconds: 1 });
    const pods = ['--pod-url', `http://{ip}:${provider.process.healthPort}`];
    const flags = [...pods, '--image', 'registry.example/sluice:1.2.3', '--log-level', 'debug'];
    operator = await operatorProcess(account, directory, ...flags);
    operator.launch();
    await operator.ready();
  });
  afterAll(async () => {
    await operator.kill();
    await provider.stop();
    await proxy.stop();
    await plane.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('makes what a pool is made of, owned by it, and says what is still missing', async () => {
    const { uid } = (await apply('demo')).metadata;
    await waitFor(async () => (await condition('demo', 'Ready')) !== undefined);
    const [set] = await sets('demo');
    const children = await Promise.all([
      client().get(`${core}/services/demo-gw-sv2`),
      client().get(`${core}/services/demo-tp`),
      client().get(`${apps}/deployments/demo-cm`),
      client().get(`${apps}/deployments/demo-jd`),
      client().get(`${apps}/deployments/demo-sv`),
      client().get(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/demo-gw`),
      client().get(`${apps}/statefulsets/demo-nats`),
      client().get(`${apps}/statefulsets/demo-node-a`),
      client().get(`/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies/demo-gw`),
      client().get(`${core}/secrets/demo-nats-users`),
      client().get(`${core}/secrets/demo-nats-channel-manager`),
      client().get(`${core}/secrets/demo-node-a-rpc`),
    ]);
    for (const { metadata } of [set, ...children.map(({ body }) => body)])
      expect(metadata?.ownerReferences).toEqual([
        expect.objectContaining({ uid, kind: 'MiningPool', controller: true }),
      ]);
    expect(set.spec.template.spec.containers[0].image).toBe('registry.example/sluice:1.2.3');
    expect(await condition('demo', 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PodsNotReady',
      observedGeneration: 1,
    });
    expect(await condition('demo', 'BusReady')).toMatchObject({ status: 'False', reason: 'ServersNotReady' });
    expect(await condition('demo', 'TemplatesFresh')).toMatchObject({ status: 'False', reason: 'ProvidersNotReady' });
    expect((await pool('demo')).metadata.finalizers).toEqual(['mining.sluice.dev/finalizer']);
  });

  it('says that the pool is ready when its pods are, by which it can be scaled as well', async () => {
    await waitFor(async () => (await sets('demo'))[0]?.status.replicas === 2);
    const before = (await condition('demo', 'Ready'))?.lastTransitionTime;
    await waitFor(async () => {
      await runPods(client(), namespace);
      return (await condition('demo', 'Ready'))?.status === 'True';
    }, 40_000);
    const { status, metadata } = await pool('demo');
    const authorityPublicKey = metadata.annotations['mining.sluice.dev/authority-public-key'];
    expect(status).toMatchObject({
      ...{ observedGeneration: metadata.generation, authorityPublicKey },
      endpoints: [{ listener: 'sv2', uri: `stratum2+tcp://demo-gw-sv2.${namespace}.svc:3336/${authorityPublicKey}` }],
      gateways: { replicas: 2, ready: 2, updated: 2, desired: 2, selector: 'mining.sluice.dev/workload=demo-gw' },
    });
    expect((await condition('demo', 'Ready'))?.lastTransitionTime).not.toBe(before);
    for (const type of ['BusReady', 'TemplatesFresh']) expect((await condition('demo', type))?.status).toBe('True');
    const scale = (await client().get(`${poolPath('demo')}/scale`)).body;
    expect([scale.spec.replicas, scale.status.replicas]).toEqual([2, 2]);
  });

  it('says how high the chain is, as a template provider has it', async () => {
    expect((await pool('demo')).status).not.toHaveProperty('chain');
    const height = async () => (await provider.process.metric('sluice_template_provider_tip_height_blocks')) ?? 0;
    await waitFor(async () => (await height()) > 0);
    const path = `${core}/pods/demo-tp-0`;
    const { status, ...pod } = (await client().get(path)).body;
    const address = { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] };
    taken(await client().put(`${path}/status`, { ...pod, status: { ...status, ...address } }));
    await waitFor(async () => {
      await lookedAtAgain('demo');
      return (await pool('demo')).status.chain !== undefined;
    }, 40_000);
    const { chain } = (await pool('demo')).status;
    expect(chain.height).toBeGreaterThan(0);
    expect(chain.height).toBeLessThanOrEqual(await height());
    // Nothing is news from now on.
    await provider.stop();
  });

  it('writes nothing where nothing has changed', async () => {
    await settled('demo');
    const before = writes().length;
    for (let times = 0; times < 5; times += 1) await lookedAtAgain('demo');
    expect(writes().length).toBe(before);
  });

  it('follows the resource: an image, a number, a listener more and a listener less', async () => {
    const image = {
      repository: 'registry.example/other',
      tag: '2',
      digest: '',
      pullPolicy: 'IfNotPresent',
      pullSecrets: [],
    };
    const listeners = (...names: string[]) =>
      names.map((name, index) => ({ name, protocol: 'SV2', port: 3336 + index }));
    const change = (names: string[]) => (spec: object) => {
      const { gateways } = spec as { gateways: object };
      return { ...spec, image, gateways: { ...gateways, replicas: 3, listeners: listeners(...names) } };
    };
    await apply('demo', { change: change(['sv2', 'second']) });
    await waitFor(async () => (await client().get(`${core}/services/demo-gw-second`)).status === 200);
    await waitFor(async () => (await sets('demo')).length === 2);
    // The number of pods is the scaling's.
    await waitFor(() => hasEvent('ManualScaleIgnored'));
    const deployment = (await client().get(`${apps}/deployments/demo-cm`)).body;
    expect(deployment.spec.template.spec.containers[0].image).toBe('registry.example/other:2');
    // The pods of the older revision hold connections: nobody ends them at once.
    expect(await sets('demo')).toHaveLength(2);
    await apply('demo', { change: change(['sv2']) });
    await waitFor(async () => (await client().get(`${core}/services/demo-gw-second`)).status === 404);
    expect((await client().get(`${core}/services/demo-gw-sv2`)).status).toBe(200);
    await apply('demo');
    await settled('demo');
  });

  it('gives back what others have changed, and makes anew what they have deleted', async () => {
    const path = `${core}/services/demo-gw-sv2`;
    const before = (await client().get(path)).body;
    taken(await client().put(path, { ...before, spec: { ...before.spec, selector: { app: 'theirs' } } }));
    await waitFor(async () => (await client().get(path)).body.spec.selector.app === undefined);
    expect((await client().get(path)).body.spec.selector).toEqual(before.spec.selector);
    const budget = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/demo-gw`;
    const { uid } = (await client().get(budget)).body.metadata;
    await client().delete(budget);
    await waitFor(async () => ![undefined, uid].includes((await client().get(budget)).body.metadata?.uid));
    const deployment = (await client().get(`${apps}/deployments/demo-jd`)).body;
    const { containers } = deployment.spec.template.spec;
    containers.push({ name: 'sidecar', image: 'registry.example/sidecar:1' });
    // Of any version: its status changes all the time.
    const metadata = { ...deployment.metadata, resourceVersion: undefined };
    taken(await client().put(`${apps}/deployments/demo-jd`, { ...deployment, metadata }));
    const names = async () =>
      (await client().get(`${apps}/deployments/demo-jd`)).body.spec.template.spec.containers.map(
        ({ name }: { name: string }) => name,
      );
    await waitFor(async () => (await names()).join() === 'job-distributor');
    await waitFor(() => hasEvent('ForeignFieldsRemoved'));
  });

  it('tells when blocks pay others, and makes anew a Secret that somebody has deleted, with pods that have read it', async () => {
    const secret = `${core}/secrets/demo-node-a-rpc`;
    await client().delete(secret);
    const before = (await pool('demo')).metadata.generation;
    await apply('demo', { change: (spec) => ({ ...spec, payout: { outputs: [{ descriptor: 'raw(52)' }] } }) });
    expect((await pool('demo')).metadata.generation).toBeGreaterThan(before);
    await waitFor(() => hasEvent('PayoutChanged'));
    await waitFor(async () => (await client().get(secret)).status === 200);
    const { uid } = (await client().get(secret)).body.metadata;
    await waitFor(async () => {
      const { spec } = (await client().get(`${apps}/statefulsets/demo-node-a`)).body;
      return spec.template.metadata.annotations['mining.sluice.dev/secret'] === uid;
    });
    await apply('demo');
    await settled('demo');
  });

  it('says what volumes are waited for, and removes those of streams where the resource says so', async () => {
    const onVolume = (streamDeletionPolicy: string) => (spec: object) => {
      const managed = { storage: { ephemeral: false, size: '10Gi' } };
      return { ...spec, bus: { mode: 'Managed', managed, streamDeletionPolicy } };
    };
    const claim = (name: string) => `${core}/persistentvolumeclaims/data-${name}-nats-0`;
    for (const [name, policy] of [
      ['kept', 'Retain'],
      ['gone', 'Delete'],
    ] as const) {
      await apply(name, { change: onVolume(policy) });
      await waitFor(async () => (await condition(name, 'BusReady'))?.reason === 'StoragePending', 30_000);
      await client().delete(poolPath(name));
      await waitFor(async () => (await client().get(poolPath(name))).status === 404);
    }
    await waitFor(async () => (await client().get(`${apps}/statefulsets/gone-nats`)).status === 404, 30_000);
    await waitFor(async () => (await client().get(claim('gone'))).status === 404, 30_000);
    expect((await client().get(claim('kept'))).status).toBe(200);
  });

  it('has metrics collected where the Prometheus operator is', async () => {
    const monitor = `/apis/monitoring.coreos.com/v1/namespaces/${namespace}/podmonitors/demo-mp`;
    const names = { kind: 'PodMonitor', plural: 'podmonitors' };
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    taken(
      await client().post(path, {
        metadata: { name: 'podmonitors.monitoring.coreos.com' },
        spec: {
          ...{ group: 'monitoring.coreos.com', scope: 'Namespaced', names },
          versions: [{ name: 'v1', served: true, storage: true, schema }],
        },
      }),
    );
    await waitFor(async () => (await client().get(monitor)).body.message?.includes('"demo-mp" not found'));
    await apply('demo', { change: (spec) => ({ ...spec, payout: { outputs: [{ descriptor: 'raw(53)' }] } }) });
    await waitFor(async () => (await client().get(monitor)).status === 200);
    await apply('demo');
    await settled('demo');
  });

  it('leaves all as it is while the resource is paused, and goes on afterwards', async () => {
    await settled('demo');
    const pause = { 'mining.sluice.dev/pause-reconciliation': 'true' };
    await apply('demo', { annotations: pause });
    await waitFor(async () => (await condition('demo', 'ReconciliationPaused'))?.status === 'True', 40_000);
    expect(await condition('demo', 'Ready')).toBeDefined();
    // It is told after the status is written, and is the last that is.
    await waitFor(() => hasEvent('Annotated'));
    const path = `${core}/services/demo-gw-sv2`;
    const before = writes().length;
    await client().delete(path);
    for (let times = 0; times < 3; times += 1) await lookedAtAgain('demo', pause);
    expect((await client().get(path)).status).toBe(404);
    expect(writes().slice(before)).toEqual([]);
    await apply('demo');
    await waitFor(async () => (await client().get(path)).status === 200);
  });

  it('takes nothing from who has the name already, and says so', async () => {
    const theirs = { metadata: { name: 'taken-gw-sv2' }, spec: { selector: { app: 'theirs' }, ports: [{ port: 80 }] } };
    taken(await client().post(`${core}/services`, theirs));
    await apply('taken');
    await waitFor(async () => (await condition('taken', 'Degraded'))?.status === 'True');
    expect(await condition('taken', 'Degraded')).toMatchObject({ reason: 'NameConflict' });
    expect(await condition('taken', 'Ready')).toMatchObject({ status: 'False', reason: 'NameConflict' });
    const { spec, metadata } = (await client().get(`${core}/services/taken-gw-sv2`)).body;
    expect([spec.selector, metadata.ownerReferences]).toEqual([{ app: 'theirs' }, undefined]);
    // Nothing waits for it but the pods that it is the way to.
    for (const made of ['deployments/taken-cm', 'statefulsets/taken-nats', 'statefulsets/taken-tp'])
      expect([made, (await client().get(`${apps}/${made}`)).status]).toEqual([made, 200]);
    expect(await sets('taken')).toEqual([]);
    await client().delete(`${core}/services/taken-gw-sv2`);
    await waitFor(async () => (await sets('taken')).length === 1, 90_000);
  });

  it("makes all of a pool but what needs Secrets that are somebody else's", async () => {
    for (const name of ['halted-node-a-rpc', 'halted-nats-channel-manager', 'halted-gw-noise'])
      taken(await client().post(`${core}/secrets`, { metadata: { name } }));
    await apply('halted');
    await waitFor(async () => (await condition('halted', 'Degraded'))?.status === 'True');
    expect(await condition('halted', 'Degraded')).toMatchObject({ reason: 'NameConflict' });
    for (const made of ['deployments/halted-cm', 'statefulsets/halted-nats', 'statefulsets/halted-tp'])
      expect([made, (await client().get(`${apps}/${made}`)).status]).toEqual([made, 200]);
    await waitFor(async () => (await sets('halted')).length === 1);
    expect((await client().get(`${apps}/statefulsets/halted-node-a`)).status).toBe(404);
    expect(await condition('halted', 'Ready')).toMatchObject({
      message: expect.stringContaining('halted-node-a is being'),
    });

    await client().delete(`${core}/secrets/halted-node-a-rpc`);
    await apply('halted', {
      annotations: { 'example.com/touched': 'now' },
      change: (spec) => ({ ...spec, payout: { outputs: [{ descriptor: 'raw(54)' }] } }),
    });
    await waitFor(async () => (await client().get(`${apps}/statefulsets/halted-node-a`)).status === 200);
  });

  it('goes on where it was stopped, as the next leader', async () => {
    await operator.kill('SIGTERM');
    const path = `${core}/services/demo-gw-sv2`;
    await client().delete(path);
    operator.launch();
    await operator.ready();
    await waitFor(async () => (await client().get(path)).status === 200);
    await settled('demo');
  });

  it('stands by while the API server is away, and goes on within 20 seconds when it is back', async () => {
    proxy.cut();
    // What came before is answered all the same.
    const cutAt = Date.now();
    const path = `${core}/services/demo-gw-sv2`;
    await client().delete(path);
    await waitFor(async () => (await operator.metric('leader_election_master_status')) === 0);
    const since = writes().filter((entry) => Date.parse(entry.requestReceivedTimestamp) > cutAt);
    expect(since).toEqual([]);
    proxy.restore();
    await waitFor(async () => (await client().get(path)).status === 200, 20_000);
    await settled('demo');
  });

  it('lets a deleted resource go, and makes nothing of it any more', async () => {
    await client().delete(poolPath('demo'));
    await waitFor(async () => (await client().get(poolPath('demo'))).status === 404);
    await client().delete(`${core}/services/demo-gw-sv2`);
    await lookedAtAgain('taken');
    expect((await client().get(`${core}/services/demo-gw-sv2`)).status).toBe(404);
  });

  it('does not keep a namespace that is deleted with all that is in it', async () => {
    const name = 'short-lived';
    taken(await client().post('/api/v1/namespaces', { metadata: { name } }));
    const { apiVersion, kind, spec } = examplePool('regtest');
    const path = pathOf({ kind, metadata: { name: 'demo', namespace: name } });
    taken(await client().apply(path, { apiVersion, kind, metadata: { name: 'demo', namespace: name }, spec }));
    await waitFor(async () => (await client().get(path)).body.metadata.finalizers !== undefined);
    await client().delete(`/api/v1/namespaces/${name}`);
    await waitFor(async () => (await client().get(`/api/v1/namespaces/${name}`)).status === 404, 60_000);
  });

  it('has asked for nothing that its roles do not allow', () => {
    expect(audit().length).toBeGreaterThan(50);
    const asked = audit().map(({ verb, objectRef, annotations }) => ({
      what: `${verb} ${objectRef?.resource}/${objectRef?.subresource ?? ''}`,
      decision: annotations?.['authorization.k8s.io/decision'],
    }));
    expect(asked.filter(({ decision }) => decision !== 'allow')).toEqual([]);
    expect(asked.filter(({ what }) => /^(list|watch) secrets/.test(what))).toEqual([]);
  });

  it('ends in order, and gives its lease up', async () => {
    expect(await operator.metric('leader_election_master_status')).toBe(1);
    expect(await operator.kill('SIGTERM')).toBe(0);
    const lease = `/apis/coordination.k8s.io/v1/namespaces/${account.namespace}/leases/sluice-operator`;
    expect((await client().get(lease)).body.spec.holderIdentity).toBe('');
  });
});
