// What the operator makes of a MiningPool and of a ProxyFleet, on a real API server: taken as it is, admitted under the Pod Security Standard `restricted`, and
// the same when it is applied again; and its configuration in the hands of the service.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { busRule } from '@sluice/bus/bus-settings';
import type { ConfigOf, ConfigRule, Settings } from '@sluice/runtime/config';
import { loadConfig } from '@sluice/runtime/config/load';
import { processSettings } from '@sluice/runtime/process-settings';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MiningPool, ProxyFleet } from '../../operator/src/api/v1alpha1.ts';
import { bitcoindNodes, nodeCredentials, nodeDisruptionBudget } from '../../operator/src/desired/bitcoind-nodes.ts';
import { channelManagers } from '../../operator/src/desired/channel-managers.ts';
import { gateways } from '../../operator/src/desired/gateways.ts';
import { jobDistributors } from '../../operator/src/desired/job-distributors.ts';
import type { Manifest } from '../../operator/src/desired/manifest.ts';
import { natsCredentials, natsServers, natsUsers } from '../../operator/src/desired/nats-servers.ts';
import { fleetNetworkPolicy, poolNetworkPolicies } from '../../operator/src/desired/network-policies.ts';
import { proxies } from '../../operator/src/desired/proxies.ts';
import { shareValidators } from '../../operator/src/desired/share-validators.ts';
import { templateProviders } from '../../operator/src/desired/template-providers.ts';
import { poolAddress } from '../../operator/src/desired/upstream-access.ts';
import { examplePool, exampleProxyFleet } from '../../operator/test/defaulted.ts';
import { channelManagerRule, channelManagerSettings } from '../../services/channel-manager/src/config.ts';
import { connectionGatewayRule, connectionGatewaySettings } from '../../services/connection-gateway/src/config.ts';
import { jobDistributorRule, jobDistributorSettings } from '../../services/job-distributor/src/config.ts';
import { proxyRule, proxySettings } from '../../services/proxy/src/config.ts';
import { shareValidatorSettings } from '../../services/share-validator/src/config.ts';
import { templateProviderRule, templateProviderSettings } from '../../services/template-provider/src/config.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { applyCustomResourceDefinitions, pathOf } from '../support/kubernetes/custom-resources.ts';
import { makeTlsPair } from '../support/tls-certificate.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const namespace = 'mining';
const KEY = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const context = {
  image: { repository: 'registry.example/sluice', tag: '1.2.3', digest: '' },
  authorityPublicKey: KEY,
};

const groups = {
  ConfigMap: 'api/v1',
  Deployment: 'apis/apps/v1',
  NetworkPolicy: 'apis/networking.k8s.io/v1',
  PodDisruptionBudget: 'apis/policy/v1',
  ReplicaSet: 'apis/apps/v1',
  Secret: 'api/v1',
  Service: 'api/v1',
  StatefulSet: 'apis/apps/v1',
} as const;
const listOf = (kind: string) =>
  `/${groups[kind as keyof typeof groups]}/namespaces/${namespace}/${kind.toLowerCase().replace(/y$/, 'ie')}s`;
const placeOf = ({ kind, metadata }: Manifest) => `${listOf(kind)}/${metadata.name}`;

type Environment = Readonly<Record<string, string>>;

const components = ['connection-gateway', 'operator', 'system'] as const;
const namespaces = { operatorNamespace: 'sluice', monitoringNamespace: 'monitoring' };
/** The uid of one. */
const SECRET = '5d0c27b6-6b0e-4c6b-8a53-90a1f3d6a7e1';
/** Replicas of the kinds whose number the scaling decides. */
const SCALED = 2;
const allOf = (pool: MiningPool): readonly Manifest[] => {
  const { services, configMap, replicaSet, disruptionBudget } = gateways(pool, context, SCALED);
  const others = [
    channelManagers(pool, context.image),
    jobDistributors(pool, context.image),
    shareValidators(pool, context.image, SCALED),
    templateProviders(pool, context.image),
  ];
  const { managed } = pool.spec.bus;
  const nats = natsServers(pool, { repository: 'nats', tag: '2.15.2-alpine', digest: '' }, SECRET);
  if (managed === undefined || nats === undefined) throw new Error('the examples have a managed bus');
  const users = components.map((component) => ({
    component,
    name: component,
    passwordHash: `$2b$04$${'a'.repeat(53)}`,
  }));
  const bitcoind = { repository: 'bitcoind', tag: '29.0', digest: '' };
  const nodes = bitcoindNodes(pool, bitcoind, new Map()).flatMap(({ configMap: config, statefulSet, service }) => [
    ...[config, statefulSet, service],
  ]);
  const credentials = { username: 'pool', password: 'secret', salt: '0a1b' };
  const secrets = pool.spec.nodes.filter(({ managed: own }) => own !== undefined);
  return [
    ...[...nodes, ...secrets.map((node) => nodeCredentials(pool, node, credentials))],
    ...[nodeDisruptionBudget(pool) ?? []].flat(),
    ...poolNetworkPolicies(pool, namespaces),
    ...[nats.configMap, nats.statefulSet, nats.disruptionBudget, ...nats.services],
    ...[natsUsers(pool, managed, users, 'r0ute'), natsCredentials(pool, 'operator', 'operator', 'secret')],
    ...[configMap, replicaSet, disruptionBudget, ...services],
    ...others.flatMap((each) => [each.configMap, each.controller, each.disruptionBudget, ...each.services]),
  ];
};

