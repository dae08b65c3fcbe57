import { createServer, type Server, type Socket } from 'node:net';
import { Solution, SolutionResult } from '@sluice/bus/payloads/solution';
import { silentLogger } from '@sluice/runtime/logger';
import { afterEach, expect, test, vi } from 'vitest';
import { ProviderLink } from '../src/provider-link.ts';

const servers: Server[] = [];
const links: ProviderLink[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const link of links.splice(0)) link.close();
  for (const server of servers.splice(0)) server.close();
});

/** A provider that answers, or does not. */
async function provider(port: number, onSolution: (solution: Solution, socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    let held = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 4 && held.length >= 4 + held.readUInt32LE(0)) {
        const end = 4 + held.readUInt32LE(0);
        onSolution(Solution.decode(Uint8Array.from(held.subarray(4, end))), socket);
        held = held.subarray(end);
      }
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function answer(socket: Socket, { hash }: Solution, word = ''): void {
  const payload = SolutionResult.encode({ hash, provider: 'p', node: 'n', answer: word, atMicros: 1n });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(payload.length);
  socket.write(Buffer.concat([length, payload]));
}

function solution(fill: number): Uint8Array {
  return Solution.encode({
    hash: new Uint8Array(32).fill(fill),
    jobId: 16,
    provider: 'p',
    templateId: 1n,
    header: new Uint8Array(80),
    coinbase: new Uint8Array(100),
    identity: 'a',
    worker: 'w',
    incarnation: 1n,
    foundAtMicros: 1n,
  });
}

async function until(done: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !done(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(done()).toBe(true);
}

function link(port: number): { link: ProviderLink; counters: { solutionsAnswered: number; solutionsDropped: number } } {
  const counters = { solutionsAnswered: 0, solutionsDropped: 0 };
  const made = new ProviderLink({ host: '127.0.0.1', port }, { log: silentLogger(), counters });
  links.push(made);
  made.open();
  return { link: made, counters };
}

test('a candidate is sent at once and forgotten when it was answered', async () => {
  const port = await provider(0, (found, socket) => answer(socket, found));
  const { link: made, counters } = link(port);
  await until(() => made.connected);
  made.send('01'.repeat(32), solution(1));
  made.send('01'.repeat(32), solution(1));
  made.send('02'.repeat(32), solution(2));
  await until(() => made.waiting === 0);
  expect(counters).toEqual({ solutionsAnswered: 2, solutionsDropped: 0 });
});

test('a provider that goes away without an answer is sent it again when it is back', async () => {
  const seen: number[] = [];
  let answers = false;
  const port = await provider(0, (found, socket) => {
    seen.push(found.hash[0] ?? 0);
    if (answers) answer(socket, found);
    else socket.destroy();
    answers = true;
  });
  const { link: made, counters } = link(port);
  made.send('05'.repeat(32), solution(5));
  await until(() => made.waiting === 0);
  expect(seen).toEqual([5, 5]);
  expect(counters.solutionsAnswered).toBe(1);
});

test('while no provider is there the oldest candidates go at the bound', () => {
  const { link: made, counters } = link(1);
  for (let number = 0; number < 300; number++) made.send(`${number}`, solution(number));
  expect(made.waiting).toBe(256);
  expect(counters.solutionsDropped).toBe(44);
});

test.each(['template-unknown', 'pending'])('a candidate whose answer is %s is asked for again', async (word) => {
  const seen: number[] = [];
  const port = await provider(0, (found, socket) => {
    seen.push(found.hash[0] ?? 0);
    answer(socket, found, seen.length < 3 ? word : '');
  });
  const { link: made, counters } = link(port);
  await until(() => made.connected);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  made.send('05'.repeat(32), solution(5));
  for (let times = 1; times <= 3; times++) {
    while (seen.length < times) await new Promise(setImmediate);
    for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate);
    vi.advanceTimersByTime(5_000);
  }
  expect(seen).toEqual([5, 5, 5]);
  expect(made.waiting).toBe(0);
  expect(counters).toEqual({ solutionsAnswered: 1, solutionsDropped: 0 });
});

test('a candidate that never gets a final answer goes in the end, and is counted', async () => {
  const port = await provider(0, (found, socket) => answer(socket, found, 'template-unknown'));
  const { link: made, counters } = link(port);
  await until(() => made.connected);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  made.send('05'.repeat(32), solution(5));
  for (let turns = 0; turns < 10_000 && made.waiting > 0; turns++) {
    await new Promise(setImmediate);
    vi.advanceTimersByTime(200);
  }
  expect(made.waiting).toBe(0);
  expect(counters).toEqual({ solutionsAnswered: 0, solutionsDropped: 1 });
});
