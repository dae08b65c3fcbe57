// What the operator's account may do, beside what the operator does in a life with a pool and a fleet, by the API server's audit log: it asks for
// nothing that the chart does not allow, and the chart allows nothing that it never asks for.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { examplePool, exampleProxyFleet } from '../../operator/test/defaulted.ts';
import { taken } from '../support/kubernetes/api-client.ts';
import { entriesOf } from '../support/kubernetes/audit-log.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { applyCustomResourceDefinitions, pathOf } from '../support/kubernetes/custom-resources.ts';
import { createOperatorAccount, type OperatorAccount, operatorRules } from '../support/kubernetes/operator-account.ts';
import { operatorProcess } from '../support/kubernetes/operator-process.ts';
import { runPods } from '../support/kubernetes/run-pods.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const namespace = 'mining';
const core = `/api/v1/namespaces/${namespace}`;
const apps = `/apis/apps/v1/namespaces/${namespace}`;

/** Rights that no request shows. */
const unseen: Readonly<Record<string, string>> = {
  'update mining.sluice.dev/miningpools/finalizers': 'asked for with an owner reference, by an admission plugin',
  'update mining.sluice.dev/proxyfleets/finalizers': 'asked for with an owner reference, by an admission plugin',
};

const allowed = new Set(
  Object.values(operatorRules)
    .flat()
    .flatMap(({ apiGroups, resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${apiGroups[0]}/${resource}`)),
    ),
);

describe.skipIf(missing !== undefined)(`the operator's rights${missing === undefined ? '' : ` (${missing})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-rights-'));
  let plane: ControlPlane;
  let account: OperatorAccount;
  let operator: ServiceProcess;

  const client = () => plane.client();
  const audit = () => entriesOf(account.user, plane);
  const asked = () =>
    new Set(
      audit()
        .filter(({ objectRef }) => objectRef !== undefined)
        .flatMap(({ verb, objectRef, responseStatus }) => {
          const { apiGroup = '', resource = '', subresource } = objectRef ?? {};
          const what = `${apiGroup}/${resource}${subresource === undefined ? '' : `/${subresource}`}`;
          // Server-side apply of what is not there yet.
          return verb === 'patch' && responseStatus?.code === 201
            ? [`patch ${what}`, `create ${what}`]
            : [`${verb} ${what}`];
        }),
    );
  const poolPath = pathOf({ kind: 'MiningPool', metadata: { name: 'demo', namespace } });
  const fleetPath = pathOf({ kind: 'ProxyFleet', metadata: { name: 'farm', namespace } });
  const gatewayPods = async (): Promise<readonly object[]> => {
    const selector = encodeURIComponent('mining.sluice.dev/workload=demo-gw');
    return (await client().get(`${core}/pods?labelSelector=${selector}`)).body.items;
  };
  const exists = async (path: string) => (await client().get(path)).status === 200;
  const uidOf = async (path: string): Promise<string | undefined> => (await client().get(path)).body.metadata?.uid;
  const applyPool = async (change: object, annotations: Readonly<Record<string, string>> = {}) => {
    const { apiVersion, kind, spec } = examplePool('regtest');
    const managed = { storage: { size: '10Gi' } };
    const bus = { mode: 'Managed', managed, streamDeletionPolicy: 'Delete' };
    const noise = { keyDeletionPolicy: 'Delete' };
    const body = { apiVersion, kind, metadata: { name: 'demo', namespace, annotations } };
    return taken(await client().apply(poolPath, { ...body, spec: { ...spec, bus, noise, ...change } }));
  };

  beforeAll(async () => {
    plane = await ControlPlane.start();
    await applyCustomResourceDefinitions(plane);
    taken(await client().post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', podMonitorDefinition));
    account = await createOperatorAccount(plane);
    taken(await client().post('/api/v1/namespaces', { metadata: { name: namespace } }));
    taken(await client().post('/apis/storage.k8s.io/v1/storageclasses', storageClass));
    taken(await client().post('/api/v1/persistentvolumes', volumeFor('data-demo-nats-0')));
    const flags = ['--image', 'registry.example/sluice:1.2.3', '--log-level', 'debug'];
    operator = await operatorProcess(account, directory, ...flags);
    operator.launch();
    await operator.ready();
  });
  afterAll(async () => {
    await operator.kill();
    await plane.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('are those that it uses, and no others', async () => {
    onTestFailed(() => console.error(operator.log()));
    const { uid } = (await applyPool({})).metadata;
    const { apiVersion, kind, spec } = exampleProxyFleet('farm');
    const listeners = [{ name: 'sv2', protocol: 'SV2', port: 3336 }];
    const farm = { ...spec, noise: {}, proxies: { ...spec.proxies, listeners } };
    taken(await client().apply(fleetPath, { apiVersion, kind, metadata: { name: 'farm', namespace }, spec: farm }));
    for (const path of [
      `${core}/services/demo-gw-sv2`,
      `${core}/secrets/demo-gw-noise`,
      `${apps}/statefulsets/demo-nats`,
    ])
      await waitFor(() => exists(path));
    await waitFor(() => exists(`${core}/services/farm-px-sv2`));

    await waitFor(async () => (await gatewayPods()).length === 2);

    // A larger volume, another certificate, another image, and fewer gateways than there are pods.
    const gateways = { ...examplePool('regtest').spec.gateways, replicas: 1, autoscaling: { enabled: false } };
    const bus = { mode: 'Managed', managed: { storage: { size: '20Gi' } }, streamDeletionPolicy: 'Delete' };
    const image = { repository: 'registry.example/other', tag: '2' };
    const claim = `${core}/persistentvolumeclaims/data-demo-nats-0`;
    await waitFor(async () => (await client().get(claim)).body.status?.phase === 'Bound');
    await applyPool({ gateways, bus, image }, { 'mining.sluice.dev/rotate-keys': 'certificate' });

    // What an older release made and this one does not.
    const old = { name: 'old', ...ownedBy(uid) };
    const pods = { metadata: { labels: { app: 'old' } }, spec: { containers: [{ name: 'old', image: 'old' }] } };
    const selector = { matchLabels: { app: 'old' } };
    const gateway = { matchLabels: { 'mining.sluice.dev/workload': 'demo-gw' } };
    const leftovers = {
      [`${core}/configmaps`]: {},
      [`${core}/services`]: { spec: { ports: [{ port: 80 }] } },
      // One of its gateways' older revisions.
      [`${apps}/replicasets`]: {
        spec: { replicas: 0, selector: gateway, template: { ...pods, metadata: { labels: gateway.matchLabels } } },
      },
      [`${apps}/deployments`]: { spec: { selector, template: pods } },
      [`${apps}/statefulsets`]: { spec: { selector, template: pods, serviceName: 'old' } },
      [`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`]: { spec: { selector } },
      [`/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`]: { spec: { podSelector: selector } },
    };
    for (const [path, body] of Object.entries(leftovers)) {
      taken(await client().post(path, { metadata: old, ...body }));
      await waitFor(async () => !(await exists(`${path}/old`)));
    }

    // What others add twice, of which it tells twice.
    for (let times = 0; times < 2; times += 1) {
      const containers = [{ name: `sidecar-${times}`, image: 'registry.example/sidecar:1' }];
      const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'demo-jd', namespace } };
      const spec = { template: { spec: { containers } } };
      taken(await client().apply(`${apps}/deployments/demo-jd`, { ...deployment, spec }));
      await waitFor(async () => {
        const { containers } = (await client().get(`${apps}/deployments/demo-jd`)).body.spec.template.spec;
        return containers.length === 1;
      });
    }

    // What others take away.
    const budget = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/demo-gw`;
    const before = await uidOf(budget);
    await client().delete(budget);
    await waitFor(async () => ![undefined, before].includes(await uidOf(budget)));

    const late = ['patch /pods', 'patch events.k8s.io/events'];
    await waitFor(async () => {
      await runPods(client(), namespace);
      return late.every((right) => asked().has(right));
    }, 40_000).catch(() => expect(late.filter((right) => !asked().has(right))).toEqual([]));
    await client().delete(fleetPath);
    await client().delete(poolPath);
    for (const path of [fleetPath, poolPath]) await waitFor(async () => !(await exists(path)), 60_000);

    const refused = audit().filter(({ annotations }) => annotations?.['authorization.k8s.io/decision'] !== 'allow');
    expect(refused).toEqual([]);
    const used = asked();
    expect([...used].filter((right) => !allowed.has(right)).sort()).toEqual([]);
    expect([...allowed].filter((right) => !used.has(right)).sort()).toEqual(Object.keys(unseen));
  });
});

const ownedBy = (uid: string) => ({
  labels: { 'app.kubernetes.io/managed-by': 'sluice-operator', 'mining.sluice.dev/workload': 'demo-gw' },
  ownerReferences: [
    { apiVersion: 'mining.sluice.dev/v1alpha1', kind: 'MiningPool', name: 'demo', uid, controller: true },
  ],
});

/** One of which volumes may grow, and which no machine has to have. */
const storageClass = {
  metadata: { name: 'disk', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  ...{ provisioner: 'kubernetes.io/no-provisioner', allowVolumeExpansion: true },
};

const volumeFor = (claim: string) => ({
  metadata: { name: claim },
  spec: {
    ...{ capacity: { storage: '10Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'disk' },
    ...{ hostPath: { path: `/tmp/${claim}` }, claimRef: { name: claim, namespace } },
  },
});

/** As the Prometheus operator has it, but for its fields. */
const podMonitorDefinition = {
  metadata: { name: 'podmonitors.monitoring.coreos.com', annotations: { 'api-approved.kubernetes.io': 'unapproved' } },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind: 'PodMonitor', plural: 'podmonitors', singular: 'podmonitor' },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