const proxyContext = {
  ...context,
  resolvePool: (name: string) => (name === 'main' ? poolAddress(examplePool('production'), KEY) : undefined),
};
const fleetOf = (owner: ProxyFleet) => {
  const manifests = proxies(owner, proxyContext, SCALED);
  if (manifests === undefined) throw new Error(`${owner.metadata.name} has no proxies`);
  return manifests;
};
const allOfFleet = (owner: ProxyFleet): readonly Manifest[] => {
  const { services, configMap, replicaSet, disruptionBudget } = fleetOf(owner);
  return [configMap, replicaSet, disruptionBudget, ...services, fleetNetworkPolicy(owner, namespaces)];
};
const made = (owner: MiningPool | ProxyFleet) => (owner.kind === 'MiningPool' ? allOf(owner) : allOfFleet(owner));

const examples = [
  ...['regtest', 'production'].map((name) => ({ name, example: examplePool(name) })),
  ...['farm', 'farm-by-tls', 'farm-on-own-pool'].map((name) => ({ name, example: exampleProxyFleet(name) })),
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

  describe.each(examples)('of the example $name', ({ example }) => {
    let owner: MiningPool | ProxyFleet;
    let manifests: readonly Manifest[];

    beforeAll(async () => {
      const { apiVersion, kind, metadata, spec } = example;
      const given = { apiVersion, kind, metadata: { name: metadata.name, namespace }, spec };
      const { status, body } = await plane.client().apply(pathOf(given), given);
      expect(status).toBe(201);
      owner = body;
      manifests = made(owner);
    });

    it("come of defaults that are the API server's own", () => {
      expect(owner.spec).toEqual(example.spec);
    });

    it('are taken, and are the same when they are applied again', async () => {
      for (const manifest of manifests) {
        const first = await plane.client().apply(placeOf(manifest), manifest);
        expect(first.body.message).toBe(undefined);
        expect(first.status).toBe(201);
        const { generation, managedFields, ownerReferences } = first.body.metadata;
        expect(ownerReferences).toEqual([expect.objectContaining({ uid: owner.metadata.uid, controller: true })]);
        const again = await plane.client().apply(placeOf(manifest), manifest);
        expect(again.status).toBe(200);
        expect(again.body.metadata.generation).toBe(generation);
        expect(again.body.metadata.managedFields).toEqual(expect.arrayContaining(managedFields));
      }
    });

    it('become pods that the standard admits', async () => {
      const wanted = manifests.flatMap(({ spec }) => (spec as { replicas?: number } | undefined)?.replicas ?? []);
      expect(wanted.length).toBeGreaterThan(0);
      const selector = encodeURIComponent(`app.kubernetes.io/instance=${owner.metadata.name}`);
      const pods = async () =>
        (await plane.client().get(`/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`)).body.items;
      await waitFor(async () => (await pods()).length === wanted.reduce((sum, each) => sum + each), 20_000);
    });
  });
});

