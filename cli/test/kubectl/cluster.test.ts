import type { ApiRequest, KubernetesClient } from '@sluice/operator/kubernetes/client';
import { expect, it } from 'vitest';
import { Cluster } from '../../src/kubectl/cluster.ts';

it('lists what there is page by page, to the last', async () => {
  const asked: unknown[] = [];
  const request = async ({ query = {} }: ApiRequest) => {
    asked.push(query.continue);
    const name = `pod-${asked.length}`;
    return { metadata: { continue: asked.length < 3 ? name : '' }, items: [{ metadata: { name } }] };
  };
  const cluster = new Cluster({ request } as unknown as KubernetesClient, 'mining');
  const pods = await cluster.podsWith('app=x', 'mining');
  expect(pods.map(({ metadata }) => metadata.name)).toEqual(['pod-1', 'pod-2', 'pod-3']);
  expect(asked).toEqual([undefined, 'pod-1', 'pod-2']);
});
