// A consumer that gathers, and a handler that takes longer than a server may be silent. The server takes leaf nodes: then it gives records to who asked a moment ago, even
// if nobody listens there any more.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '@sluice/bus/bus';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { NatsServer } from '../support/nats-server.ts';
import { waitFor } from '../support/wait-for.ts';

/** Beyond three of the heartbeats that the consumer asks for. */
const SLOW_MS = 8_000;

let server: NatsServer;
let bus: Bus;

beforeAll(async () => {
  const leafPort = await freePort();
  const configuration = ({ port, monitorPort, directory }: NatsServer) =>
    [
      `listen: "127.0.0.1:${port}"`,
      `http: "127.0.0.1:${monitorPort}"`,
      `leafnodes { listen: "127.0.0.1:${leafPort}" }`,
      `jetstream { store_dir: "${directory}/store", max_mem: 1G, max_file: 64G }`,
    ].join('\n');
  server = await NatsServer.start({ configuration });
  bus = await connectNatsBus({ servers: server.url });
});
afterAll(async () => {
  await bus?.close();
  await server?.dispose();
});

it('gives the record that came while the one before was handled', async () => {
  const seen: number[] = [];
  const options = { filter: 'shares.1', batch: 4, gatherMs: 20 };
  const consumer = await bus.consume('SHARES', options, async ({ payload: [mark = 0] }) => {
    seen.push(mark);
    if (mark === 1) await sleep(SLOW_MS);
  });
  await bus.append('SHARES', 'shares.1', Uint8Array.of(1));
  await waitFor(() => seen.length === 1);
  await bus.append('SHARES', 'shares.1', Uint8Array.of(2));
  await waitFor(() => seen.length === 2, SLOW_MS + 10_000);
  expect(seen).toEqual([1, 2]);
  await consumer.close();
});
