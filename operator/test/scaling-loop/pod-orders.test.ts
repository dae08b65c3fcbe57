import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { afterEach, expect, it } from 'vitest';
import { Writer } from '../../src/apply/writer.ts';
import type { KubernetesClient } from '../../src/kubernetes/client.ts';
import { scalingMetrics } from '../../src/scaling-loop/metrics.ts';
import { PodOrders } from '../../src/scaling-loop/pod-orders.ts';
import { PodRequests } from '../../src/scaling-loop/pod-requests.ts';
import type { Pod } from '../../src/scaling-loop/pods.ts';

/** As many as are asked at once. */
const AT_ONCE = 32;
const move = { order: 'drain now', keep: 0, deadlineMs: Date.now() + 60_000 };
const podOf = (name: string): Pod => ({
  metadata: { namespace: 'mining', name, uid: name },
  status: { phase: 'Running', podIP: '127.0.0.1' },
});

const { signal } = new AbortController();
let server: Server;
afterEach(() => new Promise((resolve) => server.close(resolve)));

/** Orders of a leader whose pods answer with this status. @param onAsked called with each order that comes */
async function ordersTo(status: number, isHeld: () => boolean, onAsked: (url: string) => void) {
  server = createServer((incoming, outgoing) => {
    onAsked(`${incoming.method} ${incoming.url}`);
    outgoing.writeHead(status).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const registry = new MetricsRegistry();
  const orders = new PodOrders({
    requests: new PodRequests(`http://{ip}:${(server.address() as AddressInfo).port}`),
    writer: new Writer({} as KubernetesClient, { signal, isHeld }),
    ...{ clock: systemClock, log: silentLogger(), metrics: createMetrics(registry, scalingMetrics) },
  });
  return { orders, registry };
}

it('are not sent when the lease was lost while they waited for their turn', async () => {
  let isHeld = true;
  let asked = 0;
  const { orders } = await ordersTo(
    200,
    () => isHeld,
    () => {
      asked += 1;
      isHeld = false;
    },
  );
  const pods = Array.from({ length: AT_ONCE + 8 }, (_, number) => podOf(`pod-${number}`));
  const sent = await Promise.allSettled(pods.map((pod) => orders.send(pod, move, { token: 'token', signal })));
  expect(sent.filter(({ status }) => status === 'fulfilled')).toHaveLength(AT_ONCE);
  for (const each of sent) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'not-leader' });
  expect(asked).toBe(AT_ONCE);
});

it('say whether the pod knows the token, and are counted', async () => {
  const asked: string[] = [];
  const { orders, registry } = await ordersTo(
    401,
    () => true,
    (url) => asked.push(url),
  );
  expect(await orders.send(podOf('pod'), undefined, { token: 'token', signal })).toBe(false);
  expect(asked).toEqual(['DELETE /drain']);
  expect(await registry.scrape()).toContain('sluice_operator_pod_orders_total{order="cancel",result="failed"} 1');
});
