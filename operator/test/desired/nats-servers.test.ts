// What managed NATS servers are made of.
import { describe, expect, it } from 'vitest';
import type { MiningPool } from '../../src/api/v1alpha1.ts';
import { contentHash } from '../../src/desired/content-hash.ts';
import { usersFileAsJson, usersTag } from '../../src/desired/nats-config.ts';
import { natsCredentials, natsServers, natsUsers } from '../../src/desired/nats-servers.ts';
import { streamBounds } from '../../src/desired/stream-bounds.ts';
import { asYaml } from '../as-yaml.ts';
import { examplePool } from '../defaulted.ts';

const image = { repository: 'nats', tag: '2.15.2-alpine', digest: '' };
const passwordHash = `$2b$04$${'a'.repeat(53)}`;
/** The uid of a Secret. */
const SECRET = '5d0c27b6-6b0e-4c6b-8a53-90a1f3d6a7e1';
const users = [
  { component: 'connection-gateway', name: 'connection-gateway', passwordHash },
  { component: 'channel-manager', name: 'channel-manager', passwordHash },
  { component: 'channel-manager', name: 'channel-manager-2', passwordHash },
  { component: 'system', name: 'system', passwordHash },
] as const;
const pool = examplePool('production');

/** The same pool, and one thing of its managed bus otherwise. */
function changed(change: (managed: NonNullable<MiningPool['spec']['bus']['managed']>) => unknown): MiningPool {
  const spec = structuredClone(pool.spec);
  if (spec.bus.managed !== undefined) change(spec.bus.managed);
  return { ...pool, spec };
}
const filesOf = (of: MiningPool, given: Parameters<typeof natsUsers>[2] = users) =>
  Object.fromEntries(
    Object.entries(natsUsers(of, of.spec.bus.managed as never, given, 'r0ute').data as Record<string, string>).map(
      ([name, base64]) => [name, Buffer.from(base64, 'base64').toString()],
    ),
  );

describe('managed NATS servers', () => {
  it.each(['regtest', 'production'])('of the example %s are as in their golden file', async (name) => {
    const example = examplePool(name);
    const servers = natsServers(example, image, SECRET);
    if (servers === undefined) throw new Error('none');
    const { configMap, statefulSet, disruptionBudget, services } = servers;
    const secrets = Object.entries(filesOf(example, [])).map(([file, text]) => `# ${file}\n${text}`);
    const text = `${asYaml([configMap, statefulSet, disruptionBudget, ...services])}---\n${secrets.join('')}`;
    await expect(text).toMatchFileSnapshot(`../golden/nats-${name}.yaml`);
  });

  it('are none where the bus is external', () => {
    const external = { servers: ['nats://nats.example:4222'], monitors: [], streamReplicas: 1 as const };
    const bus = { mode: 'External' as const, external, streamDeletionPolicy: 'Retain' as const };
    expect(natsServers({ ...pool, spec: { ...pool.spec, bus } }, image, SECRET)).toBe(undefined);
    expect(streamBounds(bus)).toEqual({});
  });

  it('set aside no more for streams than they have', () => {
    const sizes = ['8Gi', '10Gi', '100Gi', '2Ti'];
    for (const size of sizes) {
      const { spec } = changed((managed) => Object.assign(managed.storage, { size }));
      const bounds = Object.values(streamBounds(spec.bus)) as number[];
      const disk = Number.parseInt(size, 10) * (size.endsWith('Ti') ? 2 ** 40 : 2 ** 30);
      expect(Math.min(...bounds)).toBeGreaterThan(2 ** 30);
      expect(bounds.reduce((sum, each) => sum + each) + 4.5 * 2 ** 30).toBeLessThan(disk);
    }
  });

  it('are the same pods with other users, which they read again', () => {
    expect(JSON.stringify(natsServers(pool, image, SECRET))).not.toContain('channel-manager');
    const [one, other] = [filesOf(pool), filesOf(pool, users.slice(1))];
    expect(one['routes.conf']).toBe(other['routes.conf']);
    expect(one['users.conf']).not.toBe(other['users.conf']);
  });

  it('are told to read their users again when these may do something else', () => {
    const { server_tags, ...others } = JSON.parse(usersFileAsJson(filesOf(pool)['users.conf'] ?? ''));
    expect(others.accounts.POOL.users[0]).toHaveProperty('permissions');
    expect(server_tags).toEqual([`users:${contentHash(others)}`]);
    expect(usersTag(users)).toBe(server_tags[0]);
  });

  it('let a second user of a service do what the first may, and hear its own answers alone', () => {
    const { accounts } = JSON.parse(usersFileAsJson(filesOf(pool)['users.conf'] ?? ''));
    const [gateway, first, second] = accounts.POOL.users;
    expect(first.permissions.publish).toEqual(second.permissions.publish);
    expect(second.permissions.subscribe.allow).toContain('_INBOX.channel-manager-2.>');
    expect(second.permissions.subscribe.allow).not.toContain('_INBOX.channel-manager.>');
    expect(gateway.permissions).not.toHaveProperty('allow_responses');
    expect(first.permissions.allow_responses).toBe(true);
    expect(accounts.SYSTEM.users).toEqual([{ user: 'system', password: passwordHash }]);
  });

  it('know their users by Secrets that the pods of a service name', () => {
    const { metadata, data, type } = natsCredentials(pool, 'connection-gateway', 'connection-gateway', 'secret');
    expect({ type, name: metadata.name, data }).toEqual({
      type: 'kubernetes.io/basic-auth',
      name: 'main-nats-connection-gateway',
      data: { username: btoa('connection-gateway'), password: btoa('secret') },
    });
  });
});
