import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { firstFreePort } from '../src/start/free-port.ts';

function hold(port: number): Promise<{ port: number; close(): void }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      resolve({ port: (server.address() as { port: number }).port, close: () => server.close() });
    });
  });
}

describe('firstFreePort', () => {
  it('gives the wanted port when it is free, else one behind it', async () => {
    const held = await hold(0);
    const next = await firstFreePort({ host: '127.0.0.1', port: held.port });
    expect(next.port).toBeGreaterThan(held.port);
    held.close();
    expect(await firstFreePort({ host: '127.0.0.1', port: held.port })).toEqual({ host: '127.0.0.1', port: held.port });
  });

  it('gives any port for port 0', async () => {
    expect((await firstFreePort({ host: '127.0.0.1', port: 0 })).port).toBeGreaterThan(0);
  });

  it('names a host that is not ours', async () => {
    await expect(firstFreePort({ host: '192.0.2.1', port: 3333 })).rejects.toMatchObject({ code: 'listen-failed' });
  });
});
