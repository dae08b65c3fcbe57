// What is left of a secret key in memory.
import { nobleEc as ec } from '@sluice/noise/noble-ec';
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { randomBytes } from '@sluice/runtime/random';
import { expect, it } from 'vitest';
import { Children } from '../../src/apply/children.ts';
import { Writer } from '../../src/apply/writer.ts';
import { FleetKeys } from '../../src/keys/fleet-keys.ts';
import { KnownKeys } from '../../src/keys/known-keys.ts';
import { keyMetrics } from '../../src/keys/metrics.ts';
import type { ApiRequest, KubernetesClient } from '../../src/kubernetes/client.ts';
import { errorOfStatus } from '../../src/kubernetes/errors.ts';
import { examplePool } from '../defaulted.ts';

it('is nothing, also where no certificate could be made with it', async () => {
  const pool = examplePool('regtest');
  const drawn: Uint8Array[] = [];
  const random = (length: number) => {
    const bytes = randomBytes(length);
    drawn.push(bytes);
    return bytes;
  };
  const request = async ({ method, path }: ApiRequest) => {
    if (path.endsWith('/miningpools/demo')) return pool;
    if (method === 'GET') throw errorOfStatus(404, 'there is none');
    // The authority key is kept, the Secret of the fleet is not.
    if (path.includes('/namespaces/mining/')) throw errorOfStatus(500, 'not now');
    return undefined;
  };
  const { signal } = new AbortController();
  const writer = new Writer({ request } as unknown as KubernetesClient, { signal, isHeld: () => true });
  const children = new Children({ writer, caches: new Map(), log: silentLogger(), onForeignFields: () => undefined });
  const keys = new FleetKeys({
    ...{ writer, ec, random, events: { record: () => undefined } as never, clock: new ManualClock() },
    ...{
      namespace: 'sluice-system',
      known: new KnownKeys(),
      metrics: createMetrics(new MetricsRegistry(), keyMetrics),
    },
  });
  const workload = { owner: pool, infix: 'gw', component: 'connection-gateway' } as const;
  await expect(keys.settle(pool, workload, pool.spec.noise, children)).rejects.toMatchObject({ code: 'api-failed' });
  expect(drawn[0]).toEqual(new Uint8Array(32));
});
