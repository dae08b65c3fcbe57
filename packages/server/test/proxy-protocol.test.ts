// Load balancers in front of a listener, on real sockets: 127.0.0.1 is one, 127.0.0.9 is a peer like any other.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { afterEach, expect, test } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.ts';
import type { SocketCloseReason } from '../src/errors.ts';
import { Listener, type ListenerLimits } from '../src/listener.ts';
import { listenerCounters } from './support/listener-counters.ts';
import { type HeaderOptions, proxyHeader } from './support/proxy-header.ts';

const BALANCER = '127.0.0.1';
const ELSEWHERE = '127.0.0.9';
const CLIENT = '203.0.113.7';

interface Taken {
  readonly socket: Socket;
  readonly remoteAddress: string;
  text: string;
}

let counters = listenerCounters();
let taken: Taken[] = [];
let listener: Listener;
let port = 0;
const clients: Socket[] = [];

afterEach(() => {
  listener.close();
  for (const socket of [...clients.splice(0), ...taken.map(({ socket }) => socket)]) socket.destroy();
});

async function listen(limits: Partial<ListenerLimits> = {}): Promise<void> {
  counters = listenerCounters();
  taken = [];
  const all = {
    ...{ connections: 100, connectionsPerAddress: 2, connectionsPerSecond: 100, proxyHeaderDeadlineMs: 5_000 },
    connectionsPerSecondPerAddress: 100,
    proxyProtocolFrom: [{ address: BALANCER, family: 'ipv4', prefix: 32 }] as const,
    ...limits,
  };
  listener = new Listener(all, {
    ...{ clock: new ManualClock(), log: silentLogger(), counters },
    onSocket: (socket, remoteAddress) => {
      const one = { socket, remoteAddress, text: '' };
      taken.push(one);
      socket.on('data', (chunk: Buffer) => {
        one.text += chunk.toString();
      });
    },
  });
  const [address] = await listener.listen([{ host: '127.0.0.1', port: 0 }]);
  port = address?.port ?? 0;
}

/** An open connection that has sent this much. */
async function open(bytes: Uint8Array | string = '', from = BALANCER): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from, noDelay: true });
  clients.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (bytes.length > 0) socket.write(bytes);
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}

const withText = (text: string, client = CLIENT, options: HeaderOptions = {}) =>
  Buffer.concat([proxyHeader(client, options), Buffer.from(text)]);

test.each([
  ['of its client', withText('hello'), CLIENT],
  ['of an IPv6 client', withText('hello', '2001:db8:0:0:0:0:0:17'), '2001:db8::17'],
  ['of its own', withText('hello', CLIENT, { command: 0 }), BALANCER],
])('a connection %s is handed on with that address and all of its bytes', async (_, bytes, address) => {
  await listen();
  const socket = await open(bytes);
  await waitFor(() => taken[0]?.text === 'hello');
  socket.write(', more');
  await waitFor(() => taken[0]?.text === 'hello, more');
  expect(taken[0]?.remoteAddress).toBe(address);
  expect(counters.connectionsAccepted).toBe(1);
  expect(listener.open).toBe(1);
});

test('a header that comes byte by byte is read, and nothing is handed on before its last one', async () => {
  await listen();
  const socket = await open();
  const header = proxyHeader(CLIENT);
  for (const byte of header.subarray(0, -1)) {
    socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(taken).toHaveLength(0);
  socket.write(header.subarray(-1));
  await waitFor(() => taken.length === 1);
  socket.write('hello');
  await waitFor(() => taken[0]?.text === 'hello');
});

test("the limit of an address is that of the client's, not of the balancer's", async () => {
  await listen({ connectionsPerAddress: 1 });
  const first = await open(proxyHeader(CLIENT));
  await open(proxyHeader('203.0.113.8'));
  await waitFor(() => taken.length === 2);
  await closed(await open(proxyHeader(CLIENT)));
  expect(counters).toMatchObject({ connectionsAccepted: 2, refusedAddress: 1 });
  first.destroy();
  await waitFor(() => listener.open === 1);
  await open(proxyHeader(CLIENT));
  await waitFor(() => taken.length === 3);
});

test('connections without their header count towards all of them', async () => {
  await listen({ connections: 2 });
  const waiting = await open();
  await open(proxyHeader(CLIENT));
  await waitFor(() => taken.length === 1);
  await closed(await open(proxyHeader(CLIENT)));
  expect(counters).toMatchObject({ connectionsAccepted: 1, refusedTotal: 1 });
  waiting.destroy();
  await waitFor(() => counters.closed['peer-closed'] === 1);
  await open(proxyHeader(CLIENT));
  await waitFor(() => taken.length === 2);
});

test.each<[string, Uint8Array | string, SocketCloseReason]>([
  ['version 1', 'PROXY TCP4 203.0.113.7 192.0.2.1 49153 3333\r\n', 'proxy-header-v1'],
  ['no header', '{"id":1,"method":"mining.subscribe"}\n', 'proxy-header-missing'],
  ['a family that no stream has', withText('', CLIENT, { family: 0x12 }), 'proxy-header-malformed'],
  ['half a header', proxyHeader(CLIENT).subarray(0, 20), 'proxy-header-timeout'],
  ['nothing', '', 'proxy-header-timeout'],
])('a balancer that sends %s is closed for it', async (_, bytes, reason) => {
  await listen({ proxyHeaderDeadlineMs: 100 });
  await closed(await open(bytes));
  await waitFor(() => counters.closed[reason] === 1);
  expect(taken).toHaveLength(0);
  expect(counters.connectionsAccepted).toBe(1);
});

test('a header from anywhere else is what the peer says, and its address stays', async () => {
  await listen();
  await open(proxyHeader(CLIENT), ELSEWHERE);
  await waitFor(() => taken[0]?.text !== '' && taken[0] !== undefined);
  expect(taken[0]?.remoteAddress).toBe(ELSEWHERE);
  expect(taken[0]?.text).toContain('QUIT');
});

test('who has no header yet is let go when the listener closes', async () => {
  await listen();
  const waiting = await open(proxyHeader(CLIENT).subarray(0, 20));
  const taking = await open(proxyHeader(CLIENT));
  await waitFor(() => taken.length === 1);
  listener.close();
  await closed(waiting);
  expect(taking.destroyed).toBe(false);
  expect(counters.connectionsAccepted).toBe(1);
});

test('while it refuses sockets are closed unread, also those that waited for their header, and then taken again', async () => {
  await listen();
  const waiting = await open(proxyHeader(CLIENT).subarray(0, 20));
  // Sockets are accepted in their order: the one before it is waited for.
  const present = await open(withText('present'));
  await waitFor(() => taken[0]?.text === 'present');
  listener.refuse(true);
  waiting.write(withText('hello').subarray(20));
  for (const socket of [waiting, await open(withText('hello')), await open('hello', ELSEWHERE)]) await closed(socket);
  expect([taken.length, counters.refusedDraining, counters.connectionsAccepted]).toEqual([1, 3, 1]);
  expect(present.destroyed).toBe(false);
  listener.refuse(false);
  await open(withText('again'));
  await waitFor(() => taken[1]?.text === 'again');
  expect(counters.refusedDraining).toBe(3);
});
