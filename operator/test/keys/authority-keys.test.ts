// What becomes of the authority key of a resource whose annotations were taken off, when its Secret is of no use either; and of a Secret in which
// somebody has put another key, or none.
import { nobleEc as ec } from '@sluice/noise/noble-ec';
import { randomBytes } from '@sluice/runtime/random';
import { expect, it } from 'vitest';
import { Writer } from '../../src/apply/writer.ts';
import { AuthorityKeys } from '../../src/keys/authority-keys.ts';
import {
  type AuthorityKey,
  authoritySecret,
  authoritySecretName,
  generateAuthorityKey,
  type KeyHistory,
  previousSecrets,
  type Secret,
} from '../../src/keys/authority-secret.ts';
import type { KubernetesClient } from '../../src/kubernetes/client.ts';
import { KubernetesError } from '../../src/kubernetes/errors.ts';
import { examplePool } from '../defaulted.ts';

const KEY = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const pool = examplePool('regtest');
const known = { ...pool, status: { authorityPublicKey: KEY } };

/** With one Secret, or none, and whatever is written. */
function keysOver(secret: object | undefined) {
  const written: string[] = [];
  const client = {
    request: async ({ method, path }: { method: string; path: string }) => {
      if (method !== 'GET') written.push(`${method} ${path}`);
      else if (path.endsWith(pool.metadata.name)) return pool;
      else if (secret === undefined) throw new KubernetesError('api-not-found', path);
      return secret;
    },
  } as unknown as KubernetesClient;
  const writer = new Writer(client, { isHeld: () => true, signal: new AbortController().signal });
  const events = { record: () => undefined } as never;
  return { keys: new AuthorityKeys({ writer, events, ec, random: randomBytes, namespace: 'sluice-system' }), written };
}

it('is lost, and not made anew, where the status has shown one', async () => {
  const { keys, written } = keysOver(undefined);
  const { publicKey, key, fault } = await keys.settle(known, pool.spec.noise);
  expect({ publicKey, key, reason: fault?.reason }).toEqual({ publicKey: KEY, reason: 'AuthorityKeyLost' });
  expect(written).toEqual([]);
});

it('is told to be the one that miners know where the Secret is damaged', async () => {
  const { keys, written } = keysOver({ metadata: { name: authoritySecretName(pool), namespace: 'sluice-system' } });
  const { publicKey, fault } = await keys.settle(known, pool.spec.noise);
  expect({ publicKey, reason: fault?.reason }).toEqual({ publicKey: KEY, reason: 'AuthorityKeyInvalid' });
  expect(written).toEqual([]);
});

it('is made where there never was one', async () => {
  const { keys, written } = keysOver(undefined);
  const { publicKey } = await keys.settle(pool, pool.spec.noise);
  expect(publicKey).toBeDefined();
  expect(written).toEqual([
    'POST /api/v1/namespaces/sluice-system/secrets',
    'PATCH /apis/mining.sluice.dev/v1alpha1/namespaces/mining/miningpools/demo',
  ]);
});

/** With Secrets by their names, as the API server keeps them, and the resource as somebody has annotated it. */
function keysAmong(secrets: Map<string, Secret>, annotations: Readonly<Record<string, string>>) {
  const owner = { ...pool, metadata: { ...pool.metadata, annotations } };
  const announced: Record<string, string | null>[] = [];
  const request = async ({ method, path, body }: { method: string; path: string; body: Secret }) => {
    const name = method === 'POST' ? body.metadata.name : (path.split('/').at(-1) ?? '');
    if (!path.includes('/secrets')) {
      if (method === 'PATCH') announced.push(body.metadata.annotations ?? {});
      return owner;
    }
    const live = secrets.get(name);
    if (method === 'POST' && live !== undefined) throw new KubernetesError('api-conflict', path);
    if (method !== 'POST' && live === undefined) throw new KubernetesError('api-not-found', path);
    if (method !== 'GET') secrets.set(name, { ...live, ...body, metadata: { ...live?.metadata, ...body.metadata } });
    return secrets.get(name);
  };
  const client = { request } as unknown as KubernetesClient;
  const writer = new Writer(client, { isHeld: () => true, signal: new AbortController().signal });
  const events = { record: () => undefined } as never;
  const keys = new AuthorityKeys({ writer, events, ec, random: randomBytes, namespace: 'sluice-system' });
  return { settle: (noise = pool.spec.noise) => keys.settle(owner, noise), announced };
}

