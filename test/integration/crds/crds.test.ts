// The custom resources on a real API server: what it takes, what it fills in, what it refuses and with which words.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { whyNoKubernetes } from '../../support/kubernetes/binaries.ts';
import { ControlPlane } from '../../support/kubernetes/control-plane.ts';
import {
  applyCustomResourceDefinitions,
  type CustomObject,
  pathOf,
} from '../../support/kubernetes/custom-resources.ts';
import { brokenRules, stored } from './broken-rules.ts';

const root = join(import.meta.dirname, '../../..');
const missing = whyNoKubernetes();

interface Example {
  readonly where: string;
  readonly object: CustomObject;
}

/** Every object of ours in crds/examples and in the pages. */
function examples(): readonly Example[] {
  const files = globSync('crds/examples/*.yaml', { cwd: root }).map((file) => [file, read(file)] as const);
  const pages = globSync(['*.md', 'crds/*.md', 'operator/*.md', 'docs/**/*.md'], { cwd: root });
  const blocks = pages.flatMap((page) =>
    [...read(page).matchAll(/^```ya?ml\n(.*?)^```$/gms)].map(([, text = '']) => [page, text] as const),
  );
  return [...files, ...blocks].flatMap(([where, text]) =>
    parseAllDocuments(text)
      .map((document) => document.toJS())
      .filter((object) => object?.apiVersion?.startsWith('mining.sluice.dev/'))
      .map((object) => ({ where: `${object.kind} ${object.metadata.name} of ${where}`, object })),
  );
}

const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The message of each rule that the definitions hold. */
function allMessages(): readonly string[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inside] of Object.entries(value)) {
      if (key === 'x-kubernetes-validations') for (const { message } of inside) found.add(message);
      visit(inside);
    }
  };
  for (const file of globSync('crds/*.yaml', { cwd: root })) visit(parse(read(file)));
  return [...found].sort();
}

