// What the operator, as a process with its own roles, makes of a ProxyFleet on a real API server: of the examples what the golden files say, and
// the way of an upstream that is a pool of the cluster's. Proxies run as processes here, with the very configuration that pods would mount.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { examplePool, exampleProxyFleet } from '../../operator/test/defaulted.ts';
import { freePort } from '../support/free-port.ts';
import { taken } from '../support/kubernetes/api-client.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { applyCustomResourceDefinitions, pathOf } from '../support/kubernetes/custom-resources.ts';
import { MountedSecret } from '../support/kubernetes/mounted-secret.ts';
import { createOperatorAccount } from '../support/kubernetes/operator-account.ts';
import { operatorProcess } from '../support/kubernetes/operator-process.ts';
import { LocalPool } from '../support/local-pool.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { Sv1Miner } from '../support/sv1-miner.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { makeTlsPair, type PemPair } from '../support/tls-certificate.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const namespace = 'mining';
const KEY = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const known = { 'mining.sluice.dev/authority-public-key': KEY };
/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
/** A share every four seconds: proxies ask for harder ones at first, which nobody here would find for a minute. */
const WORK = { hashrate: 100_000, difficulty: 0.0001 };
const core = `/api/v1/namespaces/${namespace}`;
const apps = `/apis/apps/v1/namespaces/${namespace}`;
const goldens = join(import.meta.dirname, '../../operator/test/golden');

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** Of a proxy, as its configuration file has them. */
interface Settings {
  readonly listen: readonly string[];
  readonly listenTls?: readonly string[];
  readonly upstream: readonly string[];
  readonly authorityKey?: string;
}

interface LiveObject {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly data: { readonly 'config.yaml': string };
}

