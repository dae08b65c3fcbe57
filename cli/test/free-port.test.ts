import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort } from '../src/start/free-port.ts';

function hold(port: number): Promise<{ port: number; close(): void }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      resolve({ port: (server.address() as { port: number }).port, close: () => server.close() });
    });
  });
}

const wanted = (port: number, named = false, host = '127.0.0.1') => ({
  place: '--listen',
  address: { host, port },
  named,
});

describe('freePort', () => {
  it('gives a default port when it is free, else one behind it', async () => {
    const held = await hold(0);
    const next = await freePort(wanted(held.port));
    expect(next.port).toBeGreaterThan(held.port);
    held.close();
    expect(await freePort(wanted(held.port))).toEqual({ host: '127.0.0.1', port: held.port });
  });

  it('gives a port that was named, or nothing', async () => {
    const held = await hold(0);
    await expect(freePort(wanted(held.port, true))).rejects.toThrow(
      `--listen: 127.0.0.1:${held.port} is taken by another program; allowed: a free port, or 0 for any`,
    );
    held.close();
    expect(await freePort(wanted(held.port, true))).toEqual({ host: '127.0.0.1', port: held.port });
  });

  it('steps over a port that this process is about to listen on', async () => {
    const held = await hold(0);
    held.close();
    const promised = { host: '127.0.0.1', port: held.port };
    expect((await freePort(wanted(held.port), promised)).port).toBeGreaterThan(held.port);
    await expect(freePort(wanted(held.port, true), promised)).rejects.toThrow(/taken by this pool for its miners/);
  });

  it('gives any port for port 0', async () => {
    expect((await freePort(wanted(0))).port).toBeGreaterThan(0);
  });

  it('names a host that is not ours', async () => {
    await expect(freePort(wanted(3333, false, '192.0.2.1'))).rejects.toMatchObject({ code: 'listen-failed' });
  });
});
