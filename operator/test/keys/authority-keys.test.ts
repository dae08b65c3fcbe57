// What becomes of the authority key of a resource whose annotations were taken off, when its Secret is of no use either.
import { randomBytes } from '@sluice/runtime/random';
import { expect, it } from 'vitest';
import { Writer } from '../../src/apply/writer.ts';
import { AuthorityKeys } from '../../src/keys/authority-keys.ts';
import { authoritySecretName } from '../../src/keys/authority-secret.ts';
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
  return { keys: new AuthorityKeys({ writer, events, random: randomBytes, namespace: 'sluice-system' }), written };
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