const folders: Readonly<Record<string, string>> = {
  ...{ ConfigMap: `${core}/configmaps`, Service: `${core}/services`, ReplicaSet: `${apps}/replicasets` },
  PodDisruptionBudget: `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
};

describe.skipIf(missing !== undefined)(`fleets of proxies${missing === undefined ? '' : ` (${missing})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-fleet-'));
  let plane: ControlPlane;
  let operator: ServiceProcess;
  let proxyHealth: number;
  let touched = 0;

  const client = () => plane.client();
  const path = (name: string, kind = 'ProxyFleet') => pathOf({ kind, metadata: { name, namespace } });
  const fleet = async (name: string) => (await client().get(path(name))).body;
  const condition = async (name: string, type: string): Promise<Condition | undefined> =>
    (await fleet(name)).status?.conditions?.find((each: Condition) => each.type === type);
  const isCondition = (name: string, type: string, status: string, reason: string) => async () => {
    const found = await condition(name, type);
    return found?.status === status && found.reason === reason;
  };
  const isTold = (type: string, note: string) => async () => {
    const { items } = (await client().get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)).body;
    return items.some((event: { type: string; note: string }) => event.type === type && event.note === note);
  };
  const objects = async (folder: string, name: string): Promise<readonly LiveObject[]> => {
    const selector = encodeURIComponent(`mining.sluice.dev/workload=${name}-px`);
    return (await client().get(`${folders[folder]}?labelSelector=${selector}`)).body.items;
  };
  const sets = (name: string) => objects('ReplicaSet', name);
  /** Of each revision. */
  const configurations = async (name: string): Promise<readonly Settings[]> =>
    (await objects('ConfigMap', name)).map(({ data }) => JSON.parse(data['config.yaml']));
  const isConfigured = (name: string, upstream: string) => async () =>
    (await configurations(name)).some((settings) => settings.upstream[0] === upstream);
  const applyFleet = async (example: string, name: string, { annotations = {}, spec = {} } = {}) => {
    const { apiVersion, kind, spec: given } = exampleProxyFleet(example);
    const metadata = { name, namespace, annotations };
    return taken(await client().apply(path(name), { apiVersion, kind, metadata, spec: { ...given, ...spec } }));
  };
  /** Miners of both protocols, on one pool. */
  const applyHall = async (pool: string) => {
    const listeners = ['SV1', 'SV2'].map((protocol, index) => ({
      ...{ name: protocol.toLowerCase(), protocol, port: 34_255 + index },
    }));
    const { proxies } = exampleProxyFleet('farm-on-own-pool').spec;
    const spec = { upstreams: [{ name: 'own', poolRef: { name: pool } }], proxies: { ...proxies, listeners } };
    await applyFleet('farm-on-own-pool', 'hall', { spec });
  };
  const applyPool = async (name: string, port = 3336) => {
    const { apiVersion, kind, spec } = examplePool('regtest');
    const gateways = { ...spec.gateways, listeners: [{ name: 'sv2', protocol: 'SV2', port }] };
    const metadata = { name, namespace, annotations: known };
    taken(await client().apply(path(name, 'MiningPool'), { apiVersion, kind, metadata, spec: { ...spec, gateways } }));
  };
  /** Has the operator look at it now, rather than in a while. */
  const touch = async (name: string) => {
    touched += 1;
    const live = await fleet(name);
    live.metadata.annotations['example.com/touched'] = String(touched);
    const answer = await client().put(path(name), live);
    if (answer.status === 409) await touch(name);
    else taken(answer);
  };

  /** What a pod of the fleet would mount, as files here; resolves with the configuration among them. */
  const mounted = async (name: string, parts: readonly string[], isWanted: (settings: Settings) => boolean) => {
    const settings = (await configurations(name)).find(isWanted);
    const folder = join(directory, name);
    for (const part of parts) {
      await waitFor(async () => (await client().get(`${core}/secrets/${name}-px-${part}`)).status === 200);
      const { data } = (await client().get(`${core}/secrets/${name}-px-${part}`)).body;
      new MountedSecret(join(folder, part)).mount(data);
    }
    const file = join(folder, 'config.yaml');
    const text = JSON.stringify(settings);
    writeFileSync(file, text.replaceAll('/etc/sluice', folder).replaceAll('0.0.0.0', '127.0.0.1'));
    return file;
  };
  /** As a kubelet would, on this machine. */
  const runPods = async (name: string) => {
    const selector = encodeURIComponent(`mining.sluice.dev/workload=${name}-px`);
    const pods = async () => (await client().get(`${core}/pods?labelSelector=${selector}`)).body.items;
    await waitFor(async () => (await pods()).length > 0, 40_000);
    for (const pod of await pods()) {
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }];
      const address = { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] };
      const status = { ...pod.status, ...address, phase: 'Running', conditions };
      taken(await client().put(`${core}/pods/${pod.metadata.name}/status`, { ...pod, status }));
    }
  };

  beforeAll(async () => {
    proxyHealth = await freePort();
    plane = await ControlPlane.start();
    await applyCustomResourceDefinitions(plane);
    const account = await createOperatorAccount(plane);
    taken(await client().post('/api/v1/namespaces', { metadata: { name: namespace } }));
    const pods = ['--pod-url', `http://{ip}:${proxyHealth}`];
    const flags = [...pods, '--image', 'registry.example/sluice:1.2.3', '--log-level', 'debug'];
    operator = await operatorProcess(account, directory, ...flags);
    operator.launch();
    await operator.ready();
  });
  afterAll(async () => {
    await operator.kill();
    await plane.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it.each(['farm', 'farm-by-tls', 'farm-on-own-pool'])('are of %s what its golden file says', async (example) => {
    onTestFailed(() => console.error(operator.log()));
    if (example === 'farm-on-own-pool') await applyPool('main');
    const { name } = exampleProxyFleet(example).metadata;
    const { uid } = (await applyFleet(example, name, { annotations: known })).metadata;
    await waitFor(async () => (await fleet(name)).status?.proxies?.revision !== undefined);
    const golden = readFileSync(join(goldens, `proxies-${example}.yaml`), 'utf8');
    const text = golden.replaceAll('6f1c7a52-0b7e-4a39-9d62-3c1f2b7d9e10', uid);
    const expected = parseAllDocuments(text).map((document) => document.toJS());
    expect(expected.length).toBeGreaterThan(3);
    for (const { kind, metadata, ...fields } of expected) {
      const { body } = await client().get(`${folders[kind]}/${metadata.name}`);
      // How many pods there are is the scaling's.
      const { replicas: _, ...spec } = fields.spec ?? {};
      expect(body).toMatchObject({ metadata, ...fields, ...(fields.spec === undefined ? {} : { spec }) });
    }
  });

  it('say which Secret is missing, or what in it, until it is there', async () => {
    await waitFor(isCondition('farm', 'Degraded', 'True', 'SecretMissing'));
    expect((await condition('farm', 'Degraded'))?.message).toBe('upstream second: there is no Secret other-pool');
    const [before] = await sets('farm');
    taken(await client().post(`${core}/secrets`, { metadata: { name: 'other-pool' }, stringData: { passwort: 'x' } }));
    await applyFleet('farm', 'beside', { spec: { upstreamCASecretRef: { name: 'authority', key: 'ca.crt' } } });
    const message =
      'upstream second: Secret other-pool has no key password; upstreamCASecretRef: there is no Secret authority';
    await waitFor(async () => (await condition('beside', 'Degraded'))?.message === message);
    const { metadata } = (await client().get(`${core}/secrets/other-pool`)).body;
    taken(await client().put(`${core}/secrets/other-pool`, { metadata, stringData: { password: 'x' } }));
    await touch('farm');
    await waitFor(isCondition('farm', 'Degraded', 'False', 'AsExpected'), 40_000);
    expect((await sets('farm')).map(({ metadata: { uid } }) => uid)).toEqual([before?.metadata.uid]);
  });

  it('wait for a pool that there is not yet, and mine for it when it comes', async () => {
    await applyHall('late');
    await waitFor(isCondition('hall', 'UpstreamAvailable', 'False', 'PoolNotFound'));
    expect((await condition('hall', 'UpstreamAvailable'))?.message).toBe('upstream own: there is no MiningPool late');
    expect(await condition('hall', 'Ready')).toMatchObject({ status: 'False', message: 'hall-px is being made' });
    expect(await sets('hall')).toEqual([]);
    await applyPool('late');
    await waitFor(isConfigured('hall', `stratum2+tcp://late-gw-sv2:3336/${KEY}?identity=hall`));
    await waitFor(async () => (await sets('hall')).length === 1);
    // The key by which miners know the fleet is not the pool's.
    const [settings] = await configurations('hall');
    const { status } = await fleet('hall');
    expect(settings?.authorityKey).toBe(status.authorityPublicKey);
    expect(status.authorityPublicKey).not.toBe(KEY);
    const endpoints = async () => (await fleet('hall')).status.endpoints;
    await waitFor(async () => (await endpoints()).length === 2, 40_000);
    expect(await endpoints()).toEqual([
      { listener: 'sv1', uri: 'stratum+tcp://hall-px-sv1.mining.svc:34255' },
      { listener: 'sv2', uri: `stratum2+tcp://hall-px-sv2.mining.svc:34256/${status.authorityPublicKey}` },
    ]);
    const policies = `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`;
    expect((await client().get(`${policies}/hall-px`)).status).toBe(200);
    expect((await client().get(`${core}/secrets/hall-px-noise`)).status).toBe(200);
  });

  it('follow their pool to another port', async () => {
    await applyPool('late', 3400);
    const before = (await sets('hall')).map(({ metadata }) => metadata.uid);
    await waitFor(isConfigured('hall', `stratum2+tcp://late-gw-sv2:3400/${KEY}?identity=hall`));
    await waitFor(async () => (await sets('hall')).some(({ metadata }) => !before.includes(metadata.uid)));
  });

  it('stay as they are when their pool goes, and when it comes back', async () => {
    const uids = async () => (await sets('hall')).map(({ metadata: { uid } }) => uid).sort();
    const services = async () => (await objects('Service', 'hall')).map(({ metadata: { uid } }) => uid).sort();
    const before = [await uids(), await services()];
    await client().delete(path('late', 'MiningPool'));
    await waitFor(async () => (await client().get(path('late', 'MiningPool'))).status === 404);
    const message = 'upstream own: there is no MiningPool late; its last address is kept';
    await waitFor(async () => (await condition('hall', 'UpstreamAvailable'))?.message === message, 40_000);
    expect([await uids(), await services()]).toEqual(before);
    expect((await fleet('hall')).status.upstreams).toEqual([{ name: 'own', state: 'NotFound' }]);
    await waitFor(isTold('Warning', message));
    await applyPool('late', 3400);
    await waitFor(isCondition('hall', 'UpstreamAvailable', 'Unknown', 'NoAnswer'), 40_000);
    expect([await uids(), await services()]).toEqual(before);
  });

  it('keep their Services while an upstream is named that was never there', async () => {
    const services = await objects('Service', 'hall');
    expect(services).toHaveLength(2);
    await applyHall('never');
    const message = 'upstream own: there is no MiningPool never';
    await waitFor(async () => (await condition('hall', 'UpstreamAvailable'))?.message === message, 40_000);
    expect((await objects('Service', 'hall')).map(({ metadata }) => metadata.uid)).toEqual(
      services.map(({ metadata }) => metadata.uid),
    );
    expect(await sets('hall')).toHaveLength(2);
  });

  it('take nothing from a pool of the same name, nor from who has a name already', async () => {
    await applyPool('farm');
    await waitFor(async () => (await client().get(`${core}/services/farm-gw-sv2`)).status === 200);
    expect((await client().get(`${core}/services/farm-px-sv1`)).status).toBe(200);
    expect(await condition('farm', 'Degraded')).toMatchObject({ status: 'False' });
    const theirs = { metadata: { name: 'taken-px-sv1' }, spec: { selector: { app: 'theirs' }, ports: [{ port: 80 }] } };
    taken(await client().post(`${core}/services`, theirs));
    await applyFleet('farm', 'taken');
    await waitFor(isCondition('taken', 'Degraded', 'True', 'NameConflict'));
    const { spec, metadata } = (await client().get(`${core}/services/taken-px-sv1`)).body;
    expect([spec.selector, metadata.ownerReferences]).toEqual([{ app: 'theirs' }, undefined]);
  });

  it('go when they are deleted, and leave the pool', async () => {
    expect(await objects('Service', 'hall')).toHaveLength(2);
    taken(await client().delete(path('hall')));
    await waitFor(async () => (await client().get(path('hall'))).status === 404);
    await waitFor(async () => (await objects('Service', 'hall')).length === 0, 60_000);
    expect((await client().get(path('main', 'MiningPool'))).status).toBe(200);
    expect((await client().get(`${core}/services/main-gw-sv2`)).status).toBe(200);
  });

  it('mine with the configuration, the key and the certificate that the operator makes, and it tells what for', async () => {
    onTestFailed(() => console.error(operator.log()));
    const pool = await LocalPool.start({ nbits: HARD_NBITS });
    const [away, sv1, sv2] = [await freePort(), await freePort(), await freePort()] as const;
    const listener = (protocol: 'SV1' | 'SV2', port: number) => ({ name: protocol.toLowerCase(), protocol, port });
    const { proxies } = exampleProxyFleet('farm-on-own-pool').spec;
    const upstreams = [
      { name: 'away', url: `stratum2+tcp://127.0.0.1:${away}/${KEY}`, identity: 'nobody' },
      { name: 'there', url: `stratum2+tcp://${pool.address}/${pool.authorityKey}`, identity: 'account' },
    ];
    const spec = { upstreams, proxies: { ...proxies, listeners: [listener('SV1', sv1), listener('SV2', sv2)] } };
    await applyFleet('farm-on-own-pool', 'live', { spec });
    const isNewest = (settings: Settings) => settings.listen[0] === `0.0.0.0:${sv1}`;
    await waitFor(async () => (await configurations('live')).some(isNewest));
    const proxy = new ServiceProcess({
      ...{ name: 'proxy', command: 'proxy', directory, healthPort: proxyHealth },
      flags: ['--config', await mounted('live', ['noise', 'orders'], isNewest)],
    });
    const miners: Sv1Miner[] = [];
    try {
      onTestFailed(() => console.error(proxy.log()));
      proxy.launch();
      await proxy.ready();
      await runPods('live');
      await touch('live');

      miners.push(new Sv1Miner({ port: sv1, user: 'anybody.rig-1', ...WORK }));
      const { authorityPublicKey = '' } = (await fleet('live')).status;
      const client = await Sv2Client.connect({ port: sv2, authorityKey: authorityPublicKey });
      await client.openExtended({ identity: 'anybody.rig-2', hashRate: 1e6 });
      await waitFor(() => miners.some(({ accepted }) => accepted > 0), 60_000);
      await waitFor(
        async () => [...(await pool.credits()).keys()].some((key) => key.startsWith('account.rig-1')),
        60_000,
      );
      await client.close();

      await waitFor(isCondition('live', 'UpstreamAvailable', 'True', 'UpstreamWorks'), 60_000);
      expect((await fleet('live')).status).toMatchObject({
        activeUpstream: 'there',
        upstreams: [
          { name: 'away', state: 'Unavailable' },
          { name: 'there', state: 'Active' },
        ],
      });
    } finally {
      for (const miner of miners) miner.stop();
      await proxy.kill('SIGTERM');
      await pool.stop();
    }
  });

  it('serve miners by TLS with the certificate of a Secret, and with the next one beside who is connected', async () => {
    onTestFailed(() => console.error(operator.log()));
    const pool = await LocalPool.start({ nbits: HARD_NBITS });
    const port = await freePort();
    const listeners = [{ name: 'tls', protocol: 'SV1', port, tls: { secretRef: { name: 'hall-tls' } } }];
    const { proxies } = exampleProxyFleet('farm-by-tls').spec;
    const upstreams = [
      { name: 'there', url: `stratum2+tcp://${pool.address}/${pool.authorityKey}`, identity: 'account' },
    ];
    await applyFleet('farm-by-tls', 'by-tls', { spec: { upstreams, proxies: { ...proxies, listeners } } });
    await waitFor(isCondition('by-tls', 'Degraded', 'True', 'SecretMissing'));
    const message = 'listener tls: there is no Secret hall-tls';
    expect((await condition('by-tls', 'Degraded'))?.message).toBe(message);
    await waitFor(isTold('Warning', message));

    const secret = `${core}/secrets/hall-tls`;
    const dataOf = ({ certificate, key }: PemPair) => ({ 'tls.crt': certificate, 'tls.key': key });
    const [first, second] = [makeTlsPair(), makeTlsPair()];
    const type = 'kubernetes.io/tls';
    taken(await client().post(`${core}/secrets`, { metadata: { name: 'hall-tls' }, type, stringData: dataOf(first) }));
    const certificate = new MountedSecret(join(directory, 'by-tls/tls'));
    const mount = async () => certificate.mount((await client().get(secret)).body.data);
    await mount();
    const proxy = new ServiceProcess({
      ...{ name: 'proxy-by-tls', command: 'proxy', directory, healthPort: proxyHealth },
      flags: ['--config', await mounted('by-tls', ['orders'], ({ listenTls }) => listenTls !== undefined)],
    });
    const miners: Sv1Miner[] = [];
    const connect = (user: string, trusts: PemPair) => {
      const miner = new Sv1Miner({ port, user, ...WORK, trusts: trusts.certificate });
      miners.push(miner);
      return miner;
    };
    try {
      onTestFailed(() => console.error(proxy.log()));
      proxy.launch();
      await proxy.ready();
      const before = connect('anybody.rig-1', first);
      await before.ready;
      const revisions = (await sets('by-tls')).map(({ metadata }) => metadata.uid);

      const { metadata } = (await client().get(secret)).body;
      taken(await client().put(secret, { metadata, type, stringData: dataOf(second) }));
      await mount();
      const isServed = (user: string, trusts: PemPair) => async () =>
        connect(user, trusts).ready.then(
          () => true,
          () => false,
        );
      await waitFor(isServed('anybody.rig-2', second));
      expect(await isServed('anybody.rig-3', first)()).toBe(false);
      const after = miners.findLast(({ isOpen }) => isOpen);
      await waitFor(() => [before, after].every((miner) => (miner?.accepted ?? 0) > 0), 60_000);
      expect(before.isOpen).toBe(true);

      // A fleet that has changed is looked at at once.
      const rollout = { maxSurge: 2 };
      await applyFleet('farm-by-tls', 'by-tls', { spec: { upstreams, proxies: { ...proxies, listeners, rollout } } });
      await waitFor(isCondition('by-tls', 'Degraded', 'False', 'AsExpected'), 60_000);
      expect((await sets('by-tls')).map(({ metadata: { uid } }) => uid)).toEqual(revisions);
      const { status } = await fleet('by-tls');
      expect(status.endpoints).toEqual([
        { listener: 'tls', uri: `stratum+ssl://by-tls-px-tls.${namespace}.svc:${port}` },
      ]);
    } finally {
      for (const miner of miners) miner.stop();
      await proxy.kill('SIGTERM');
      await pool.stop();
    }
  });
});
