// The NATS servers that the operator configures: a real nats-server with its configuration and its users, the whole pool on it, each service
// by its own user, and what these users may not do.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { Connection } from '@sluice/bus/nats/nats-connection';
import { type ServiceName, type SubjectKey, subjectPattern, subjects } from '@sluice/bus/subjects';
import { inboxOf } from '@sluice/bus/user-permissions';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { MiningPool } from '../../operator/src/api/v1alpha1.ts';
import { natsConfig, natsSecretFiles } from '../../operator/src/desired/nats-config.ts';
import { streamBounds } from '../../operator/src/desired/stream-bounds.ts';
import { examplePool } from '../../operator/test/defaulted.ts';
import { NatsServer } from '../support/nats-server.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { waitFor } from '../support/wait-for.ts';

const PASSWORD = 'password';
/** Of PASSWORD, by bcrypt. */
const passwordHash = '$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm';
const services = [
  'template-provider',
  'job-distributor',
  'channel-manager',
  'connection-gateway',
  'share-validator',
  'operator',
] as const satisfies readonly ServiceName[];
const keys = Object.keys(subjects) as SubjectKey[];
/** One subject of a pattern. */
const example = (key: SubjectKey) => subjectPattern(key).replaceAll('*', '1');

/** The servers have no room for the streams' own bounds. */
const { natsSharesBytes, natsCreditsBytes } = streamBounds(examplePool('regtest').spec.bus);
const boundFlags = ['--nats-shares-bytes', `${natsSharesBytes}`, '--nats-credits-bytes', `${natsCreditsBytes}`];

/** The configuration that a pod mounts, on this machine's ports and folders. */
function configuration(pool: MiningPool, { port, monitorPort, directory, cluster }: NatsServer): string {
  const { metadata, spec } = pool;
  const bus = spec.bus.managed;
  if (bus === undefined) throw new Error('the example has no managed bus');
  const users = [...services, 'system' as const].map((component) => ({ component, name: component, passwordHash }));
  for (const [name, text] of Object.entries(natsSecretFiles(metadata.name, bus, users, 'r0ute'))) {
    const host = (index: string) => `127.0.0.1:${cluster?.routes[Number(index)]}`;
    writeFileSync(
      join(directory, name),
      text.replaceAll(/[\w-]+-nats-(\d)[\w.-]+:6222/g, (_, index) => host(index)),
    );
  }
  return natsConfig(metadata.name, bus)
    .replace('0.0.0.0:4222', `127.0.0.1:${port}`)
    .replace('0.0.0.0:8222', `127.0.0.1:${monitorPort}`)
    .replace('/run/nats/nats.pid', join(directory, 'nats.pid'))
    .replace('"/data"', `"${join(directory, 'data')}"`)
    .replace('0.0.0.0:6222', `127.0.0.1:${cluster?.port}`)
    .replaceAll('../secret/', '')
    .concat(`log_file: "${join(directory, 'server.log')}"\n`);
}

