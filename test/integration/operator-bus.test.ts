// The users of the NATS servers that the operator runs: their Secrets on a real API server with the operator's own account, and a real nats-server that
// reads them as a pod does, with clients whose passwords are exchanged under them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { connectBus } from '@sluice/bus/bus-settings';
import { ManualClock, systemClock } from '@sluice/runtime/clock';
import { Health } from '@sluice/runtime/health';
import { silentLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { randomBytes } from '@sluice/runtime/random';
import { compareSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MiningPool } from '../../operator/src/api/v1alpha1.ts';
import { Children } from '../../operator/src/apply/children.ts';
import { Writer } from '../../operator/src/apply/writer.ts';
import { NatsUsers } from '../../operator/src/bus/nats-users.ts';
import { requestReloadAt } from '../../operator/src/bus/request-reload.ts';
import { natsConfig, natsSecretFiles, usersFileAsJson, usersTag } from '../../operator/src/desired/nats-config.ts';
import type { ManagedBus } from '../../operator/src/desired/stream-bounds.ts';
import { KubernetesClient } from '../../operator/src/kubernetes/client.ts';
import { kubeconfigAccess } from '../../operator/src/kubernetes/cluster-access.ts';
import { examplePool } from '../../operator/test/defaulted.ts';
import { entriesOf } from '../support/kubernetes/audit-log.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { createOperatorAccount, type OperatorAccount } from '../support/kubernetes/operator-account.ts';
import { NatsServer } from '../support/nats-server.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const namespace = 'default';
const services = ['connection-gateway', 'channel-manager', 'job-distributor', 'share-validator', 'template-provider'];
const EXCHANGE_MS = 600_000;
const term = { isHeld: () => true, signal: new AbortController().signal };

describe.skipIf(missing !== undefined)(
  `the users of managed servers${missing === undefined ? '' : ` (${missing})`}`,
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-bus-'));
    const clock = new ManualClock(Date.now());
    let plane: ControlPlane;
    let account: OperatorAccount;
    let client: KubernetesClient;
    let children: Children;
    let users: NatsUsers;
    let nats: NatsServer;
    let pool: MiningPool;
    let bus: ManagedBus;

    const path = (name: string) => `/api/v1/namespaces/${namespace}/secrets/${name}`;
    const secret = async (name: string) => (await plane.client().get(path(name))).body;
    const decoded = async (name: string): Promise<Record<string, string>> =>
      Object.fromEntries(
        Object.entries((await secret(name)).data as Record<string, string>).map(([key, text]) => [
          key,
          Buffer.from(text, 'base64').toString(),
        ]),
      );
    const passwordOf = async (user: string) => (await decoded(`demo-nats-${user}`)).password ?? '';
    const hashes = async (): Promise<Record<string, string>> => {
      const { accounts } = JSON.parse(usersFileAsJson((await decoded('demo-nats-users'))['users.conf'] ?? ''));
      const entries: { user: string; password: string }[] = [...accounts.POOL.users, ...accounts.SYSTEM.users];
      return Object.fromEntries(entries.map(({ user, password }) => [user, password]));
    };
    const ensure = (isRunning = true) => users.ensure(pool, bus, children, isRunning);
    /** As the kubelet does, to the servers and to the pods of each service. */
    const bringFiles = async () => {
      writeFileSync(join(directory, 'users.conf'), (await decoded('demo-nats-users'))['users.conf'] ?? '');
      for (const service of services) await bringPassword(service);
    };
    const bringPassword = async (service: string) =>
      writeFileSync(join(directory, service), await passwordOf(service), { mode: 0o600 });
    const writes = () => entriesOf(account.user, plane).filter(({ verb }) => verb !== 'get').length;
    /** A pod of a service, as far as its connection goes, with each change of it. */
    const connected = async (service: 'channel-manager' | 'job-distributor') => {
      const seen: string[] = [];
      const settings = {
        natsUser: service,
        natsPasswordFile: join(directory, service),
        natsMonitors: [],
        natsReplicas: 1,
      };
      const connection = await connectBus(
        {
          ...settings,
          nats: [new URL(nats.url)],
          natsCaFile: undefined,
          natsSharesBytes: 1,
          natsCreditsBytes: 1,
        } as never,
        { service, log: silentLogger(), clock: systemClock, health: new Health() },
      );
      connection.onStatus((status) => seen.push(status));
      return { connection, seen };
    };

    beforeAll(async () => {
      plane = await ControlPlane.start();
      account = await createOperatorAccount(plane);
      client = new KubernetesClient(kubeconfigAccess(account.kubeconfig), { metrics: new MetricsRegistry() });
      const writer = new Writer(client, term);
      children = new Children({
        ...{ writer, caches: new Map(), log: silentLogger() },
        onForeignFields: () => undefined,
      });
      // A ConfigMap stands for the custom resource: something with a uid that owns.
      const owner = await plane
        .client()
        .post(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: 'demo' } });
      const example = examplePool('regtest');
      pool = {
        ...{ ...example, apiVersion: 'v1', kind: 'ConfigMap' },
        metadata: { ...example.metadata, namespace, uid: owner.body.metadata.uid },
      } as never;
      bus = example.spec.bus.managed as ManagedBus;
      users = new NatsUsers({
        ...{ clock, random: randomBytes },
        requestReload: ({ pool: _, ...request }, term) => requestReloadAt(nats.url, request, term),
        term,
      });
    });
    afterAll(async () => {
      await nats?.dispose();
      client.close();
      await plane.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    it('have a Secret each, made once and owned by the pool, and the servers know them by bcrypt', async () => {
      expect(await ensure(false)).toEqual({
        systemSecret: (await secret('demo-nats-system')).metadata.uid,
        faults: [],
      });
      const known = await hashes();
      expect(Object.keys(known).sort()).toEqual([...services, 'operator', 'system'].sort());
      const passwords = new Set<string>();
      for (const [user, hash] of Object.entries(known)) {
        const { metadata, type } = await secret(`demo-nats-${user}`);
        expect([type, metadata.ownerReferences[0].uid]).toEqual(['kubernetes.io/basic-auth', pool.metadata.uid]);
        const password = await passwordOf(user);
        expect(password).toMatch(/^[0-9a-f]{64}$/);
        expect(compareSync(password, hash)).toBe(true);
        passwords.add(password);
      }
      expect(passwords.size).toBe(services.length + 2);
      const before = writes();
      await ensure();
      expect(writes()).toBe(before);
    });

    it('let pods in, and are read again after somebody has deleted them, without sending anybody away', async () => {
      await bringFiles();
      nats = await NatsServer.start({
        asPod: true,
        configuration: (server) =>
          natsConfig('demo', bus)
            .replace('0.0.0.0:4222', `127.0.0.1:${server.port}`)
            .replace('0.0.0.0:8222', `127.0.0.1:${server.monitorPort}`)
            .replace('/run/nats/nats.pid', join(server.directory, 'nats.pid'))
            .replace('"/data"', `"${join(server.directory, 'data')}"`)
            .replaceAll('../secret/', `${relative(server.directory, directory)}/`)
            .concat(`log_file: "${join(server.directory, 'server.log')}"\n`),
      });
      const { connection, seen } = await connected('job-distributor');
      await plane.client().delete(path('demo-nats-users'));
      // The servers have still the file that they were started with.
      expect(await ensure()).toMatchObject({ requeueAfterMs: expect.any(Number) });
      const { annotations } = (await secret('demo-nats-users')).metadata;
      expect(annotations['mining.sluice.dev/loaded']).toBe(undefined);
      await bringFiles();
      expect(await ensure()).not.toHaveProperty('requeueAfterMs');
      const [tag] = JSON.parse(usersFileAsJson((await decoded('demo-nats-users'))['users.conf'] ?? '')).server_tags;
      expect((await secret('demo-nats-users')).metadata.annotations['mining.sluice.dev/loaded']).toBe(tag);
      expect([connection.status(), seen]).toEqual(['up', []]);
      await connection.close();
    });

    it('have another password after a Secret was deleted, and nobody is locked out meanwhile', async () => {
      const [changed, other] = [await connected('channel-manager'), await connected('job-distributor')];
      const before = { password: await passwordOf('channel-manager'), hash: (await hashes())['channel-manager'] };
      await plane.client().delete(path('demo-nats-channel-manager'));
      expect(await ensure()).toMatchObject({ requeueAfterMs: expect.any(Number) });
      expect(await passwordOf('channel-manager')).not.toBe(before.password);
      // Its pods have the earlier one for a while yet.
      expect((await hashes())['channel-manager']).toBe(before.hash);
      await bringPassword('channel-manager');
      clock.advance(EXCHANGE_MS);
      await ensure();
      expect((await hashes())['channel-manager']).not.toBe(before.hash);
      expect(changed.seen).toEqual([]);
      await bringFiles();
      expect(await ensure()).not.toHaveProperty('requeueAfterMs');
      await waitFor(() => changed.seen.join() === 'down,up');
      expect(other.seen).toEqual([]);
      await Promise.all([changed.connection.close(), other.connection.close()]);
    });

    it('make other servers of them when nobody can tell the present ones', async () => {
      const before = (await ensure()).systemSecret;
      await plane.client().delete(path('demo-nats-system'));
      const { systemSecret, requeueAfterMs } = await ensure();
      expect(systemSecret).not.toBe(before);
      expect(requeueAfterMs).toBeGreaterThan(0);
      await nats.stop();
      await bringFiles();
      await nats.launch();
      expect(await ensure()).toEqual({ systemSecret, faults: [] });
    });

    it('know each other, where they are several, by a password that stays', async () => {
      const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
      const { uid } = (await plane.client().post(configMaps, { metadata: { name: 'several' } })).body.metadata;
      const owner = { ...pool, metadata: { ...pool.metadata, name: 'several', uid } };
      const ensureThree = () => users.ensure(owner, { ...bus, replicas: 3 }, children, false);
      await ensureThree();
      const { password = '' } = await decoded('several-nats-route');
      expect((await decoded('several-nats-users'))['routes.conf']).toContain(
        `nats://route:${password}@several-nats-2.`,
      );
      await plane.client().delete(path('several-nats-route'));
      await ensureThree();
      expect((await decoded('several-nats-route')).password).toBe(password);
      await plane.client().delete(path('several-nats-users'));
      await ensureThree();
      expect((await decoded('several-nats-users'))['routes.conf']).toContain(`nats://route:${password}@`);
    });

    it('are not those of somebody else', async () => {
      await plane.client().delete(path('demo-nats-operator'));
      await plane
        .client()
        .post(`/api/v1/namespaces/${namespace}/secrets`, { metadata: { name: 'demo-nats-operator' } });
      expect((await ensure()).faults).toMatchObject([{ code: 'name-conflict' }]);
      expect(Object.keys(await hashes())).toContain('operator');
      expect((await secret('demo-nats-operator')).data).toBe(undefined);
    });
  },
);

