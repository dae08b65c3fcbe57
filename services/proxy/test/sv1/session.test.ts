// Requests and their answers: what a miner may do, in which state, and what it is told.
import { expect, test } from 'vitest';
import { JOB_NTIME, JOB_VERSION, type ScriptedShare } from './support/scripted-farm.ts';
import { TestServer, turn } from './support/test-server.ts';

const yes = (id: number) => `{"id":${id},"result":true,"error":null}`;
const refused = (id: number, code: number, message: string) =>
  `{"id":${id},"result":null,"error":[${code},"${message}",null]}`;
const submit = (id: number, ...changed: readonly (string | undefined)[]) => {
  const params = ['farm.rig', '1', '00000007', '6553f101', '0a8b014c'].map((given, at) => changed[at] ?? given);
  return JSON.stringify({ id, method: 'mining.submit', params: [...params, ...changed.slice(5)] });
};

test('nothing is said before a miner is subscribed and authorized, whatever the farm has', async () => {
  const server = new TestServer();
  const first = server.farm.makeJob();
  const client = server.connect();
  client.request(1, 'mining.authorize', 'farm.rig', 'x');
  expect(await client.next()).toBe(yes(1));
  server.farm.tell(first);
  await client.hasNothing();
  client.request(2, 'mining.subscribe');
  expect((await client.take(3)).map((line) => JSON.parse(line).method)).toEqual([
    undefined,
    'mining.set_difficulty',
    'mining.notify',
  ]);
  expect(server.farm.last.users).toEqual(['farm.rig']);
  server.stop();
});

test('work that comes later is told when it comes', async () => {
  const server = new TestServer();
  const client = server.connect();
  client.request(1, 'mining.subscribe');
  client.request(2, 'mining.authorize', 'farm.rig', 'x');
  await client.take(2);
  await client.hasNothing();
  server.farm.tell(server.farm.makeJob());
  expect((await client.take(2)).map((line) => JSON.parse(line).method)).toEqual([
    'mining.set_difficulty',
    'mining.notify',
  ]);
  server.stop();
});

test.each([
  ['its password', ['d=4096'], [], 4_096],
  ['its password, to stay there', ['x,fd=8192'], [], 8_192],
  ['mining.suggest_difficulty, in time', ['x'], ['mining.suggest_difficulty', 512], 512],
  ['mining.suggest_target', ['x'], ['mining.suggest_target', '00000000ffff'.padEnd(64, '0')], 1],
])(
  'a difficulty that is wished by %s is told to the farm before work begins',
  async (_, password, wish, difficulty) => {
    const server = new TestServer();
    server.farm.makeJob();
    const client = server.connect();
    const lines = [
      { id: 1, method: 'mining.subscribe', params: [] },
      { id: 2, method: 'mining.authorize', params: ['farm.rig', ...password] },
    ];
    const [method, ...params] = wish;
    client.send(
      ...[...lines, ...(method === undefined ? [] : [{ id: 3, method, params }])].map((line) => JSON.stringify(line)),
    );
    await client.take(4);
    const calls = server.farm.last;
    expect(calls.wishes).toEqual([difficulty]);
    expect(calls.users).toEqual(['farm.rig']);
    server.stop();
  },
);

test('a wish counts once: repeated, it is a sign of life and no more', async () => {
  const server = new TestServer();
  const client = await server.miner();
  for (const [id, difficulty] of [0.000_15, 0.000_15, 64].entries())
    client.request(id, 'mining.suggest_difficulty', difficulty);
  expect(await client.take(3)).toEqual([yes(0), yes(1), yes(2)]);
  await client.hasNothing();
  expect(server.farm.last.wishes).toEqual([0.000_15]);
  server.stop();
});

