// Miners over TLS, on real sockets: the same sessions and limits as on the plain port, and an end with its reason for all that is no TLS.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { proxyHeader } from '../../../../packages/server/test/support/proxy-header.ts';
import { makeTlsPair, type PemPair } from '../../../../test/support/tls-certificate.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';
import type { Sv1CloseReason } from '../../src/sv1/errors.ts';
import { LineClient } from './support/line-client.ts';
import { TestServer, type TestServerOptions } from './support/test-server.ts';

let directory: string;
let pair: PemPair;
let server: TestServer;
let port: number;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
});
afterAll(() => rmSync(directory, { recursive: true }));
afterEach(() => {
  server.server.close();
  server.stop();
});

const files = () => ({ certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') });

function write(next: PemPair): void {
  pair = next;
  writeFileSync(files().certificate, pair.certificate);
  writeFileSync(files().key, pair.key, { mode: 0o600 });
}

async function listen(limits: TestServerOptions['limits'] = {}): Promise<void> {
  write(makeTlsPair());
  server = new TestServer({ limits, tls: files() });
  server.farm.makeJob();
  const [address] = await server.server.listenTls([{ host: '127.0.0.1', port: 0 }]);
  port = address?.port ?? 0;
}

/** A miner that trusts the present certificate and no other. */
const miner = (options: ConnectionOptions = {}) =>
  new LineClient(connectTls({ host: '127.0.0.1', port, ca: pair.certificate, ...options }));
const plain = (): Socket => connect({ host: '127.0.0.1', port, noDelay: true });

async function closedFor(reason: Sv1CloseReason): Promise<void> {
  await waitFor(() => server.counters.closed[reason] === 1);
  expect(server.logged.find(({ msg }) => msg === 'connection closed')).toMatchObject({ reason, remote: '127.0.0.1' });
  expect([server.server.sessions.size, server.server.tlsHandshakes]).toEqual([0, 0]);
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)('a miner works over %s and leaves nothing behind', async (version) => {
  await listen({ connections: 1 });
  const client = miner({ minVersion: version, maxVersion: version });
  expect(await client.setUp()).toHaveLength(4);
  await client.hasNothing();
  expect(server.counters).toMatchObject({ connectionsAccepted: 1, tlsHandshakes: 1 });
  client.socket.end();
  await closedFor('peer-closed');
  // Its place within the limits is free again.
  expect(await miner().setUp()).toHaveLength(4);
});

test('a first record that comes in pieces is read', async () => {
  await listen();
  const [near, far] = duplexPair();
  const way = plain();
  way.pipe(far);
  far.once('data', (record: Buffer) => {
    way.write(record.subarray(0, 3));
    far.pause();
    // Looked at by now: the pieces do not meet in the kernel.
    setTimeout(() => {
      way.write(record.subarray(3));
      far.pipe(way);
    }, 20);
  });
  const client = miner({ socket: near });
  expect(await client.setUp()).toHaveLength(4);
});

test.each([
  ['a request of Stratum V1', '{"id":1,"method":"mining.subscribe","params":[]}\n', 'spoke-plain'],
  ['HTTP', 'GET / HTTP/1.1\r\nHost: pool\r\n\r\n', 'spoke-http'],
  ['what may be Noise', Buffer.alloc(64, 0xfa), 'spoke-binary'],
  ['text', 'hello, is there anybody\n', 'spoke-text'],
  ['a header of no load balancer', proxyHeader('203.0.113.7'), 'proxy-header-untrusted'],
  ['a ClientHello with nothing in it', Buffer.from('16030100050100000100', 'hex'), 'tls-handshake-failed'],
] as const)('%s on the TLS port is closed', async (_, bytes, reason) => {
  await listen();
  const client = new LineClient(plain());
  client.socket.write(bytes);
  await client.untilClosed();
  await closedFor(reason);
});

test('a miner that knows no newer TLS than 1.1 is refused, and its log line says why', async () => {
  await listen();
  await miner({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }).untilClosed();
  await closedFor('tls-handshake-failed');
  expect(server.logged.find(({ msg }) => msg === 'connection closed')).toMatchObject({
    detail: 'ERR_SSL_UNSUPPORTED_PROTOCOL',
  });
});

test.each([
  ['nothing', ''],
  ['half a record', Buffer.from('16030101', 'hex')],
  ['a record that does not end', Buffer.from('160301020001000001fc0303', 'hex')],
] as const)('a peer that sends %s is closed at its deadline, and counts until then', async (_, bytes) => {
  await listen({ tlsHandshakeDeadlineMs: 300, connections: 1 });
  const client = new LineClient(plain());
  client.socket.write(bytes);
  await waitFor(() => server.server.tlsHandshakes === 1);
  const second = new LineClient(plain());
  await second.untilClosed();
  expect(server.counters).toMatchObject({ connectionsAccepted: 1, refusedTotal: 1 });
  await client.untilClosed();
  await closedFor('tls-handshake-timeout');
});

test('a ClientHello with any byte wrong, cut short or reset ends its connection once and nothing else', async () => {
  await listen();
  const [near, far] = duplexPair();
  connectTls({ socket: near }).on('error', () => undefined);
  const [hello] = (await once(far, 'data')) as [Buffer];
  for (let offset = 0; offset < hello.length; offset++) {
    const bytes = Buffer.from(hello.subarray(0, offset % 3 === 0 ? offset : hello.length));
    if (offset % 3 !== 0) bytes[offset] = (bytes[offset] ?? 0) ^ 0xff;
    const socket = plain().on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(bytes);
    if (offset % 2 === 0) socket.resetAndDestroy();
    else socket.end();
  }
  // Sockets are accepted in their order: all others were before it, but for those whose reset was there first.
  expect(await miner().setUp()).toHaveLength(4);
  await waitFor(() => server.server.tlsHandshakes === 0);
  const ended = Object.values(server.counters.closed).reduce((sum, count) => sum + count, 0);
  expect(server.counters).toMatchObject({ connectionsAccepted: ended + 1, tlsHandshakes: 1 });
  expect(ended).toBeGreaterThanOrEqual(hello.length >> 1);
});

test('handshakes under way end where new connections are refused', async () => {
  await listen();
  const client = new LineClient(plain());
  await waitFor(() => server.server.tlsHandshakes === 1);
  server.server.refuse(true);
  await client.untilClosed();
  await closedFor('drained');
});

test('a slow reader over TLS is cut at its bound', async () => {
  await listen({ outboundBytes: 40_000 });
  const slow = miner();
  await slow.setUp();
  slow.socket.pause();
  const tell = () => server.farm.tell(server.farm.makeJob({ coinbaseSuffix: new Uint8Array(3_000) }));
  // The kernel's buffers come first.
  await waitFor(() => {
    for (let jobs = 0; jobs < 10; jobs++) tell();
    return server.server.sessions.size === 0;
  });
  expect(server.counters.closed).toMatchObject({ 'slow-reader': 1, 'handler-failed': 0 });
});

test('a new certificate is for handshakes to come; who is there stays', async () => {
  await listen();
  const before = miner();
  await before.setUp();
  write(makeTlsPair());
  server.server.refreshCertificate();
  const after = miner();
  expect(await after.setUp()).toHaveLength(4);
  await before.hasNothing();
  writeFileSync(files().key, 'broken');
  for (let looks = 0; looks < 3; looks++) server.server.refreshCertificate();
  expect(await miner().setUp()).toHaveLength(4);
  for (const client of [before, after]) await client.hasNothing();
  expect(server.counters).toMatchObject({ tlsHandshakes: 3, tlsCertificateFaults: 1 });
});
