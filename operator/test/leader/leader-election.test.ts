// Giving the lease up, on a server that keeps one lease. Who leads is tried with two processes on a real API server (test/integration).
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeTlsPair } from '../../../test/support/tls-certificate.ts';
import { KubernetesClient } from '../../src/kubernetes/client.ts';
import { LeaderElection } from '../../src/leader/leader-election.ts';
import type { Lease } from '../../src/leader/lease.ts';
import { leaderMetrics } from '../../src/leader/metrics.ts';

const pair = makeTlsPair();
const credentials = { headers: {}, ca: pair.certificate };

let server: Server;
let client: KubernetesClient;
let election: LeaderElection;
let lease: Lease | undefined;
/** Of the writes that were taken. */
let version: number;
/** Whether writes are taken and never answered. */
let isMute: boolean;

beforeEach(async () => {
  [lease, version, isMute] = [undefined, 0, false];
  server = createServer({ cert: pair.certificate, key: pair.key }, async (incoming, outgoing) => {
    const answer = (status: number, body: object) => outgoing.writeHead(status).end(JSON.stringify(body));
    if (incoming.method === 'GET') return lease === undefined ? answer(404, {}) : answer(200, lease);
    const written = (await json(incoming)) as Lease;
    if (written.metadata.resourceVersion !== lease?.metadata.resourceVersion) return answer(409, {});
    version += 1;
    lease = { ...written, metadata: { ...written.metadata, resourceVersion: String(version) } };
    return isMute || answer(200, lease);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const metrics = new MetricsRegistry();
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new KubernetesClient({ url, credentials: async () => credentials }, { metrics });
  election = new LeaderElection(
    {
      ...{ namespace: 'default', name: 'lease', identity: 'ours' },
      times: { leaseMs: 15_000, renewMs: 10_000, retryMs: 500 },
    },
    {
      ...{ client, clock: systemClock, random: () => 0, log: silentLogger() },
      metrics: createMetrics(metrics, leaderMetrics),
      lead: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
    },
  );
  election.start();
  await expect.poll(() => lease?.spec?.holderIdentity).toBe('ours');
});
afterEach(async () => {
  await election.stop();
  client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('gives the lease up also when the end cuts off a renewal that has arrived', async () => {
  isMute = true;
  const before = version;
  await expect.poll(() => version).toBe(before + 1);
  isMute = false;
  await election.stop();
  expect(lease?.spec?.holderIdentity).toBe('');
});

it('leaves a lease alone that another one has taken since', async () => {
  isMute = true;
  const before = version;
  await expect.poll(() => version).toBe(before + 1);
  lease = { metadata: { resourceVersion: 'taken' }, spec: { holderIdentity: 'another' } } as Lease;
  isMute = false;
  await election.stop();
  expect(lease.spec?.holderIdentity).toBe('another');
});
