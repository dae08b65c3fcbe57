// Jobs and targets of the farm as what a miner is told: when, in which order, in which bytes.
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import type { LineClient } from './support/line-client.ts';
import { TestServer, turn } from './support/test-server.ts';

const notify = (line: string) => {
  const { method, params } = JSON.parse(line);
  expect(method).toBe('mining.notify');
  return { id: params[0] as string, ntime: Number.parseInt(params[7], 16), clean: params[8] as boolean };
};
const difficulty = (value: number | string) => `{"id":null,"method":"mining.set_difficulty","params":[${value}]}`;
const mask = (digits: string) => `{"id":null,"method":"mining.set_version_mask","params":["${digits}"]}`;

async function next(client: LineClient) {
  return notify(await client.next());
}

test('a difficulty is told right before the job from which it holds, and only when it is another', async () => {
  const server = new TestServer();
  const client = await server.miner();
  const { farm } = server;
  farm.last.target(2_048);
  await client.hasNothing();
  farm.tell(farm.makeJob());
  expect(await client.next()).toBe(difficulty(2_048));
  expect(await next(client)).toMatchObject({ id: '2', clean: false });
  farm.last.target(2_048);
  farm.tell(farm.makeJob());
  expect(await next(client)).toMatchObject({ id: '3' });
  farm.last.target(4_096);
  farm.last.target(2_048);
  farm.tell(farm.makeJob());
  expect(await next(client)).toMatchObject({ id: '4' });
  farm.last.target(0.5);
  farm.tell(farm.makeJob());
  expect(await client.next()).toBe(difficulty(0.5));
  await next(client);
  expect(server.counters).toMatchObject({ setDifficulties: 3, notifies: 5 });
  server.stop();
});

test('the first job is clean, later ones as the farm says', async () => {
  const server = new TestServer();
  server.farm.makeJob();
  const client = server.connect();
  const lines = await client.setUp();
  expect(notify(lines[3] ?? '')).toMatchObject({ id: '1', clean: true });
  server.farm.tell(server.farm.makeJob(), false);
  server.farm.tell(server.farm.makeJob(), true);
  expect(await next(client)).toMatchObject({ id: '2', clean: false });
  expect(await next(client)).toMatchObject({ id: '3', clean: true });
  server.stop();
});

test('after a minute without a job the last one is told again: another id, a later time, nothing stale', async () => {
  const server = new TestServer();
  const client = await server.miner();
  const { farm } = server;
  server.pass(59_999);
  await client.hasNothing();
  server.pass(1);
  const { ntime } = farm.makeJob();
  expect(await next(client)).toEqual({ id: '1-1', ntime: ntime + 60, clean: false });
  server.pass(60_000);
  expect(await next(client)).toEqual({ id: '1-2', ntime: ntime + 120, clean: false });
  client.send('{"id":5,"method":"mining.submit","params":["farm.rig","1-2","00000007","6553f1f1","0a8b014c"]}');
  expect(await client.next()).toBe('{"id":5,"result":true,"error":null}');
  expect(farm.last.shares).toMatchObject([{ jobId: 1, ntime: ntime + 241 }]);
  farm.tell(farm.makeJob());
  expect(await next(client)).toMatchObject({ id: '3', ntime });
  server.pass(30_000);
  await client.hasNothing();
  server.pass(30_000);
  expect(await next(client)).toMatchObject({ id: '3-1' });
  expect(server.counters).toMatchObject({ keepAlives: 3, notifies: 5 });
  server.stop();
});

test('no id of a job comes twice', async () => {
  const server = new TestServer({ limits: { idleMs: Number.POSITIVE_INFINITY } });
  const client = await server.miner();
  const ids = ['1'];
  for (let round = 0; round < 40; round++) {
    if (round % 3 === 0) server.farm.tell(server.farm.makeJob());
    else server.pass(60_000);
    ids.push((await next(client)).id);
  }
  expect(new Set(ids).size).toBe(41);
  expect(Math.max(...ids.map(({ length }) => length))).toBeLessThanOrEqual(8);
  server.stop();
});

test('ids of another process are not taken for those of this one', async () => {
  const before = new TestServer({ random: 0.25 });
  before.farm.makeJob();
  const lines = await before.connect().setUp();
  const { id } = notify(lines[3] ?? '');
  expect(id).toBe('400001');
  before.stop();
  const server = new TestServer({ random: 0.75 });
  const client = await server.miner();
  for (const jobId of [id, '1', 'c00000', 'c00001'])
    client.request(5, 'mining.submit', 'a', jobId, '00000007', '6553f101', '7');
  const refused = '{"id":5,"result":null,"error":[21,"Job not found",null]}';
  expect(await client.take(4)).toEqual([refused, refused, refused, '{"id":5,"result":true,"error":null}']);
  expect(server.farm.last.shares.map(({ jobId }) => jobId)).toEqual([0, 0, 0, 1]);
  server.stop();
});

