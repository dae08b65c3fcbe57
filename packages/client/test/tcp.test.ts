import { type AddressInfo, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { connectTcp } from '../src/tcp.ts';

async function listening(): Promise<number> {
  const server = createServer((socket) => void socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

it('connects', async () => {
  const socket = await connectTcp('127.0.0.1', await listening(), new AbortController().signal);
  expect(socket.readyState).toBe('open');
  socket.destroy();
});

it('rejects where nobody listens', async () => {
  await expect(connectTcp('127.0.0.1', 1, new AbortController().signal)).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});

it('gives up at the signal, also one that came before', async () => {
  const abort = new AbortController();
  const port = await listening();
  const attempt = connectTcp('127.0.0.1', port, abort.signal);
  abort.abort();
  await expect(attempt).rejects.toThrow(`no connection to 127.0.0.1:${port}`);
  await expect(connectTcp('127.0.0.1', port, abort.signal)).rejects.toThrow('no connection');
});