describe('the bus that the operator runs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-users-'));
  const passwordFile = join(directory, 'password');
  let nats: NatsServer;
  let pool: PoolProcesses;

  /** Rejects where the server lets nobody in. */
  const open = async (credentials: {
    readonly user?: string;
    readonly pass?: string;
    readonly inboxPrefix?: string;
  }) => {
    const fail = (error: unknown) => {
      throw error;
    };
    return (await Connection.open({ servers: [nats.url], ...credentials }, () => undefined, fail)).nats;
  };
  const as = (user: string) => open({ user, pass: PASSWORD, inboxPrefix: inboxOf(user) });
  /** What the server has refused since the last call. */
  let told = 0;
  const refused = () => {
    const lines = nats.log.split('\n').filter((line) => line.includes('Violation'));
    const fresh = lines.slice(told);
    told = lines.length;
    return fresh;
  };

  beforeAll(async () => {
    writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
    nats = await NatsServer.start({
      asPod: true,
      configuration: (server) => configuration(examplePool('regtest'), server),
    });
    pool = await PoolProcesses.start({
      chain: { simulated: { nbits: '207fffff', blockSeconds: 0 } },
      providers: 2,
      distributors: 2,
      validators: 2,
      nats,
      busFlags: (command) => [
        ...['--nats-user', command, '--nats-password-file', passwordFile],
        ...(command === 'share-validator' ? boundFlags : []),
      ],
      sharesPerMinute: 600,
      easiestDifficulty: 1e-10,
    });
  });
  afterAll(async () => {
    await pool?.stop();
    await nats?.dispose();
    rmSync(directory, { recursive: true, force: true });
  });

  it('is one on which a whole pool works, shares are credited and blocks are taken', async () => {
    onTestFailed(() => console.error(pool.logs(), nats.log));
    const client = await Sv2Client.connect({ port: pool.gatewayPort(), authorityKey: pool.authorityKey });
    const channel = await client.openExtended({ identity: 'alice.one', hashRate: 10 });
    await waitFor(() => channel.job !== undefined);
    const block = channel.find('block', 10_000);
    if (block === undefined) throw new Error('no block in 10,000 hashes, where every second is one');
    const tips = channel.tips;
    client.submit(channel, block);
    await waitFor(() => channel.tips > tips && channel.record.unanswered === 0, 30_000);
    expect(channel.record.refused.size).toBe(0);
    await client.close();

    const system = await as('share-validator');
    const state = async (stream: string) => {
      const answer = await system.request(`$JS.API.STREAM.INFO.${stream}`);
      return (answer.json() as { state: { messages: number } }).state.messages;
    };
    await waitFor(async () => (await state('CREDITS')) > 0, 15_000);
    await waitFor(async () => (await state('SOLUTIONS')) >= 2, 15_000);
    await system.close();
    expect(refused()).toEqual([]);
  });

  it.each(services)('lets %s publish and hear its own subjects, and none of the others', async (service) => {
    refused();
    const connection = await as(service);
    for (const key of keys) connection.publish(example(key), new Uint8Array());
    for (const key of keys) connection.subscribe(subjectPattern(key), { callback: () => undefined });
    for (const other of services) connection.subscribe(`${inboxOf(other)}.>`, { callback: () => undefined });
    const calls = ['STREAM.DELETE.SHARES', 'STREAM.PURGE.SHARES', 'STREAM.UPDATE.SHARES', 'CONSUMER.CREATE.SHARES.spy'];
    for (const call of calls) connection.publish(`$JS.API.${call}`, new Uint8Array());
    await connection.flush();
    await connection.close();

    const lines = refused();
    const denied = (what: string, subject: string) =>
      lines.some((line) => line.includes(`${what} Violation`) && line.includes(`Subject "${subject}"`));
    const named = (side: 'publishers' | 'consumers') =>
      keys.filter((key) => (subjects[key][side] as readonly ServiceName[]).includes(service));
    expect(keys.filter((key) => !denied('Publish', example(key)))).toEqual(named('publishers'));
    expect(keys.filter((key) => !denied('Subscription', subjectPattern(key)))).toEqual(named('consumers'));
    expect(services.filter((other) => !denied('Subscription', `${inboxOf(other)}.>`))).toEqual([service]);
    const isValidator = service === 'share-validator';
    expect(calls.filter((call) => !denied('Publish', `$JS.API.${call}`))).toEqual(isValidator ? calls.slice(1) : []);
  });

  it('lets in nobody without a password, and the system user not into the pool', async () => {
    await expect(open({})).rejects.toThrow(/authorization/i);
    await expect(open({ user: 'operator', pass: 'wrong' })).rejects.toThrow(/authorization/i);
    const system = await as('system');
    const heard: string[] = [];
    system.subscribe('control.*', { callback: (_error, { subject }) => void heard.push(subject) });
    await system.flush();
    const operator = await as('operator');
    operator.publish('control.9', new Uint8Array());
    await operator.flush();
    await system.flush();
    expect(heard).toEqual([]);
    await Promise.all([system.close(), operator.close()]);
  });
});

it('three servers find each other by a password, and keep each stream three times', async () => {
  const pool = examplePool('production');
  const servers = await NatsServer.startCluster({
    asPod: true,
    configuration: (server) => configuration(pool, server),
  });
  try {
    const bus = await connectNatsBus({
      ...{ name: 'test', servers: servers.map(({ url }) => url), replicas: 3 },
      ...{ user: 'share-validator', pass: PASSWORD, inboxPrefix: inboxOf('share-validator') },
      maxBytes: { SHARES: 1_048_576 },
      mayMake: (stream) => stream === 'SHARES',
      monitors: servers.map(({ monitor }) => monitor),
    });
    await bus.state('SHARES');
    await waitFor(() => bus.durability() === 'synced', 10_000);
    await bus.close();
  } finally {
    await Promise.all(servers.map((server) => server.dispose()));
  }
});