it('three servers read their users again, each when it has them', async () => {
  const pool = examplePool('production');
  const bus = pool.spec.bus.managed as ManagedBus;
  const [password, passwordHash] = [
    'password',
    '$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm',
  ] as const;
  const before = [{ component: 'system', name: 'system', passwordHash }] as const;
  const after = [...before, { component: 'operator', name: 'operator', passwordHash }] as const;
  /** As the kubelet does. */
  const bringFiles = (server: NatsServer, users: typeof before | typeof after) => {
    const host = (index: string) => `127.0.0.1:${server.cluster?.routes[Number(index)]}`;
    for (const [name, text] of Object.entries(natsSecretFiles(pool.metadata.name, bus, users, 'r0ute'))) {
      const onThisMachine = text.replaceAll(/[\w-]+-nats-(\d)[\w.-]+:6222/g, (_, index) => host(index));
      writeFileSync(join(server.directory, name), onThisMachine);
    }
  };
  const servers = await NatsServer.startCluster({
    asPod: true,
    configuration: (server) => {
      bringFiles(server, before);
      return natsConfig(pool.metadata.name, bus)
        .replace('0.0.0.0:4222', `127.0.0.1:${server.port}`)
        .replace('0.0.0.0:8222', `127.0.0.1:${server.monitorPort}`)
        .replace('/run/nats/nats.pid', join(server.directory, 'nats.pid'))
        .replace('"/data"', `"${join(server.directory, 'data')}"`)
        .replace('0.0.0.0:6222', `127.0.0.1:${server.cluster?.port}`)
        .replaceAll('../secret/', '')
        .concat(`log_file: "${join(server.directory, 'server.log')}"\n`);
    },
  });
  const [first, second] = servers as readonly [NatsServer, NatsServer];
  const haveRead = (users: typeof before | typeof after, by = term) =>
    requestReloadAt(first.url, { name: 'system', password, replicas: 3, tag: usersTag(users) }, by);
  try {
    expect(await haveRead(before)).toBe(true);
    bringFiles(second, after);
    expect(await haveRead(after)).toBe(false);
    for (const server of servers) bringFiles(server, after);
    // Who has lost the lease tells nobody anything.
    expect(await haveRead(after, { ...term, isHeld: () => false })).toBe(false);
    expect(await haveRead(after, { ...term, signal: AbortSignal.abort() })).toBe(false);
    expect(await haveRead(after)).toBe(true);
  } finally {
    await Promise.all(servers.map((server) => server.dispose()));
  }
});
