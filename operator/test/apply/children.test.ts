// Secrets that are made once, where somebody else is at it too.
import { silentLogger } from '@sluice/runtime/logger';
import { expect, it } from 'vitest';
import { secrets } from '../../src/apply/child-kinds.ts';
import { Children } from '../../src/apply/children.ts';
import { Writer } from '../../src/apply/writer.ts';
import { natsCredentials } from '../../src/desired/nats-servers.ts';
import type { KubernetesClient } from '../../src/kubernetes/client.ts';
import { KubernetesError } from '../../src/kubernetes/errors.ts';
import { examplePool } from '../defaulted.ts';

const pool = examplePool('regtest');
const ours = natsCredentials(pool, 'operator', 'operator', 'ours');

/** Where each Secret is refused as one that is there, and is found as given: at once, and from then on. */
async function madeWhere(...found: readonly (object | undefined)[]): Promise<object> {
  const answers = [...found];
  const client = {
    request: async ({ method, path }: { method: string; path: string }) => {
      if (method === 'POST') throw new KubernetesError('api-conflict', path);
      const answer = answers.shift();
      if (answer === undefined) throw new KubernetesError('api-not-found', path);
      return answer;
    },
  } as unknown as KubernetesClient;
  const writer = new Writer(client, { isHeld: () => true, signal: new AbortController().signal });
  const modules = { writer, caches: new Map(), log: silentLogger(), onForeignFields: () => undefined };
  return new Children(modules).createOnce(secrets, pool, ours);
}

it('are those of who was faster', async () => {
  const theirs = natsCredentials(pool, 'operator', 'operator', 'theirs');
  expect(await madeWhere(theirs)).toBe(theirs);
  expect(await madeWhere(undefined, theirs)).toBe(theirs);
});

it("are not somebody else's", async () => {
  const foreign = { kind: 'Secret', metadata: { name: ours.metadata.name } };
  await expect(madeWhere(undefined, foreign)).rejects.toMatchObject({ code: 'name-conflict' });
});

it('are tried again later where they are refused and not there', async () => {
  await expect(madeWhere()).rejects.toMatchObject({ code: 'api-conflict' });
});