test('a miner may roll what itself, the proxy and the job allow, and is told when a job changes that', async () => {
  const server = new TestServer();
  const { farm } = server;
  farm.makeJob({ versionMask: 0x0fff_e000 });
  const other = await server.miner();
  const client = server.connect();
  client.request(0, 'mining.configure', ['version-rolling'], { 'version-rolling.mask': 'ffc00000' });
  expect(await client.next()).toContain('"version-rolling.mask":"0fc00000"');
  await client.setUp();
  farm.tell(farm.makeJob({ versionMask: 0 }), true);
  expect(await client.next()).toBe(mask('00000000'));
  expect(await next(client)).toMatchObject({ id: '2' });
  client.send(
    '{"id":5,"method":"mining.submit","params":["farm.rig","2","00000007","6553f101","0a8b014c","00400000"]}',
  );
  expect(await client.next()).toContain('[20,"Version rolling not allowed",null]');
  farm.tell(farm.makeJob({ versionMask: 0xffff_ffff }), true);
  expect(await client.next()).toBe(mask('1fc00000'));
  expect(await next(client)).toMatchObject({ id: '3' });
  // Who has not asked for version rolling is not told of it.
  expect([await next(other), await next(other)]).toMatchObject([{ id: '2' }, { id: '3' }]);
  await other.hasNothing();
  server.stop();
});

/** Remembers what was written to it in one go. */
class WriteLog extends Duplex {
  readonly writes: Buffer[][] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push([chunk]);
    done();
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.writes.push(chunks.map(({ chunk }) => chunk));
    done();
  }
}

test('a thousand miners are sent one line of mining.notify: the same bytes in memory, made once', async () => {
  const server = new TestServer();
  const sockets: WriteLog[] = [];
  server.farm.makeJob();
  for (let count = 0; count < 1_000; count++) {
    const socket = new WriteLog();
    sockets.push(socket);
    server.accept(socket);
    socket.push('{"id":1,"method":"mining.subscribe"}\n{"id":2,"method":"mining.authorize","params":["a"]}\n');
  }
  await turn();
  for (const socket of sockets) socket.writes.length = 0;
  server.farm.tell(server.farm.makeJob(), true);
  await turn();
  const line = sockets[0]?.writes[0]?.[0];
  expect(String(line)).toContain('"mining.notify","params":["2",');
  for (const { writes } of sockets) {
    expect(writes.length).toBe(1);
    expect(writes[0]?.length).toBe(1);
    expect(writes[0]?.[0] === line).toBe(true);
  }
  expect(server.counters.notifies).toBe(2_000);
  server.stop();
});

test('what a miner gets in one tick leaves in one write', async () => {
  const server = new TestServer();
  server.farm.makeJob();
  const socket = new WriteLog();
  server.accept(socket);
  const lines = ['mining.configure', 'mining.subscribe', 'mining.authorize', 'mining.extranonce.subscribe'].map(
    (method, id) => JSON.stringify({ id, method, params: method === 'mining.configure' ? [[], {}] : ['a'] }),
  );
  socket.push(`${lines.join('\n')}\n`);
  await turn();
  expect(socket.writes.length).toBe(1);
  const text = Buffer.concat(socket.writes[0] ?? []).toString();
  expect(text.split('\n').map((line) => (line === '' ? '' : (JSON.parse(line).method ?? JSON.parse(line).id)))).toEqual(
    [...[0, 1, 2, 3], ...['mining.set_difficulty', 'mining.notify', '']],
  );
  server.farm.last.target(8);
  server.farm.tell(server.farm.makeJob());
  server.farm.tell(server.farm.makeJob(), true);
  await turn();
  expect(socket.writes.length).toBe(2);
  server.stop();
});

test('a job that does not fit the lines of devices is counted, and sent', async () => {
  const server = new TestServer();
  const client = await server.miner();
  server.farm.tell(server.farm.makeJob({ coinbaseSuffix: new Uint8Array(4_096) }));
  expect(await next(client)).toMatchObject({ id: '2' });
  expect(server.counters.oversizedJobs).toBe(1);
  server.stop();
});
