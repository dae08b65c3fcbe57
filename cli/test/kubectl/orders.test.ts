import type { ApiRequest, KubernetesClient } from '@sluice/operator/kubernetes/client';
import { expect, it } from 'vitest';
import { examplePool } from '../../../operator/test/defaulted.ts';
import { Cluster } from '../../src/kubectl/cluster.ts';
import { rotateKeys } from '../../src/kubectl/orders.ts';

it('does not wait for another certificate under an authority key that is lost, and says what the conditions say', async () => {
  const pool = examplePool('production');
  const conditions = [{ type: 'KeysValid', status: 'False', reason: 'AuthorityKeyLost', message: 'The key is gone.' }];
  const ordered = { ...pool.metadata, annotations: { 'mining.sluice.dev/rotate-keys': 'certificate' } };
  const request = async ({ method }: ApiRequest) => ({
    ...pool,
    ...(method === 'PATCH' ? {} : { metadata: ordered, status: { conditions } }),
  });
  const cluster = new Cluster({ request } as unknown as KubernetesClient, 'mining');
  const options = { confirm: async () => true, tell: () => undefined, waits: true, timeoutMs: 60_000 };
  await expect(
    rotateKeys(cluster, `miningpool/${pool.metadata.name}`, { ...options, rotation: 'certificate' }),
  ).rejects.toMatchObject({ code: 'not-for-this', message: expect.stringContaining('The key is gone.') });
});
