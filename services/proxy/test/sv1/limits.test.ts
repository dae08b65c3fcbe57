// What a peer can do wrong, and what becomes of it: the right end with its reason, and never an exception.
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { proxyHeader } from '../../../../packages/server/test/support/proxy-header.ts';
import type { Sv1CloseReason } from '../../src/sv1/errors.ts';
import { LineClient } from './support/line-client.ts';
import { TestServer, type TestServerOptions, turn } from './support/test-server.ts';

const MALFORMED = '{"id":null,"result":null,"error":[20,"Invalid parameters",null]}';

async function closedFor(server: TestServer, client: LineClient, reason: Sv1CloseReason): Promise<void> {
  await client.untilClosed();
  expect(server.counters.closed).toMatchObject({ [reason]: 1, 'handler-failed': 0 });
  expect(server.logged.find(({ msg }) => msg === 'connection closed')).toMatchObject({ reason });
  expect(server.server.sessions.size).toBe(0);
  expect(server.farm.places.every(({ closed }) => closed)).toBe(true);
}

test.each([
  ['GET / HTTP/1.1\r\nHost: pool\r\n\r\n', 'spoke-http'],
  [Buffer.from('160301020001000001fc0303', 'hex'), 'spoke-tls'],
  [Buffer.alloc(64, 0xfa), 'spoke-binary'],
  ['hello, is there anybody\n', 'spoke-text'],
  [proxyHeader('203.0.113.7'), 'proxy-header-untrusted'],
  ['PROXY TCP4 203.0.113.7 192.0.2.1 49153 34255\r\n', 'proxy-header-untrusted'],
] as const)('%j is closed: %s', async (bytes, reason) => {
  const server = new TestServer();
  const client = server.connect();
  client.socket.write(bytes);
  await closedFor(server, client, reason);
});

test('a line of 8,192 bytes is read, and one byte more ends the connection behind the answers so far', async () => {
  const server = new TestServer();
  const client = await server.miner();
  const head = '{"id":1,"method":"mining.ping","params":["';
  client.send(`${head}${'x'.repeat(8_192 - head.length - 3)}"]}`);
  expect(await client.next()).toBe('{"id":1,"result":"pong","error":null}');
  client.socket.write(`{"id":2,"method":"mining.ping"}\n${'x'.repeat(8_193)}`);
  expect(await client.next()).toBe('{"id":2,"result":"pong","error":null}');
  await closedFor(server, client, 'line-too-long');
});

test('lines that are no messages are answered, and too many in a row end the connection', async () => {
  const server = new TestServer({ limits: { malformedLines: 3 } });
  const client = await server.miner();
  const bad = ['{"id":1,', '[]', '{"id":1}', Buffer.from([0xff, 0x22]).toString('latin1')];
  client.send(...bad.slice(0, 3));
  expect(await client.take(3)).toEqual([MALFORMED, MALFORMED, MALFORMED]);
  await client.hasNothing();
  client.send(...bad);
  expect(await client.take(4)).toEqual([MALFORMED, MALFORMED, MALFORMED, MALFORMED]);
  await closedFor(server, client, 'malformed-lines');
  expect(server.counters.lineFaults['line-not-json']).toBeGreaterThanOrEqual(3);
});

test.each([
  ['silent', []],
  ['subscribed only', ['{"id":1,"method":"mining.subscribe"}']],
  ['authorized only', ['{"id":1,"method":"mining.authorize","params":["a","x"]}']],
] as const)('a miner that is %s is closed when its deadline is over', async (_, lines) => {
  const server = new TestServer();
  const client = server.connect();
  client.send(...lines);
  await client.take(lines.length);
  server.pass(29_999);
  await turn();
  expect(client.closed).toBe(false);
  server.pass(1);
  await closedFor(server, client, 'setup-timeout');
});

test('a miner that says nothing for too long is closed; a wish that is repeated keeps it', async () => {
  const server = new TestServer({ limits: { keepAliveMs: 1e9 } });
  const client = await server.miner();
  for (let round = 0; round < 4; round++) {
    server.pass(899_999);
    client.request(round, 'mining.suggest_difficulty', 0.000_15);
    await client.next();
  }
  server.pass(899_999);
  await turn();
  expect(client.closed).toBe(false);
  server.pass(1);
  await closedFor(server, client, 'idle');
});

test('a slow reader is cut at its bound and not buffered for; the others go on', async () => {
  const server = new TestServer({ limits: { outboundBytes: 40_000 } });
  const slow = await server.miner();
  const other = await server.miner();
  slow.socket.pause();
  for (let count = 0; count < 200 && server.server.sessions.size === 2; count++) {
    server.farm.tell(server.farm.makeJob({ coinbaseSuffix: new Uint8Array(500) }));
    await turn();
    expect(server.server.outboundBytes).toBeLessThanOrEqual(80_000);
  }
  expect(server.counters.closed).toMatchObject({ 'slow-reader': 1 });
  expect(server.farm.places.map(({ closed }) => closed)).toEqual([true, false]);
  await other.take(server.farm.jobs.size - 1);
  await other.hasNothing();
  server.stop();
});

