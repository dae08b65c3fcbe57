// One order for miners of both protocols, on real sockets; time passes only in the pauses of what moves them.
import { connect } from 'node:net';
import { silentLogger } from '@sluice/runtime/logger';
import { MoveOrders } from '@sluice/server/move-orders';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LineClient } from './sv1/support/line-client.ts';
import { TestServer, turn } from './sv1/support/test-server.ts';
import { TestSv2Server } from './sv2/support/test-sv2-server.ts';

const SUBMIT = '{"id":5,"method":"mining.submit","params":["farm.rig","1","00000007","6553f101","0a8b014c"]}';
const LOOPBACK = { host: '127.0.0.1', port: 0 };

let sv1: TestServer;
let sv2: TestSv2Server;
let orders: MoveOrders;
let ports: readonly number[];
beforeEach(async () => {
  sv1 = new TestServer();
  sv1.farm.makeJob();
  sv2 = new TestSv2Server();
  orders = new MoveOrders({ log: silentLogger(), perSecond: undefined });
  orders.add(sv1.server);
  orders.add(sv2.server);
  const bound = [await sv1.server.listen([LOOPBACK]), await sv2.server.listen([LOOPBACK])];
  ports = bound.map(([address]) => address?.port ?? 0);
});
afterEach(async () => {
  sv1.server.close();
  sv2.server.close();
  await orders.finish(0);
});

/** The client's end; resolves when the server has it, or has closed it. */
async function open(server: 0 | 1): Promise<LineClient> {
  const before = orders.progress.connections;
  const client = new LineClient(connect({ host: LOOPBACK.host, port: ports[server] ?? 0, noDelay: true }));
  await expect.poll(() => client.closed || orders.progress.connections > before, { interval: 1 }).toBe(true);
  return client;
}

test('miners of both go and come again, each after its share under way was answered', async () => {
  const miner = await open(0);
  await miner.setUp();
  const others = [await open(0), await open(1)];
  sv1.farm.judge = () => undefined;
  miner.send(SUBMIT);
  await expect.poll(() => sv1.server.waitingAnswers).toBe(1);
  orders.begin({ order: 'drain 1', keep: 0, deadlineMs: 60_000 });
  sv1.farm.last.answer('5', '');
  expect(await miner.next()).toBe('{"id":5,"result":true,"error":null}');
  for (const client of [miner, ...others]) await client.untilClosed();
  expect(orders.progress).toEqual({ connections: 0, order: 'drain 1', left: 0 });
  for (const server of [0, 1] as const) expect((await open(server)).received).toEqual([]);
  expect([sv1.counters.refusedDraining, sv2.counters.refusedDraining]).toEqual([1, 1]);
  orders.cancel();
  expect(await (await open(0)).setUp()).toHaveLength(4);
  await open(1);
  expect(orders.progress).toEqual({ connections: 2, order: null, left: 0 });
});

test('those that stay are of both', async () => {
  for (let count = 0; count < 6; count++) await open(0);
  for (let count = 0; count < 3; count++) await open(1);
  orders.begin({ order: 'rebalance 1', keep: 3, deadlineMs: 60_000 });
  await expect.poll(() => orders.progress.left).toBe(0);
  await turn();
  expect([sv1.server.sessions.size, sv2.server.connections.size]).toEqual([2, 1]);
  await open(0);
  expect(orders.progress).toEqual({ connections: 4, order: 'rebalance 1', left: 0 });
});
