// What the operator makes of a MiningPool, on a real API server: taken as it is, admitted under the Pod Security Standard `restricted`, and
// the same when it is applied again; and its configuration in the hands of the service.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadConfig } from '@sluice/runtime/config/load';
import { processSettings } from '@sluice/runtime/process-settings';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MiningPool } from '../../operator/src/api/v1alpha1.ts';
import { type GatewayManifests, gateways } from '../../operator/src/desired/gateways.ts';
import type { Manifest } from '../../operator/src/desired/manifest.ts';
import { examplePool } from '../../operator/test/defaulted.ts';
import { connectionGatewayRule, connectionGatewaySettings } from '../../services/connection-gateway/src/config.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { applyCustomResourceDefinitions, pathOf } from '../support/kubernetes/custom-resources.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const namespace = 'mining';
const context = {
  image: { repository: 'registry.example/sluice', tag: '1.2.3', digest: '' },
  authorityPublicKey: '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72',
};

const groups = {
  ConfigMap: 'api/v1',
  PodDisruptionBudget: 'apis/policy/v1',
  ReplicaSet: 'apis/apps/v1',
  Service: 'api/v1',
} as const;
const listOf = (kind: string) =>
  `/${groups[kind as keyof typeof groups]}/namespaces/${namespace}/${kind.toLowerCase()}s`;
const placeOf = ({ kind, metadata }: Manifest) => `${listOf(kind)}/${metadata.name}`;
const allOf = ({ configMap, replicaSet, disruptionBudget, services }: GatewayManifests) => [
  ...[configMap, replicaSet, disruptionBudget],
  ...services,
];

describe.skipIf(missing !== undefined)(`desired objects${missing === undefined ? '' : ` (${missing})`}`, () => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await ControlPlane.start();
    await applyCustomResourceDefinitions(plane);
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    const { status } = await plane.client().post('/api/v1/namespaces', { metadata: { name: namespace, labels } });
    expect(status).toBe(201);
  });
  afterAll(() => plane.stop());

  describe.each(['regtest', 'production'])('of the example %s', (name) => {
    let pool: MiningPool;
    let manifests: readonly Manifest[];

    beforeAll(async () => {
      const { apiVersion, kind, metadata, spec } = examplePool(name);
      const given = { apiVersion, kind, metadata: { name: metadata.name, namespace }, spec };
      const { status, body } = await plane.client().apply(pathOf(given), given);
      expect(status).toBe(201);
      pool = body;
      manifests = allOf(gateways(pool, context, 2));
    });

    it("come of defaults that are the API server's own", () => {
      expect(pool.spec).toEqual(examplePool(name).spec);
    });

    it('are taken, and are the same when they are applied again', async () => {
      for (const manifest of manifests) {
        const first = await plane.client().apply(placeOf(manifest), manifest);
        expect(first.body.message).toBe(undefined);
        expect(first.status).toBe(201);
        const { generation, managedFields, ownerReferences } = first.body.metadata;
        expect(ownerReferences).toEqual([expect.objectContaining({ uid: pool.metadata.uid, controller: true })]);
        const again = await plane.client().apply(placeOf(manifest), manifest);
        expect(again.status).toBe(200);
        expect(again.body.metadata.generation).toBe(generation);
        expect(again.body.metadata.managedFields).toEqual(expect.arrayContaining(managedFields));
      }
    });

    it('become pods that the standard admits', async () => {
      const selector = encodeURIComponent(`mining.sluice.dev/fleet=${pool.metadata.name}-gw`);
      const pods = async () =>
        (await plane.client().get(`/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`)).body.items;
      await waitFor(async () => (await pods()).length === 2);
    });
  });
});

describe('the configuration of a gateway', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-desired-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each(['regtest', 'production'])('in the example %s is one that the gateway takes', (name) => {
    const { configMap } = gateways(examplePool(name), context, 2);
    const { 'config.yaml': text } = configMap.data as { 'config.yaml': string };
    const file = join(directory, `${name}.yaml`);
    // The folders that a pod mounts stand under this one here.
    writeFileSync(file, text.replaceAll('/etc/sluice/', `${directory}/`));
    for (const secret of ['nats/password', 'noise/static-key', 'noise/certificate']) {
      mkdirSync(dirname(join(directory, secret)), { recursive: true });
      writeFileSync(join(directory, secret), 'secret', { mode: 0o600 });
    }
    const settings = { ...connectionGatewaySettings, ...processSettings };
    const env = { SLUICE_GATEWAY_LABEL: 'main-gw-0123456789-abcde', SLUICE_NATS_USER: 'connection-gateway' };
    const loaded = loadConfig(settings, { argv: ['--config', file], env }, connectionGatewayRule);
    expect(loaded).toMatchObject({
      kind: 'config',
      config: {
        listen: [{ host: '0.0.0.0', port: 3336 }],
        health: { host: '0.0.0.0', port: 9100 },
        drainSeconds: 300,
        maxConnections: 10_000,
        natsReplicas: name === 'production' ? 3 : 1,
        solutionEndpoints: [{ host: `${name === 'production' ? 'main' : 'demo'}-tp`, port: 8337 }],
      },
    });
  });
});
