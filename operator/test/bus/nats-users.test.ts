// The servers' Secret of a pool, over objects in memory, where somebody has changed it.
import { systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { expect, it } from 'vitest';
import { Children } from '../../src/apply/children.ts';
import { Writer } from '../../src/apply/writer.ts';
import { NatsUsers } from '../../src/bus/nats-users.ts';
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

it.each([
  ['no JSON', 'x'],
  ['nothing', 'null'],
  ['users that are none', '{"accounts":{"POOL":{"users":{}},"SYSTEM":{"users":[]}}}'],
  ['users without passwords', '{"accounts":{"POOL":{"users":[{"user":"operator"}]},"SYSTEM":{"users":[]}}}'],
])('is whole again after it had %s', async (_, text) => {
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
  const writer = new Writer(client, { isHeld: () => true, signal: new AbortController().signal });
  const children = new Children({ writer, caches: new Map(), log: silentLogger(), onForeignFields: () => undefined });
  const requestReload = () => Promise.resolve(true);
  const users = new NatsUsers({ clock: systemClock, random: randomBytes, requestReload });
  const ensure = () => users.ensure(pool, pool.spec.bus.managed as ManagedBus, children, true);
  const file = () => JSON.parse(Buffer.from(objects.get(USERS)?.data['users.conf'] ?? '', 'base64').toString());
  await ensure();
  const names = () => file().accounts.POOL.users.map(({ user }: { user: string }) => user);
  const before = names();
  expect(before).toContain('share-validator');

  const secret = objects.get(USERS) as Stored;
  objects.set(USERS, { ...secret, data: { 'users.conf': Buffer.from(text).toString('base64') } });
  await ensure();
  expect(names()).toEqual(before);
  for (const { password } of file().accounts.POOL.users) expect(password).toMatch(/^\$2b\$04\$.{53}$/);
});
