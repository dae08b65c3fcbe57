// The Secrets of a pool's servers and of their users, over objects in memory, where somebody has changed one.
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { compareSync, hashSync } from 'bcryptjs';
import { expect, it } from 'vitest';
import { Children } from '../../src/apply/children.ts';
import { Writer } from '../../src/apply/writer.ts';
import { NatsUsers } from '../../src/bus/nats-users.ts';
import { usersFileAsJson } from '../../src/desired/nats-config.ts';
import type { ManagedBus } from '../../src/desired/stream-bounds.ts';
import type { KubernetesClient } from '../../src/kubernetes/client.ts';
import { KubernetesError } from '../../src/kubernetes/errors.ts';
import { examplePool } from '../defaulted.ts';

const pool = examplePool('regtest');
const SECRETS = `/api/v1/namespaces/${pool.metadata.namespace}/secrets`;
const USERS = `${SECRETS}/demo-nats-users`;

interface Stored {
  readonly metadata: { readonly name: string };
  readonly data: Record<string, string>;
}

function usersInMemory() {
  const objects = new Map<string, Stored>();
  const client = {
    request: async ({ method, path, body }: { method: string; path: string; body: Stored }) => {
      const key = method === 'POST' ? `${path}/${body.metadata.name}` : path;
      if (method !== 'GET') objects.set(key, body);
      const found = objects.get(key);
      if (found === undefined) throw new KubernetesError('api-not-found', key);
      return found;
    },
  } as unknown as KubernetesClient;
  const term = { isHeld: () => true, signal: new AbortController().signal };
  const writer = new Writer(client, term);
  const children = new Children({ writer, caches: new Map(), log: silentLogger(), onForeignFields: () => undefined });
  const requestReload = () => Promise.resolve(true);
  const clock = new ManualClock();
  const users = new NatsUsers({ clock, random: randomBytes, requestReload, term });
  const ensure = () => users.ensure(pool, pool.spec.bus.managed as ManagedBus, children, true);
  const change = (path: string, texts: Readonly<Record<string, string>>) => {
    const data = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
    objects.set(path, { ...(objects.get(path) as Stored), data: Object.fromEntries(data) });
  };
  /** Hashes of passwords by the users that the servers know. */
  const known = (): Record<string, string> => {
    const text = Buffer.from(objects.get(USERS)?.data['users.conf'] ?? '', 'base64').toString();
    const file = JSON.parse(usersFileAsJson(text));
    const entries: { user: string; password: string }[] = file.accounts.POOL.users;
    return Object.fromEntries(entries.map(({ user, password }) => [user, password]));
  };
  return { ensure, change, known, clock };
}

it.each([
  ['no JSON', 'x'],
  ['nothing', 'null'],
  ['users that are none', '{"accounts":{"POOL":{"users":{}},"SYSTEM":{"users":[]}}}'],
  ['users without passwords', '{"accounts":{"POOL":{"users":[{"user":"operator"}]},"SYSTEM":{"users":[]}}}'],
])('is whole again after it had %s', async (_, text) => {
  const { ensure, change, known } = usersInMemory();
  await ensure();
  const names = Object.keys(known());
  expect(names).toContain('share-validator');

  change(USERS, { 'users.conf': text });
  await ensure();
  expect(Object.keys(known())).toEqual(names);
  for (const password of Object.values(known())) expect(password).toMatch(/^\$2b\$04\$.{53}$/);
});

it('have the users that are whole beside one whose Secret is not, and that one as it was', async () => {
  const { ensure, change, known } = usersInMemory();
  await ensure();
  const before = known();
  change(`${SECRETS}/demo-nats-channel-manager`, { username: 'channel-manager' });
  const { faults } = await ensure();
  expect(faults).toMatchObject([{ code: 'invalid-child', message: expect.stringContaining('channel-manager') }]);
  expect(known()).toEqual(before);
});

it('have their own passwords again after somebody has put in another one, however often they were looked at before', async () => {
  const { ensure, change, known, clock } = usersInMemory();
  for (let look = 0; look < 3; look += 1) await ensure();
  const before = known();
  clock.advance(3_600_000);
  const users = Object.keys(before).map((user) => ({ user, password: hashSync('a guess', 4) }));
  change(USERS, { 'users.conf': JSON.stringify({ accounts: { POOL: { users }, SYSTEM: { users: [] } } }) });
  await ensure();
  const after = known();
  expect(Object.keys(after)).toEqual(Object.keys(before));
  for (const hash of Object.values(after)) expect(compareSync('a guess', hash)).toBe(false);
});

it('know nobody of a user whose Secret was never whole', async () => {
  const { ensure, change, known } = usersInMemory();
  await ensure();
  const { 'channel-manager': _, ...others } = known();
  change(USERS, {});
  change(`${SECRETS}/demo-nats-channel-manager`, {});
  await ensure();
  expect(Object.keys(known())).toEqual(Object.keys(others));
});

it('have another password three minutes after it was seen, whatever time is on its Secret', async () => {
  const { ensure, change, known, clock } = usersInMemory();
  await ensure();
  clock.advance(3_600_000);
  const before = known();
  change(`${SECRETS}/demo-nats-channel-manager`, { username: 'channel-manager', password: 'another' });
  expect(await ensure()).toMatchObject({ requeueAfterMs: expect.any(Number) });
  clock.advance(179_000);
  await ensure();
  expect(known()).toEqual(before);
  clock.advance(1_000);
  await ensure();
  const { 'channel-manager': exchanged = '', ...others } = known();
  expect({ ...others, 'channel-manager': before['channel-manager'] }).toEqual(before);
  expect(compareSync('another', exchanged)).toBe(true);
});