describe('the configuration is one that the service takes:', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-desired-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  beforeAll(() => {
    const credentials = ['a', 'b'].flatMap((node) => [`nodes/node-${node}/username`, `nodes/node-${node}/password`]);
    const noise = ['noise/static-key', 'noise/certificate'];
    for (const secret of ['nats/password', 'upstreams/second/password', 'orders/token', ...noise, ...credentials]) {
      mkdirSync(dirname(join(directory, secret)), { recursive: true });
      writeFileSync(join(directory, secret), 'secret', { mode: 0o600 });
    }
  });

  /** The settings that the service of the table starts with, or its mistakes. */
  function read<S extends Settings>({ data }: Manifest, settings: S, rule: ConfigRule<S>, env: Environment = {}) {
    const file = join(directory, 'config.yaml');
    // The folders that a pod mounts stand under this one here.
    const text = (data as { 'config.yaml': string })['config.yaml'].replaceAll('/etc/sluice/', `${directory}/`);
    writeFileSync(file, text.replaceAll('/var/lib/sluice/', `${directory}/`));
    const loaded = loadConfig(
      { ...settings, ...processSettings },
      { argv: ['--config', file], env },
      (config, placeOf) => rule(config as unknown as ConfigOf<S>, placeOf),
    );
    return loaded.kind === 'config' ? loaded.config : loaded;
  }

  it.each(['farm', 'farm-on-own-pool'])('proxy of the example %s', (name) => {
    const isOwn = name === 'farm-on-own-pool';
    const config = read(fleetOf(exampleProxyFleet(name)).configMap, proxySettings, proxyRule);
    expect(config).toMatchObject({
      listen: [{ host: '0.0.0.0', port: 34_255 }],
      listenSv2: isOwn ? [{ host: '0.0.0.0', port: 34_265 }] : [],
      channels: 'per-miner',
      returnAfter: isOwn ? 600 : 300,
      ...{ drainSeconds: 300, drainRate: 50, maxConnections: isOwn ? 20_000 : 10_000 },
      upstream: isOwn
        ? [{ host: 'main-gw-sv2', port: 3336, identity: 'hall-3' }]
        : [{ identity: 'account' }, { identity: 'account-there', isTls: true }],
    });
  });

  it('proxy of the example farm-by-tls', () => {
    const { certificate, key } = makeTlsPair();
    mkdirSync(join(directory, 'tls'));
    writeFileSync(join(directory, 'tls/tls.crt'), certificate);
    writeFileSync(join(directory, 'tls/tls.key'), key, { mode: 0o600 });
    const { configMap } = fleetOf(exampleProxyFleet('farm-by-tls'));
    expect(read(configMap, proxySettings, proxyRule)).toMatchObject({
      listen: [{ host: '0.0.0.0', port: 34_255 }],
      listenTls: [{ host: '0.0.0.0', port: 34_256 }],
      tlsCertificateFile: join(directory, 'tls/tls.crt'),
      tlsKeyFile: join(directory, 'tls/tls.key'),
      maxConnections: 20_000,
    });
  });

  describe.each(['regtest', 'production'])('of the example %s:', (name) => {
    const pool = examplePool(name);
    const isProduction = name === 'production';
    const user = { SLUICE_NATS_USER: 'somebody' };
    const common = {
      nats: [new URL(`nats://${pool.metadata.name}-nats:4222`)],
      natsReplicas: isProduction ? 3 : 1,
      health: { host: '0.0.0.0', port: 9100 },
      logFormat: 'json',
    };
    const { network } = pool.spec;

    it('connection-gateway', () => {
      const { configMap } = gateways(pool, context, SCALED);
      const own = { ...user, SLUICE_GATEWAY_LABEL: 'main-gw-0123456789-abcde' };
      expect(read(configMap, connectionGatewaySettings, connectionGatewayRule, own)).toMatchObject({
        ...common,
        listen: [{ host: '0.0.0.0', port: 3336 }],
        drainSeconds: 300,
        maxConnections: 10_000,
        solutionEndpoints: [{ host: `${pool.metadata.name}-tp`, port: 8337 }],
      });
    });

    it('channel-manager', () => {
      const { configMap } = channelManagers(pool, context.image);
      expect(read(configMap, channelManagerSettings, channelManagerRule, user)).toMatchObject({ ...common, network });
    });

    it('job-distributor', () => {
      const { configMap } = jobDistributors(pool, context.image);
      const own = { ...user, SLUICE_INSTANCE: 'main-jd-0123456789-abcde' };
      expect(read(configMap, jobDistributorSettings, jobDistributorRule, own)).toMatchObject({
        ...common,
        network,
        payout: pool.spec.payout.outputs.map(({ descriptor, weight }) => `${descriptor}=${weight}`),
        poolTag: isProduction ? '/example pool/' : '/Sluice/',
      });
    });

    it('share-validator', () => {
      const { configMap } = shareValidators(pool, context.image, SCALED);
      expect(read(configMap, shareValidatorSettings, busRule, user)).toMatchObject({ ...common, network });
    });

    it('template-provider', () => {
      const { configMap } = templateProviders(pool, context.image);
      const own = { ...user, SLUICE_PROVIDER: `${'p'.repeat(40)}-tp-0123456789-abcde` };
      const config = read(configMap, templateProviderSettings, templateProviderRule, own);
      expect(config).toMatchObject({ ...common, network, solutionListen: { host: '0.0.0.0', port: 8337 } });
      const { bitcoind } = config as ConfigOf<typeof templateProviderSettings>;
      expect(bitcoind.map(({ host }) => host)).toEqual(
        isProduction ? ['bitcoind-a.bitcoin.svc:8332', 'bitcoind-b.bitcoin.svc:8332'] : ['demo-node-a:8332'],
      );
    });
  });
});
