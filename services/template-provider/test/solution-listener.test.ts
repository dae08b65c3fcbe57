import { connect, type Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { CONNECTIONS_OF_ADDRESS_BOUND, IDLE_MS, SolutionListener } from '../src/solution-listener.ts';

const opened: { close(): Promise<void> }[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const listener of opened.splice(0)) await listener.close();
});

async function listen() {
  const cuts: string[] = [];
  const listener = new SolutionListener({
    handle: async (payload) => payload,
    onCut: (reason) => void cuts.push(reason),
  });
  opened.push(listener);
  const port = await listener.listen('127.0.0.1', 0);
  const open = async (from = '127.0.0.1') => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    sockets.push(socket);
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  };
  return { listener, cuts, open };
}

const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

it('serves a bounded number of connections of one address, and those of others beside them', async () => {
  const { listener, cuts, open } = await listen();
  for (let count = 0; count < CONNECTIONS_OF_ADDRESS_BOUND; count += 1) await open();
  await closed(await open());
  expect(cuts).toEqual([`${CONNECTIONS_OF_ADDRESS_BOUND} connections of one address`]);
  await open('127.0.0.2');
  await vi.waitFor(() => expect(listener.connections).toBe(CONNECTIONS_OF_ADDRESS_BOUND + 1));
  sockets[0]?.destroy();
  await vi.waitFor(() => expect(listener.connections).toBe(CONNECTIONS_OF_ADDRESS_BOUND));
  await open();
  await vi.waitFor(() => expect(listener.connections).toBe(CONNECTIONS_OF_ADDRESS_BOUND + 1));
});

it('gives the place of the connection that was silent longest to the next one', async () => {
  const { listener, cuts, open } = await listen();
  const [first, second] = [await open('127.0.1.1'), await open('127.0.1.1')];
  for (let address = 2; listener.connections < 512; address += 1) {
    for (let count = 0; count < 30 && listener.connections < 512; count += 1) {
      const before = listener.connections;
      await open(`127.0.1.${address}`);
      await vi.waitFor(() => expect(listener.connections).toBe(before + 1));
    }
  }
  first.write(Uint8Array.of(1, 0, 0, 0, 7));
  await new Promise((resolve) => first.once('data', resolve));
  const gone = closed(second);
  await open('127.0.2.1');
  await gone;
  expect(cuts).toEqual(['silent for longest when another came']);
  expect(listener.connections).toBe(512);
});

it('cuts a connection that has been silent for long', async () => {
  const timeouts: number[] = [];
  const setTimeout = vi.spyOn((await import('node:net')).Socket.prototype, 'setTimeout');
  setTimeout.mockImplementation(function (this: Socket, ms, callback) {
    timeouts.push(ms);
    if (callback !== undefined) setImmediate(callback);
    return this;
  });
  try {
    const { cuts, open } = await listen();
    await closed(await open());
    expect(timeouts).toContain(IDLE_MS);
    expect(cuts).toEqual(['silent']);
  } finally {
    setTimeout.mockRestore();
  }
});