test('a reader that takes nothing for half a minute is cut', async () => {
  const server = new TestServer();
  const client = await server.miner();
  client.socket.pause();
  for (let count = 0; count < 150; count++)
    server.farm.tell(server.farm.makeJob({ coinbaseSuffix: new Uint8Array(500) }));
  await turn();
  expect(server.server.outboundBytes).toBeGreaterThan(0);
  server.pass(1_000);
  server.pass(29_999);
  expect(server.server.sessions.size).toBe(1);
  server.pass(1);
  expect(server.counters.closed).toMatchObject({ 'stalled-reader': 1 });
});

test('a miner whose requests pile up behind a share that nobody answers is closed', async () => {
  const server = new TestServer({ limits: { waitingAnswers: 8 } });
  const client = await server.miner();
  server.farm.judge = () => undefined;
  client.send('{"id":5,"method":"mining.submit","params":["farm.rig","1","00000007","6553f101","0a8b014c"]}');
  for (let id = 0; id < 8; id++) client.request(id, 'mining.ping');
  await closedFor(server, client, 'too-many-waiting');
});

test('a miner that sends too much is read later and loses nothing', async () => {
  const server = new TestServer({ limits: { messagesPerSecond: 100 } });
  const client = await server.miner();
  const ids = Array.from({ length: 1_020 }, (_, id) => id);
  client.send(...ids.map((id) => `{"id":${id},"method":"mining.ping"}`));
  const answers = await client.take(ids.length);
  expect(answers.map((line) => JSON.parse(line).id)).toEqual(ids);
  expect(server.counters.heldBack).toBe(1);
  await client.hasNothing();
  server.stop();
});

const script = [
  '{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000"}]}\n',
  '{"id":2,"method":"mining.subscribe","params":["test/1"]}\n',
  '{"id":3,"method":"mining.authorize","params":["farm.rig","x"]}\n',
  '{"id":4,"method":"mining.submit","params":["farm.rig","1","00000007","6553f101","0a8b014c","00002000"]}\n',
].join('');

test('a miner may leave at every byte of its way, with shares under way, and leaves nothing behind', async () => {
  const server = new TestServer();
  server.farm.makeJob();
  server.farm.judge = () => undefined;
  for (let length = 0; length <= script.length; length++) {
    const client = server.connect();
    client.socket.write(script.slice(0, length));
    if (length % 2 === 0) await turn();
    if (length % 3 === 0) client.socket.end();
    else client.socket.destroy();
    await turn();
    server.farm.tell(server.farm.makeJob(), true);
    for (const place of server.farm.places) place.answer('4', '');
  }
  await turn();
  expect(server.server.sessions.size).toBe(0);
  expect(server.farm.places.length).toBeGreaterThan(100);
  expect(server.farm.places.every(({ closed }) => closed)).toBe(true);
  expect(server.counters.closed).toMatchObject({ 'peer-closed': script.length + 1, 'handler-failed': 0 });
});

test('a fault of our own ends one connection and is logged as an error', async () => {
  const server = new TestServer();
  const client = await server.miner();
  const other = await server.miner();
  server.farm.judge = () => {
    throw new Error('a bug');
  };
  client.send('{"id":5,"method":"mining.submit","params":["farm.rig","1","00000007","6553f101","0a8b014c"]}');
  await client.untilClosed();
  expect(server.counters.closed['handler-failed']).toBe(1);
  expect(server.logged.some(({ msg }) => msg === 'a message could not be handled')).toBe(true);
  await other.hasNothing();
  server.stop();
});

const listening = async (options: TestServerOptions = {}) => {
  const server = new TestServer(options);
  const [address] = await server.server.listen([{ host: '127.0.0.1', port: 0 }]);
  return { server, port: address?.port ?? 0 };
};

test('it listens on TCP, and closes unread what is beyond its limits', async () => {
  const { server, port } = await listening({ limits: { connectionsPerAddress: 2 } });
  server.farm.makeJob();
  const open = () => new LineClient(connect({ host: '127.0.0.1', port, noDelay: true }));
  const clients = [open(), open()];
  for (const client of clients) expect(await client.setUp()).toHaveLength(4);
  const third = open();
  await third.untilClosed();
  expect(third.received).toEqual([]);
  expect(server.counters).toMatchObject({ connectionsAccepted: 2, refusedAddress: 1 });
  server.server.close();
  await server.server.startDrain({ keep: 0, deadlineMs: 0 }).done;
  for (const client of clients) await client.untilClosed();
  expect(server.counters.closed.drained).toBe(2);
});