test('a share reaches the farm as the header fields that it means', async () => {
  const server = new TestServer();
  const client = server.connect();
  server.farm.makeJob();
  client.request(0, 'mining.configure', ['version-rolling'], { 'version-rolling.mask': '1fffe000' });
  await client.next();
  await client.setUp();
  client.send(
    submit(5, undefined, undefined, undefined, undefined, undefined, '00ac4000'),
    submit(6, undefined, undefined, 'FFFFFFFF', undefined, '7c02'),
  );
  expect(await client.take(2)).toEqual([yes(5), yes(6)]);
  const expected: ScriptedShare[] = [
    {
      ...{ jobId: 1, extranonce2: '00000007', ntime: JOB_NTIME + 1, nonce: 0x0a8b_014c },
      ...{ version: JOB_VERSION | 0x00ac_4000, request: '5' },
    },
    {
      ...{ jobId: 1, extranonce2: 'ffffffff', ntime: JOB_NTIME + 1, nonce: 0x7c02 },
      ...{ version: JOB_VERSION, request: '6' },
    },
  ];
  expect(server.farm.last.shares).toEqual(expected);
  server.stop();
});

test.each([
  ['an extranonce2 that is too short', submit(9, undefined, undefined, '0007'), 20, 'Invalid extranonce2 size'],
  [
    'an extranonce2 that is no hexadecimal',
    submit(9, undefined, undefined, 'zzzzzzzz'),
    20,
    'Invalid extranonce2 size',
  ],
  ['a job that never was', submit(9, undefined, '7f'), 21, 'Job not found'],
  ['a job id of another pool', submit(9, undefined, 'job#12'), 21, 'Job not found'],
  ['an ntime of nine digits', submit(9, undefined, undefined, undefined, '06553f101'), 20, 'Invalid parameters'],
  [
    'a nonce that is missing',
    '{"id":9,"method":"mining.submit","params":["a","1","00000007","6553f101"]}',
    20,
    'Invalid parameters',
  ],
  ['version bits that were not agreed on', `${submit(9).slice(0, -2)},"00002000"]}`, 20, 'Version rolling not allowed'],
])('%s is refused with a code, and the miner stays', async (_, line, code, message) => {
  const server = new TestServer();
  const client = await server.miner();
  client.send(line);
  expect(await client.next()).toBe(refused(9, code, message));
  await client.hasNothing();
  expect(server.counters.errorAnswers[code]).toBe(1);
  expect(server.server.sessions.size).toBe(1);
  server.stop();
});

test('a share that is refused for its form is counted to its miner', async () => {
  const server = new TestServer();
  const client = await server.miner();
  client.send(submit(8, undefined, undefined, '0007'), `${submit(9).slice(0, -2)},"00002000"]}`);
  await client.next();
  await client.next();
  expect(server.farm.last.formRefusals).toEqual(['bad-extranonce-size', 'version-rolling-not-allowed']);
  expect(server.farm.last.shares).toEqual([]);
  server.stop();
});

test.each([
  ['stale-share', 21, 'Stale share'],
  ['invalid-job-id', 21, 'Job not found'],
  ['duplicate-share', 22, 'Duplicate share'],
  ['difficulty-too-low', 23, 'Low difficulty share'],
  ['invalid-share', 20, 'Invalid ntime'],
  ['share-not-stored', 20, 'Share not stored'],
] as const)('what the farm answers %s is %i to the miner', async (answer, code, message) => {
  const server = new TestServer();
  const client = await server.miner();
  server.farm.judge = () => answer;
  client.send(submit(7));
  expect(await client.next()).toBe(refused(7, code, message));
  await client.hasNothing();
  expect(server.counters.errorAnswers).toEqual({ 20: 0, 21: 0, 22: 0, 23: 0, 24: 0, 25: 0, [code]: 1 });
  server.stop();
});

