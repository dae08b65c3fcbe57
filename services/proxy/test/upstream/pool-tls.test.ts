// TLS to a pool over real sockets, each with a certificate of its own fault.
import { once } from 'node:events';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeTlsPair, type PemPair } from '../../../../test/support/tls-certificate.ts';
import type { UpstreamErrorCode } from '../../src/upstream/errors.ts';
import { PoolTls, TLS_DEADLINE_MS } from '../../src/upstream/pool-tls.ts';

const HOUR_MS = 3_600_000;
const hoursFromNow = (hours: number) => new Date(Date.now() + hours * HOUR_MS);

async function listening(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server;
}

/** The pool's end says one line when the handshake is done. */
function tlsServer({ certificate, key }: PemPair, options: TlsOptions = {}): Promise<Server> {
  const server = createTlsServer({ cert: certificate, key, ...options }, (socket) => {
    socket.on('error', () => undefined);
    socket.write('{}\n');
  });
  server.on('tlsClientError', () => undefined);
  return listening(server);
}

function plainServer(serve: (socket: Socket) => void): Promise<Server> {
  return listening(createTcpServer((socket) => serve(socket.on('error', () => undefined))));
}

async function connectTo(server: Server): Promise<Socket> {
  const address = server.address();
  const socket = connect({ host: '127.0.0.1', port: typeof address === 'object' ? (address?.port ?? 0) : 0 });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function secured(server: Server, trusted: string | undefined, host = '127.0.0.1'): Promise<TLSSocket> {
  const socket = await new PoolTls(trusted).secure(await connectTo(server), host);
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe('PoolTls', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'trusts an authority of one own, by %s, and loses nothing that comes at once',
    async (version) => {
      const pair = makeTlsPair();
      const socket = await secured(
        await tlsServer(pair, { minVersion: version, maxVersion: version }),
        pair.certificate,
      );
      expect(socket.getProtocol()).toBe(version);
      expect(String((await once(socket, 'data'))[0])).toBe('{}\n');
    },
  );

  it('asks for the name of the host, for which the certificate must be', async () => {
    const pair = makeTlsPair({ host: 'pool.example' });
    const server = await tlsServer(pair);
    const asked = async (host?: string) => {
      const [[socket]] = await Promise.all([once(server, 'secureConnection'), secured(server, pair.certificate, host)]);
      return socket.servername;
    };
    expect(await asked('pool.example')).toBe('pool.example');
    expect(await asked()).toBe(false);
  });

  it.each<[UpstreamErrorCode, RegExp, () => Promise<readonly [Server, string | undefined, host?: string]>]>([
    [
      'upstream-certificate-expired',
      /expired/,
      async () => {
        const pair = makeTlsPair({ notBefore: hoursFromNow(-2), notAfter: hoursFromNow(-1) });
        return [await tlsServer(pair), pair.certificate];
      },
    ],
    [
      'upstream-certificate-expired',
      /not yet valid/,
      async () => {
        const pair = makeTlsPair({ notBefore: hoursFromNow(1), notAfter: hoursFromNow(2) });
        return [await tlsServer(pair), pair.certificate];
      },
    ],
    [
      'upstream-authority-unknown',
      /^self-signed certificate$/,
      async () => [await tlsServer(makeTlsPair()), undefined],
    ],
    [
      'upstream-authority-unknown',
      /self-signed|verify/,
      async () => [await tlsServer(makeTlsPair()), makeTlsPair().certificate],
    ],
    [
      'upstream-name-mismatch',
      /localhost/,
      async () => {
        const pair = makeTlsPair();
        return [await tlsServer(pair), pair.certificate, 'localhost'];
      },
    ],
    [
      'upstream-not-tls',
      /something else/,
      async () => [await plainServer((socket) => socket.once('data', () => socket.write('{"id":null}\n'))), undefined],
    ],
    [
      'upstream-handshake-failed',
      /TLS: /,
      async () => [await plainServer((socket) => socket.once('data', () => socket.end())), undefined],
    ],
    [
      'upstream-handshake-failed',
      /TLS: ERR_SSL_/,
      async () => {
        const pair = makeTlsPair();
        const old: TlsOptions = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' };
        return [await tlsServer(pair, old), pair.certificate];
      },
    ],
  ])('tells %s: %s', async (code, detail, make) => {
    const [server, trusted, host] = await make();
    const failure = await secured(server, trusted, host).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'UpstreamError', code, message: expect.stringMatching(detail) });
  });

  it('gives up a pool that says nothing to the handshake', async () => {
    const server = await plainServer((socket) => void socket.resume());
    const stream = await connectTo(server);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const refused = expect(new PoolTls(undefined).secure(stream, '127.0.0.1')).rejects.toMatchObject({
      code: 'upstream-handshake-failed',
      message: expect.stringContaining('port for TLS'),
    });
    vi.advanceTimersByTime(TLS_DEADLINE_MS);
    await refused;
    expect(stream.destroyed).toBe(true);
  });
});