const own = authoritySecretName(pool);
const EARLIER = 'mining.demo.00000000';
const PUBLIC_KEY = 'mining.sluice.dev/authority-public-key';
const AUTHORITY_SECRET = 'mining.sluice.dev/authority-secret';
const newAuthority = { 'mining.sluice.dev/rotate-keys': 'new-authority' };
const secretOf = (name: string, key: AuthorityKey, history?: KeyHistory): Secret =>
  authoritySecret(pool, { name, namespace: 'sluice-system' }, key, history);
const fresh = () => generateAuthorityKey(ec, randomBytes);

it('is none that somebody else has put there, when another one is ordered', async () => {
  const [told, theirs] = [fresh(), fresh()];
  const secrets = new Map([[own, secretOf(own, theirs)]]);
  const { settle, announced } = keysAmong(secrets, { [PUBLIC_KEY]: told.publicKey, ...newAuthority });
  const { publicKey = '' } = await settle();
  expect([told.publicKey, theirs.publicKey]).not.toContain(publicKey);
  expect(announced).toMatchObject([{ [PUBLIC_KEY]: publicKey }]);
  expect(secrets.get(own)?.metadata.labels?.[PUBLIC_KEY]).toBe(publicKey);
});

it('is the one that an order was half done with, but for a resource that brings its own', async () => {
  const [told, begun, theirs] = [fresh(), fresh(), fresh()];
  const half = () => new Map([[own, secretOf(own, begun, { replaces: told.publicKey })]]);
  const annotations = { [PUBLIC_KEY]: told.publicKey, ...newAuthority };
  expect((await keysAmong(half(), annotations).settle()).publicKey).toBe(begun.publicKey);

  const brought = half().set('brought', { ...secretOf('brought', theirs) });
  const authorityKey = { mode: 'Existing', secretRef: { name: 'brought', key: 'secret-key' } } as const;
  const { settle, announced } = keysAmong(brought, annotations);
  expect((await settle({ ...pool.spec.noise, authorityKey })).publicKey).toBe(theirs.publicKey);
  expect(announced).toMatchObject([{ [PUBLIC_KEY]: theirs.publicKey }]);
});

it.each([
  ['damaged', { ...secretOf(own, fresh()), data: {} }, 'AuthorityKeyInvalid'],
  ["somebody else's", secretOf(own, fresh()), 'AuthorityKeyMismatch'],
])(
  'is used under its earlier name, and so it is told, where the one under its own name is %s',
  async (_, bad, reason) => {
    const told = fresh();
    const secrets = new Map([
      [own, bad],
      [EARLIER, secretOf(EARLIER, told)],
    ]);
    const annotations = { [PUBLIC_KEY]: told.publicKey, [AUTHORITY_SECRET]: EARLIER };
    const { key, fault } = await keysAmong(secrets, annotations).settle();
    expect([key?.publicKey, fault?.reason]).toEqual([told.publicKey, reason]);
    expect(secrets.get(own)).toBe(bad);

    const { publicKey = '' } = await keysAmong(secrets, { ...annotations, ...newAuthority }).settle();
    expect(secrets.get(own)?.metadata.labels?.[PUBLIC_KEY]).toBe(publicKey);
    expect(previousSecrets(secrets.get(own) as Secret)).toContain(EARLIER);
  },
);