test('a share before mining.subscribe is 25, before mining.authorize 24, and a nameless user 24', async () => {
  const server = new TestServer();
  const client = server.connect();
  client.send(submit(1));
  expect(await client.next()).toBe(refused(1, 25, 'Not subscribed'));
  client.request(2, 'mining.subscribe');
  await client.next();
  client.send(submit(3));
  expect(await client.next()).toBe(refused(3, 24, 'Unauthorized worker'));
  client.request(4, 'mining.authorize', '', 'x');
  expect(await client.next()).toBe(refused(4, 24, 'Unauthorized worker'));
  await client.hasNothing();
  expect(server.farm.last.users).toEqual([]);
  server.stop();
});

test('a second name is that of later shares, and a second subscription is answered as the first', async () => {
  const server = new TestServer();
  server.farm.makeJob();
  const client = server.connect();
  const [subscribed] = await client.setUp();
  client.request(3, 'mining.authorize', 'farm%2Eother', 'x');
  client.request(1, 'mining.subscribe', 'test/1');
  expect(await client.take(2)).toEqual([yes(3), subscribed]);
  await client.hasNothing();
  expect(server.farm.last.users).toEqual(['farm.rig', 'farm.other']);
  expect(server.farm.places.length).toBe(1);
  server.stop();
});

test('answers leave in the order of the requests, though a share is judged late', async () => {
  const server = new TestServer();
  const client = await server.miner();
  server.farm.judge = () => undefined;
  // cpuminer uses one id for all its shares.
  client.send(submit(4), submit(4), submit(5));
  client.request(6, 'mining.suggest_difficulty', 4);
  client.request(7, 'mining.nonsense');
  await turn();
  expect(server.server.waitingAnswers).toBe(5);
  server.farm.last.answer('5', '');
  server.farm.last.answer('4', 'duplicate-share');
  expect(await client.next()).toBe(refused(4, 22, 'Duplicate share'));
  await turn();
  expect(client.received).toEqual([]);
  server.farm.last.answer('4', '');
  expect(await client.take(4)).toEqual([yes(4), yes(5), yes(6), refused(7, 20, 'Not supported.')]);
  await client.hasNothing();
  expect(server.server.waitingAnswers).toBe(0);
  server.stop();
});

test('a job is told at once though answers wait', async () => {
  const server = new TestServer();
  const client = await server.miner();
  server.farm.judge = () => undefined;
  client.send(submit(4));
  await turn();
  server.farm.tell(server.farm.makeJob(), true);
  expect(JSON.parse(await client.next())).toMatchObject({
    method: 'mining.notify',
    params: expect.arrayContaining(['2']),
  });
  server.stop();
});

test('notifications and answers of a miner are taken and not answered', async () => {
  const server = new TestServer();
  const client = await server.miner();
  client.send(
    '{"id":null,"method":"mining.submit","params":["farm.rig","1","00000007","6553f101","0a8b014c"]}',
    '{"id":3,"result":"cgminer/4.11.1","error":null}',
    '{"id":null,"method":"mining.nonsense"}',
    '{"id":9,"method":"pong"}',
  );
  await client.hasNothing();
  expect(server.farm.last.shares.length).toBe(1);
  expect(server.counters.requests).toMatchObject({ submit: 1, response: 1, unknown: 1, pong: 1 });
  server.farm.judge = () => 'duplicate-share';
  client.send('{"id":null,"method":"mining.submit","params":["farm.rig","1","00000007","6553f101","0a8b014c"]}');
  await client.hasNothing();
  expect(server.farm.last.shares.length).toBe(2);
  expect(server.counters.errorAnswers[22]).toBe(0);
  server.stop();
});

test('who finds no place is told so and closed; a place that was left can be taken', async () => {
  const server = new TestServer();
  server.farm.capacity = 1;
  const client = await server.miner();
  const other = server.connect();
  other.request(1, 'mining.subscribe');
  expect(await other.next()).toBe(refused(1, 20, 'Server full'));
  await other.untilClosed();
  expect(server.counters.closed['no-place']).toBe(1);
  client.socket.destroy();
  await turn();
  await server.miner();
  expect(server.farm.places.map(({ closed }) => closed)).toEqual([true, false]);
  server.stop();
});