describe.skipIf(missing !== undefined)(`custom resources${missing === undefined ? '' : ` (${missing})`}`, () => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await ControlPlane.start();
    await applyCustomResourceDefinitions(plane);
    for (const object of stored) expect((await plane.client().apply(pathOf(object), object)).status).toBe(201);
  });
  afterAll(() => plane.stop());

  /** Replaces the spec, or says what would come of it. */
  async function replace(object: CustomObject, spec: unknown, query = '') {
    const { body } = await plane.client().get(pathOf(object));
    return plane.client().put(`${pathOf(object)}?fieldValidation=Strict${query}`, { ...body, spec });
  }

  describe('take', () => {
    const all = examples();

    it('examples of both kinds', () => {
      expect(new Set(all.map(({ object }) => object.kind))).toEqual(new Set(['MiningPool', 'ProxyFleet']));
    });

    it.each(all)('$where', async ({ object }) => {
      const { status, body } = await plane.client().apply(pathOf(object), object, { dryRun: true });
      expect(body.message).toBe(undefined);
      expect(status).toBe(201);
    });

    it('upstreams in another order than before', async () => {
      const fleet = stored.find(({ kind }) => kind === 'ProxyFleet') as unknown as {
        spec: { upstreams: object[] };
      } & CustomObject;
      const upstreams = fleet.spec.upstreams.toReversed();
      const reordered = { ...fleet, spec: { ...fleet.spec, upstreams } };
      const { body } = await plane.client().apply(pathOf(fleet), reordered, { dryRun: true });
      expect(body.spec.upstreams).toEqual(upstreams);
    });
  });

  describe('refuse', () => {
    it.each(brokenRules)('$of.metadata.name: $message', async ({ message, of, by }) => {
      const spec = structuredClone(of.spec);
      by(spec);
      const changed = { ...of, spec };
      const { status, body } = (stored as readonly unknown[]).includes(of)
        ? await replace(of, spec, '&dryRun=All')
        : await plane.client().apply(pathOf(of), changed, { dryRun: true });
      expect(status).toBe(422);
      const causes: readonly { message: string }[] = body.details.causes;
      expect(causes).toEqual([expect.objectContaining({ message: expect.stringMatching(/^Invalid value: /) })]);
      expect(causes[0]?.message.endsWith(`: ${message}`), causes[0]?.message).toBe(true);
    });

    it('an object for each rule that there is', () => {
      expect([...new Set(brokenRules.map(({ message }) => message))].sort()).toEqual(allMessages());
    });

    it.each(['7d', '1 week', '1h30', '30', '-5m', 's', '1.5h'])('%s as a duration', async (timeout) => {
      const [pool] = stored;
      const spec = { ...pool.spec, gateways: { ...pool.spec.gateways, drain: { timeout } } };
      const { status, body } = await replace(pool, spec, '&dryRun=All');
      expect(status).toBe(422);
      expect(body.details.causes[0]).toMatchObject({ field: 'spec.gateways.drain.timeout' });
    });

    it('a field that there is not', async () => {
      const [pool] = stored;
      const { status, body } = await replace(pool, { ...pool.spec, gateway: {} }, '&dryRun=All');
      expect(status).toBe(400);
      expect(body.message).toContain('unknown field "spec.gateway"');
    });
  });

  it('have their defaults filled in, down to the last', async () => {
    const { body } = await plane.client().get(pathOf(stored[0]));
    const { gateways, bus, noise, services, image } = body.spec;
    expect(gateways.listeners[1]).toEqual({
      name: 'plain',
      protocol: 'SV2',
      port: 3337,
      maxConnectionsPerPod: 10_000,
      service: { type: 'ClusterIP', externalTrafficPolicy: 'Local', sourceRanges: [] },
    });
    expect({ ...gateways, listeners: undefined }).toEqual({
      replicas: 2,
      proxyProtocolFrom: [],
      autoscaling: {
        enabled: true,
        minReplicas: 2,
        maxReplicas: 20,
        targetConnectionsPerPod: 6000,
        scaleUpWindow: '30s',
        scaleDownWindow: '15m',
      },
      drain: { timeout: '300s', disconnectsPerSecond: 50, reconnect: { mode: 'Never', vendors: [] } },
      rollout: { maxSurge: 1, partition: 0, minReadySeconds: 15, progressDeadline: '15m' },
      rebalance: { enabled: true, tolerancePercent: 25 },
      resources: {},
      scheduling: {},
    });
    expect(noise).toEqual({
      authorityKey: { mode: 'Generate' },
      certificate: { validity: '720h', renewBefore: '360h' },
      keyDeletionPolicy: 'Retain',
    });
    expect(bus.managed).toMatchObject({ replicas: 1, storage: { size: '10Gi', ephemeral: false } });
    expect(bus.streamDeletionPolicy).toBe('Retain');
    expect(services.shareValidator).toMatchObject({ minReplicas: 2, maxReplicas: 8 });
    expect([services.channelManager, services.jobDistributor, services.templateProvider]).toEqual([
      expect.objectContaining({ replicas: 2 }),
      expect.objectContaining({ replicas: 2 }),
      expect.objectContaining({ replicas: 2 }),
    ]);
    expect(image).toEqual({ repository: '', tag: '', digest: '', pullPolicy: 'IfNotPresent', pullSecrets: [] });
  });

  it.each([
    { object: stored[0], fleet: 'gateways' },
    { object: stored[3], fleet: 'proxies' },
  ])('scale $object.kind by /scale and by kubectl', async ({ object, fleet }) => {
    const client = plane.client();
    const before = await client.get(`${pathOf(object)}/scale`);
    expect(before).toMatchObject({ status: 200, body: { spec: { replicas: 2 }, status: { replicas: 0 } } });
    const wanted = { ...before.body, spec: { replicas: 5 } };
    expect((await client.put(`${pathOf(object)}/scale`, wanted)).status).toBe(200);
    expect((await client.get(pathOf(object))).body.spec[fleet].replicas).toBe(5);
    await plane.kubectl('scale', object.kind, object.metadata.name, '--replicas=3');
    const { body } = await client.get(pathOf(object));
    expect(body.spec[fleet].replicas).toBe(3);
    const status = { [fleet]: { replicas: 4, selector: `mining.sluice.dev/pool=${object.metadata.name}` } };
    expect((await client.put(`${pathOf(object)}/status`, { ...body, status })).status).toBe(200);
    const after = await client.get(`${pathOf(object)}/scale`);
    expect(after.body.status).toEqual({ replicas: 4, selector: `mining.sluice.dev/pool=${object.metadata.name}` });
  });

  it('show their status in the columns of kubectl get', async () => {
    const fleetStatus = { ready: 3, desired: 4, connections: 18_231, draining: 1, revision: '6c9f7d' };
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: now, reason: 'AllReady', message: '' };
    const endpoints = [{ listener: 'sv2', uri: 'stratum2+tcp://pool.example:3336/KEY' }];
    const statuses = [
      {
        object: stored[0],
        status: { gateways: fleetStatus, chain: { height: 921_334 }, endpoints, conditions: [ready] },
      },
      { object: stored[3], status: { proxies: fleetStatus, activeUpstream: 'own', endpoints, conditions: [ready] } },
    ];
    for (const { object, status } of statuses) {
      const { body } = await plane.client().get(pathOf(object));
      expect((await plane.client().put(`${pathOf(object)}/status`, { ...body, status })).status).toBe(200);
    }
    const line = async (...args: readonly string[]) =>
      (await plane.kubectl('get', ...args)).split('\n').map((text) => text.split(/\s{2,}|\s$/));
    const age = expect.stringMatching(/^\d+[sm]/);
    expect(await line('mp', 'pool')).toEqual([
      ['NAME', 'NETWORK', 'READY', 'HEIGHT', 'CONNECTIONS', 'GATEWAYS', 'DESIRED', 'AGE'],
      ['pool', 'mainnet', 'True', '921334', '18231', '3', '4', age],
      [''],
    ]);
    expect((await line('mp', 'pool', '-o', 'wide'))[1]).toEqual([
      ...['pool', 'mainnet', 'True', '921334', '18231', '3', '4', '1', '6c9f7d', endpoints[0]?.uri, age],
    ]);
    expect(await line('pf', 'fleet')).toEqual([
      ['NAME', 'READY', 'UPSTREAM', 'CONNECTIONS', 'PROXIES', 'DESIRED', 'AGE'],
      ['fleet', 'True', 'own', '18231', '3', '4', age],
      [''],
    ]);
    expect(await plane.kubectl('get', 'sluice', '-o', 'name')).toContain('proxyfleet.mining.sluice.dev/fleet');
  });
});
