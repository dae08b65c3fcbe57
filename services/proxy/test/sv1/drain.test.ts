// How miners are moved away when the proxy must go.
import { expect, test } from 'vitest';
import { TestServer, turn } from './support/test-server.ts';

const SUBMIT = '{"id":5,"method":"mining.submit","params":["farm.rig","1","00000007","6553f101","0a8b014c"]}';
const RECONNECT = '{"id":null,"method":"client.reconnect","params":[]}';

test('miners are closed after their shares under way were answered, within the deadline', async () => {
  const server = new TestServer();
  const client = await server.miner();
  server.farm.judge = () => undefined;
  client.send(SUBMIT);
  await turn();
  const drained = server.server.startDrain({ keep: 0, deadlineMs: 5_000 }).done;
  await turn();
  server.farm.last.answer('5', '');
  expect(await client.next()).toBe('{"id":5,"result":true,"error":null}');
  await client.untilClosed();
  await drained;
  expect(server.counters.closed.drained).toBe(1);
});

test('a share that nobody answers does not hold it up', async () => {
  const server = new TestServer();
  const client = await server.miner();
  server.farm.judge = () => undefined;
  client.send(SUBMIT);
  await turn();
  const before = server.clock.monotonic();
  await server.server.startDrain({ keep: 0, deadlineMs: 5_000 }).done;
  expect(server.clock.monotonic() - before).toBeLessThanOrEqual(5_000);
  await client.untilClosed();
});

test('only software that follows it is told to connect again', async () => {
  const server = new TestServer({ reconnectAgents: ['cgminer/', 'bitaxe/'] });
  server.farm.makeJob();
  const agents = ['bitaxe/BM1370/v2.9.0', 'NerdMinerV2', ''];
  const clients = agents.map(() => server.connect());
  for (const [index, client] of clients.entries()) {
    client.request(1, 'mining.subscribe', agents[index]);
    client.request(2, 'mining.authorize', 'farm.rig');
    await client.take(4);
  }
  await server.server.startDrain({ keep: 0, deadlineMs: 1_000 }).done;
  for (const client of clients) await client.untilClosed();
  expect(clients.map(({ received }) => received)).toEqual([[RECONNECT], [], []]);
});

test('many go in batches over the time that there is; a second order hastens them', async () => {
  const server = new TestServer();
  for (let count = 0; count < 50; count++) server.connect();
  const sizes: number[] = [];
  const before = server.clock.monotonic();
  const drained = server.server.startDrain({ keep: 0, deadlineMs: 6_250 }).done;
  for (let round = 0; server.server.sessions.size > 0; round++) {
    if (sizes.at(-1) !== server.server.sessions.size) sizes.push(server.server.sessions.size);
    if (round === 200) throw new Error('it does not end');
    await turn();
  }
  await drained;
  expect(sizes.length).toBeGreaterThan(20);
  expect(server.clock.monotonic() - before).toBeLessThanOrEqual(6_250);
});
